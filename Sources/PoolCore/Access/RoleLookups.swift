package import PostgresWire

/// What the server said of a user who is in no file.
package enum LookupAnswer: Equatable, Sendable {
  /// The password as it is stored, and until when it counts: seconds since 1970, `nil` for ever.
  case found(StoredPassword, expires: Int64?)
  /// Nobody can log in so; the words are for the log.
  case nobody(String)
  /// The question could not be answered; the words are for the log.
  case failed(String)
}

/// Who is being looked up at the server (`auth_query`), who waits for that, and what is known for a moment.
///
/// A value without IO. One question at a time is open for a user of a database, whoever many wait for its answer.
/// Answers count for ``memory`` only: long enough for a storm of logins of one user to cost one question, short enough
/// that a password which has just been changed is taken.
package struct RoleLookups: Sendable {
  /// A user, and the database in which the question is asked.
  package struct Subject: Hashable, Sendable {
    // Bytes: Swift's equality of Strings holds two spellings of one accented letter for the same.
    package let user: [UInt8]
    package let database: [UInt8]

    package init(user: [UInt8], database: [UInt8]) {
      self.user = user
      self.database = database
    }
  }

  private struct Asked: Sendable {
    var waiters: [ClientID] = []
    var since: Instant
    /// How often it was sent.
    var tries = 0
  }

  /// For how long an answer counts, in milliseconds.
  package static let memory: UInt64 = 200
  /// Answers that are kept at once.
  private static let mostKnown = 10_000
  /// Questions of one database in a row while another's wait.
  private static let longestTurn = 1_000

  private var known: [Subject: (answer: LookupAnswer, at: Instant)] = [:]
  private var asked: [Subject: Asked] = [:]
  /// What is still to be sent, by database, and the databases in the order in which they came up.
  private var queues: [[UInt8]: [Subject]] = [:]
  private var order: [[UInt8]] = []
  private var turn = 0
  /// Sent and not answered, in the order of the answers.
  package private(set) var sent: [Subject] = []

  package init() {}

  /// How many questions are open.
  package var openCount: Int { asked.count }

  // MARK: Clients

  /// A client wants to log in as the subject.
  /// - Returns: what is known; `nil`: the client waits for ``answered(_:at:)``.
  package mutating func ask(_ subject: Subject, _ client: ClientID, at now: Instant) -> LookupAnswer? {
    if let entry = known[subject] {
      if now.milliseconds(since: entry.at) < Self.memory { return entry.answer }
      known[subject] = nil
    }
    if asked[subject] == nil {
      asked[subject] = Asked(since: now)
      enqueue(subject)
    }
    asked[subject]?.waiters.append(client)
    return nil
  }

  /// The client waits no longer.
  package mutating func left(_ client: ClientID, _ subject: Subject) {
    asked[subject]?.waiters.removeAll { $0 == client }
  }

  /// What is known of the subject may be out of date: the next client asks anew.
  package mutating func forget(_ subject: Subject) { known[subject] = nil }

  package mutating func forgetAll() { known.removeAll() }

  // MARK: The server's side

  /// Where questions wait to be asked: in this database still, or in the one whose turn it is. `nil`: none waits.
  package func nextDatabase(after current: [UInt8]?) -> [UInt8]? {
    if let current, queues[current]?.isEmpty == false, turn < Self.longestTurn || order.count == 1 {
      return current
    }
    return order.first { $0 != current } ?? order.first
  }

  /// The connection for questions is another, or in another database.
  package mutating func turnBegan() { turn = 0 }

  /// The next question for a connection in this database.
  package mutating func next(in database: [UInt8]) -> Subject? {
    guard nextDatabase(after: database) == database, var queue = queues[database], !queue.isEmpty else {
      return nil
    }
    let subject = queue.removeFirst()
    queues[database] = queue
    if queue.isEmpty {
      queues[database] = nil
      order.removeAll { $0 == database }
    }
    turn += 1
    asked[subject]?.tries += 1
    sent.append(subject)
    return subject
  }

  /// The server has answered the question that was sent first.
  /// - Returns: whom it was about and who waits for it; `nil` when none was sent.
  package mutating func answered(
    _ answer: LookupAnswer, at now: Instant
  ) -> (subject: Subject, waiters: [ClientID])? {
    guard !sent.isEmpty else { return nil }
    let subject = sent.removeFirst()
    switch answer {
    case .found, .nobody: remember(answer, of: subject, at: now)
    // Not kept: it may be different in a moment.
    case .failed: break
    }
    return (subject, asked.removeValue(forKey: subject)?.waiters ?? [])
  }

  /// The connection is gone. What it has not answered is asked once more.
  /// - Returns: those for whom it was the second time; they are asked for no longer.
  package mutating func connectionLost() -> [(subject: Subject, waiters: [ClientID])] {
    var hopeless: [(subject: Subject, waiters: [ClientID])] = []
    for subject in sent {
      if let entry = asked[subject], entry.tries < 2, !entry.waiters.isEmpty {
        enqueue(subject)
      } else {
        hopeless.append((subject, asked.removeValue(forKey: subject)?.waiters ?? []))
      }
    }
    sent = []
    return hopeless
  }

  /// No connection can be had.
  /// - Parameter since: only those who have waited since then or longer; `nil`: everybody.
  package mutating func giveUp(since: Instant? = nil) -> [(subject: Subject, waiters: [ClientID])] {
    var given: [(subject: Subject, waiters: [ClientID])] = []
    for (subject, entry) in asked where since.map({ entry.since <= $0 }) ?? true {
      given.append((subject, entry.waiters))
    }
    for (subject, _) in given {
      asked[subject] = nil
      queues[subject.database]?.removeAll { $0 == subject }
      if queues[subject.database]?.isEmpty == true {
        queues[subject.database] = nil
        order.removeAll { $0 == subject.database }
      }
    }
    return given
  }

  private mutating func enqueue(_ subject: Subject) {
    if queues[subject.database] == nil { order.append(subject.database) }
    queues[subject.database, default: []].append(subject)
  }

  /// Bounded, since clients choose the names.
  private mutating func remember(_ answer: LookupAnswer, of subject: Subject, at now: Instant) {
    if known.count >= Self.mostKnown {
      known = known.filter { now.milliseconds(since: $0.value.at) < Self.memory }
      if known.count >= Self.mostKnown { known.removeAll() }
    }
    known[subject] = (answer, now)
  }
}
