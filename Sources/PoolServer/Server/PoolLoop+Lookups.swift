import Glibc
import Logging
import PoolCore
import PostgresWire

/// The look-ups of users who are in no file, and the one backend that they have.
struct LookupState {
  var table = RoleLookups()
  /// Its slot, from its connect to the server's end of file.
  var backend: Int?
  /// In which database it is.
  var database: [UInt8] = []
  /// The database does not exist, and another one is asked: a client is told so once it has shown who it is.
  var isElsewhere = false
  /// As whom it is entered; the database there is the one that it is in.
  var identity: IdentityID?
  var reply = LookupReply()
  /// Who asks beside clients.
  var checks: [RoleLookups.Subject: @Sendable (LookupAnswer) -> Void] = [:]
  /// When it was last needed.
  var usedAt = Instant(nanoseconds: 0)
  var complaint = RepeatedComplaint()
}

// Who logs in and is in no file is asked for at the server: `auth_user`, `auth_query`, `auth_dbname`.

extension PoolLoop {
  /// Whom to ask the server for; `nil` for users whom the files name, or where nobody is looked up.
  func lookupSubject(_ startup: KnownStartup) -> RoleLookups.Subject? {
    guard !settings.lookupUser.isEmpty, !identities.accounts.isKnown(startup.account) else { return nil }
    // The server has no database of the console's name.
    let isElsewhere = settings.databases.isEmpty && meansConsole(startup)
    let database = identities.lookupDatabase(
      isElsewhere ? settings.probeDatabase ?? "postgres" : startup.database, common: settings.lookupDatabase)
    return RoleLookups.Subject(user: startup.account, database: Array(database.utf8))
  }

  /// Sends what waits to be asked, over a connection that is opened for it.
  mutating func runLookups() {
    guard let backend = lookups.backend else { return openForLookups() }
    guard backends[backend].phase == .lookingUp else { return }
    while lookups.table.sent.count < Self.lookupsOnTheirWay,
      let subject = lookups.table.next(in: lookups.database)
    {
      var writer = MessageWriter(reservingCapacity: 256)
      writer.parse(query: settings.lookupQuery)
      writer.message(FrontendTag.bind) { writer in
        writer.text("")
        writer.text("")
        writer.uint16(0)
        writer.uint16(1)
        writer.value(subject.user)
        writer.uint16(0)
      }
      writer.execute(portal: "", maxRows: 0)
      writer.sync()
      if lookups.table.sent.count == 1 { watchLookups(backend) }
      lookups.usedAt = now
      sendToBackend(backend, writer.bytes)
      guard backends[backend].phase == .lookingUp else { return }
    }
    // Another database's turn.
    if lookups.table.sent.isEmpty, lookups.table.openCount > 0 { closeBackend(backend) }
  }

  private static var lookupsOnTheirWay: Int { 64 }

  private mutating func openForLookups() {
    let last = lookups.database.isEmpty ? nil : lookups.database
    guard !drain.isDraining, let database = lookups.table.nextDatabase(after: last) else { return }
    if database != lookups.database { lookups.isElsewhere = false }
    lookups.database = database
    let known = lookups.identity
    guard let identity = known ?? identities.lookupIdentity(settings.lookupUser, in: &pool),
      identities.accounts.isKnown(Accounts.key(settings.lookupUser))
    else {
      let reason = "auth_user \"\(settings.lookupUser)\" has no password in [[pool.users]] or auth_file"
      return lookupsRefused(nil, reason)
    }
    lookups.identity = identity
    identities.entries[Int(identity.index)].database =
      lookups.isElsewhere ? otherLookupDatabase : String(decoding: database, as: UTF8.self)
    identities.entries[Int(identity.index)].common = nil
    let hasPlace = takePlaceForLookups()
    switch pool.openApart(identity, at: now) {
    case .connect(let backend, let identity):
      lookups.backend = Int(backend.index)
      lookups.reply = LookupReply()
      lookups.table.turnBegan()
      connectBackend(Int(backend.index), identity)
    case .close(let backend):
      if hasPlace { returnPlaceOfLookups() } else { closeBackend(Int(backend.index)) }
    case .ask, nil: if hasPlace { returnPlaceOfLookups() }
    }
  }

  private var otherLookupDatabase: String { settings.probeDatabase ?? "postgres" }

  /// So that moments of time are written in one way only; see ``PasswordEnd``.
  static var lookupParameters: [StartupParameter] {
    [StartupParameter("DateStyle", "ISO, YMD"), StartupParameter("TimeZone", "UTC")]
  }

  /// The backend has logged in.
  mutating func lookupBackendReady(_ index: Int) {
    backends[index].phase = .lookingUp
    pool.connectedApart(BackendID(index), at: now)
    lookups.complaint.settled()
    lookups.usedAt = now
    runLookups()
    openForWaiters()
  }

  /// The slot is free; what was asked and not answered is asked anew.
  mutating func lookupBackendGone() {
    lookups.backend = nil
    // The database may be there by the next time.
    if lookups.table.openCount == 0 { lookups.isElsewhere = false }
    for (subject, waiters) in lookups.table.connectionLost() {
      tell(waiters, .failed("the connection was lost"), of: subject)
    }
  }

  // MARK: Answers

