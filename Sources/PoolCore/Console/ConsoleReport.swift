/// How one loop of the pool is, as far as a SHOW needs it; reports of several loops add up.
package struct ConsoleReport: Sendable {
  /// By user and database.
  package var groups: [ConsoleGroup] = []
  /// Only where they were asked for; see ``ConsoleNeeds``.
  package var clients: [ConsoleClient] = []
  package var backends: [ConsoleBackend] = []
  package var counts = ConsoleCounts()
  package var memory: [ConsoleMemory] = []
  package var lanes: [LaneState] = []

  package init() {}

  package mutating func add(_ other: ConsoleReport) {
    for group in other.groups {
      if let known = groups.firstIndex(where: { $0.isSame(as: group) }) {
        groups[known].add(group)
      } else {
        groups.append(group)
      }
    }
    clients += other.clients
    backends += other.backends
    counts.add(other.counts)
    // Only a loop that is alone has any.
    lanes += other.lanes
    for entry in other.memory {
      if let known = memory.firstIndex(where: { $0.name == entry.name }) {
        memory[known].used += entry.used
        memory[known].free += entry.free
      } else {
        memory.append(entry)
      }
    }
  }
}

/// The clients of one user in one database, and the backends that they share.
package struct ConsoleGroup: Sendable {
  package var user: String
  /// By the name that clients use.
  package var database: String
  /// Its name at the server.
  package var target: String
  package var mode: String
  package var clientsIdle = 0
  /// Those with a backend.
  package var clientsActive = 0
  package var clientsPinned = 0
  package var clientsWaiting = 0
  package var backendsActive = 0
  package var backendsIdle = 0
  package var backendsBeingCancelled = 0
  package var backendsBeingCleaned = 0
  package var backendsLoggingIn = 0
  package var backendsClosing = 0
  /// Of those that are there, the ones that are closed once nobody has them.
  package var backendsToClose = 0
  /// They look users up, or replicate for one client.
  package var isApart = false
  /// Of the longest waiter; nanoseconds.
  package var longestWait: UInt64 = 0
  package var work = Workload()
  /// Of ``work``, what was done in the last ``recentTime`` nanoseconds.
  package var recentWork = Workload()
  package var recentTime: UInt64 = 0

  package init(user: String, database: String, target: String, mode: String) {
    self.user = user
    self.database = database
    self.target = target
    self.mode = mode
  }

  package var clients: Int { clientsIdle + clientsActive + clientsWaiting }
  /// Those that the server counts.
  package var backends: Int {
    backendsActive + backendsIdle + backendsBeingCancelled + backendsBeingCleaned + backendsLoggingIn
      + backendsClosing
  }

  // By bytes: Swift's equality of Strings holds two spellings of one accented letter for the same.
  func isSame(as other: ConsoleGroup) -> Bool {
    user.utf8.elementsEqual(other.user.utf8) && database.utf8.elementsEqual(other.database.utf8)
  }

  mutating func add(_ other: ConsoleGroup) {
    for field in Self.counts { self[keyPath: field] += other[keyPath: field] }
    longestWait = max(longestWait, other.longestWait)
    work.add(other.work)
    recentWork.add(other.recentWork)
    recentTime = max(recentTime, other.recentTime)
  }

  private static var counts: [WritableKeyPath<ConsoleGroup, Int>] {
    [
      \.clientsIdle, \.clientsActive, \.clientsPinned, \.clientsWaiting, \.backendsActive, \.backendsIdle,
      \.backendsBeingCancelled, \.backendsBeingCleaned, \.backendsLoggingIn, \.backendsClosing,
      \.backendsToClose,
    ]
  }
}

/// Sums beside those of ``ConsoleGroup``.
package struct ConsoleCounts: Sendable {
  package var clients = 0
  package var clientsLoggingIn = 0
  package var freeClients = 0
  /// Cancels for clients of other pools on their way.
  package var cancelsPassedOn = 0

  package init() {}

  mutating func add(_ other: ConsoleCounts) {
    clients += other.clients
    clientsLoggingIn += other.clientsLoggingIn
    freeClients += other.freeClients
    cancelsPassedOn += other.cancelsPassedOn
  }
}

/// A table of the process.
package struct ConsoleMemory: Sendable {
  package let name: String
  /// Bytes of an entry.
  package let size: Int
  package var used: Int
  package var free: Int

  package init(_ name: String, size: Int, used: Int, free: Int) {
    self.name = name
    self.size = size
    self.used = used
    self.free = free
  }
}

/// Both ends of a connection.
package struct ConsoleAddress: Equatable, Sendable {
  package var address = "unix"
  package var port = 0
  package var localAddress = "unix"
  package var localPort = 0

  package init() {}
}

/// One client.
package struct ConsoleClient: Sendable {
  package enum State: String, Sendable { case login, idle, waiting, active, closing }

  package var user: String
  package var database: String
  package var state: State
  /// `none`, `physical` or `logical`.
  package var replication = "none"
  package var address = ConsoleAddress()
  /// Moments by the monotonic clock, in nanoseconds.
  package var connectedAt: UInt64 = 0
  package var requestedAt: UInt64 = 0
  package var waitingSince: UInt64?
  /// When its wait is over; `nil`: never.
  package var waitsUntil: UInt64?
  package var borrowedAt: UInt64?
  package var pinnedAt: UInt64?
  /// Why it keeps its backend.
  package var pin: String?
  /// The beginning of the statement that did it.
  package var pinnedBy = ""
  /// It has a transaction open and has asked for nothing.
  package var isIdleInTransaction = false
  /// The process of its backend.
  package var serverProcess: UInt32?
  /// ``ConsoleBackend/id`` of it.
  package var link: UInt64?
  package var tls = ""
  package var application = ""
  package var preparedStatements = 0
  package var id: UInt32
  package var loop: Int
  package var unread = 0
  package var unsent = 0

  package init(user: String, database: String, state: State, id: UInt32, loop: Int) {
    self.user = user
    self.database = database
    self.state = state
    self.id = id
    self.loop = loop
  }
}

/// One backend.
package struct ConsoleBackend: Sendable {
  package enum State: String, Sendable {
    case active, idle, tested, new, closing
    case beingCancelled = "being_canceled"
  }

  package var user: String
  package var database: String
  package var state: State
  package var replication = "none"
  package var address = ConsoleAddress()
  package var connectedAt: UInt64 = 0
  package var requestedAt: UInt64 = 0
  package var closeNeeded = false
  /// ``ConsoleClient/id`` of who has it.
  package var link: UInt32?
  package var process: UInt32
  package var tls = ""
  package var application = ""
  package var preparedStatements = 0
  /// Unlike that of any client.
  package var id: UInt64
  package var loop: Int
  package var unread = 0
  package var unsent = 0

  package init(user: String, database: String, state: State, process: UInt32, id: UInt64, loop: Int) {
    self.user = user
    self.database = database
    self.state = state
    self.process = process
    self.id = id
    self.loop = loop
  }
}