  /// Returns how many bytes are dealt with.
  mutating func lookupBytes(_ index: Int, _ bytes: Span<UInt8>) -> Int {
    let count = bytes.count
    var offset = 0
    while backends[index].phase == .lookingUp {
      guard case .frame(let header) = FrameHeader.read(in: bytes, at: offset) else {
        if case .malformed = FrameHeader.read(in: bytes, at: offset) {
          lookupBroke(index, "a message length that cannot be")
          return count
        }
        return offset
      }
      guard count - offset >= header.length else {
        if header.length > Self.longestLookupMessage {
          lookupBroke(index, "a message of \(header.length) bytes")
        }
        return backends[index].phase == .lookingUp ? offset : count
      }
      switch lookups.reply.received(header.tag, in: bytes, at: offset, length: header.length) {
      case .more: break
      case .done(let answer):
        guard let (subject, waiters) = lookups.table.answered(answer, at: now) else {
          lookupBroke(index, "an answer that nobody asked for")
          return count
        }
        if lookups.table.sent.isEmpty { backendTimers.cancel(index) } else { watchLookups(index) }
        tell(waiters, answer, of: subject)
        runLookups()
      case .broken(let what):
        lookupBroke(index, what)
        return count
      }
      offset += header.length
    }
    return count
  }

  private static var longestLookupMessage: Int { 1 << 20 }

  private mutating func lookupBroke(_ index: Int, _ what: String) {
    logger.warning("the connection for auth_query ends: \(what)")
    closeBackend(index)
  }

  /// The question that was sent first may take as long as a login.
  private mutating func watchLookups(_ index: Int) {
    backendTimers.set(index, now.advanced(byMilliseconds: passwordOverlap))
  }

  mutating func lookupTimedOut(_ index: Int) {
    logger.warning("auth_query was not answered within login_timeout (\(passwordOverlap) ms)")
    cancelQuery(index)
    closeBackend(index)
  }

  /// Those who waited are asked for their passwords; nobody is told what the answer was.
  private mutating func tell(_ waiters: [ClientID], _ answer: LookupAnswer, of subject: RoleLookups.Subject) {
    let user = String(decoding: subject.user, as: UTF8.self)
    switch answer {
    case .found(let password, let expires): identities.accounts.found(subject, password, expires: expires)
    case .nobody(let reason):
      identities.accounts.lost(subject)
      logger.info("nobody was found by auth_query: \(reason)", metadata: ["user": "\(user)"])
    case .failed(let reason):
      // What an earlier question found is not known to hold any more.
      identities.accounts.lost(subject)
      if let missed = lookups.complaint.tell(reason, at: now) {
        logger.warning(
          "auth_query failed: \(reason)",
          metadata: missed > 0 ? ["user": "\(user)", "repeated": "\(missed)"] : ["user": "\(user)"])
      }
    }
    lookups.checks.removeValue(forKey: subject)?(answer)
    for waiter in waiters where waiter != .none {
      let index = Int(waiter.index)
      guard clients[index].phase == .authenticating, let login = logins[index], login.subject == subject,
        case .lookup(let way) = login.exchange
      else { continue }
      logins[index]?.exchange = .lookedUp(way)
      queueLogin(client: index)
    }
  }

  /// What the server said of the client's user is known by now.
  mutating func lookedUp(_ index: Int) {
    guard let login = logins[index], case .lookedUp(let way) = login.exchange else { return }
    var writer = MessageWriter(reservingCapacity: 64)
    ask(index, login.startup, login.account, login.subject, way, &writer)
    if clients[index].phase != .absent { processIncoming(index) }
  }

  /// The client has gone, or is told something else.
  mutating func leaveLookup(_ index: Int) {
    guard let login = logins[index], let subject = login.subject, case .lookup = login.exchange else {
      return
    }
    lookups.table.left(ClientID(index), subject)
  }

  // MARK: Failure

  /// The server does not let `auth_user` in: nobody is found.
  mutating func lookupsRefused(_ error: ErrorFields?, _ reason: String) {
    if error?.sqlState == "3D000", !lookups.isElsewhere {
      lookups.isElsewhere = true
      return runLookups()
    }
    for (subject, waiters) in lookups.table.giveUp() { tell(waiters, .failed(reason), of: subject) }
  }

  /// Twice a second: what could not be asked so far, and a backend that nobody has needed for long.
  mutating func tidyLookups() {
    guard !settings.lookupUser.isEmpty else { return }
    if let backend = lookups.backend {
      guard backends[backend].phase == .lookingUp, lookups.table.openCount == 0 else { return }
      let idle = now.milliseconds(since: lookups.usedAt)
      let age = now.milliseconds(since: pool.connectedAt(BackendID(backend)))
      let isOld =
        settings.serverIdleTimeout > 0 && idle >= settings.serverIdleTimeout
        || settings.serverLifetime > 0 && age >= settings.serverLifetime
      // A cap of one is for whoever needs it.
      if isOld || (cap == 1 && pool.waitingCount + elsewhere.waiting > 0) { closeBackend(backend) }
    } else if lookups.table.openCount > 0 {
      runLookups()
      giveUpLookups()
    }
  }

  /// As queries do, logins wait for a server that cannot be reached, but not for longer than they may take.
  private mutating func giveUpLookups() {
    guard server.downSince != nil || !server.wasReached else { return }
    let patience = min(settings.failoverHold > 0 ? settings.failoverHold : .max, passwordOverlap * 4 / 5)
    guard now.nanoseconds / 1_000_000 >= patience else { return }
    let moment = Instant(nanoseconds: now.nanoseconds - patience * 1_000_000)
    for (subject, waiters) in lookups.table.giveUp(since: moment) {
      lookups.checks.removeValue(forKey: subject)?(.failed("no server can be reached: \(server.lastError)"))
      for waiter in waiters where waiter != .none && clients[Int(waiter.index)].phase == .authenticating {
        counters.unreachableRefusals += 1
        loginFailed(
          Int(waiter.index), "57P03", "no server can be reached: \(server.lastError)",
          hint: "See whether the server runs and the address is right; the pool keeps trying.")
      }
    }
  }
}
