/// Those clients whom somebody who looks for a cause wants to see first. Never what they asked, nor its parameters.
package struct ClientRanking: Sendable {
  /// So many of each kind.
  static let most = 20

  /// Who has had a backend longest.
  package private(set) var holders: [ClientFacts] = []
  /// Who has waited for one longest.
  package private(set) var waiters: [ClientFacts] = []
  /// Who has kept one beyond its transactions longest.
  package private(set) var pinned: [ClientFacts] = []

  package init() {}

  init(holders: [ClientFacts], waiters: [ClientFacts], pinned: [ClientFacts]) {
    self.init()
    add(holders: holders, waiters: waiters, pinned: pinned)
  }

  /// Those of another loop.
  mutating func add(_ other: ClientRanking) {
    add(holders: other.holders, waiters: other.waiters, pinned: other.pinned)
  }

  private mutating func add(holders: [ClientFacts], waiters: [ClientFacts], pinned: [ClientFacts]) {
    self.holders = Self.longest(self.holders + holders, \.nanoseconds)
    self.waiters = Self.longest(self.waiters + waiters, \.nanoseconds)
    self.pinned = Self.longest(self.pinned + pinned, \.pinnedNanoseconds)
  }

  private static func longest(
    _ clients: [ClientFacts], _ time: KeyPath<ClientFacts, UInt64>
  ) -> [ClientFacts] {
    Array(clients.sorted { $0[keyPath: time] > $1[keyPath: time] }.prefix(most))
  }
}

/// One client, for people.
package struct ClientFacts: Equatable, Sendable {
  package enum State: String, CaseIterable, Sendable {
    /// In the borrow queue.
    case waiting
    /// The server works for it.
    case running
    /// Its transaction is open, and it asks for nothing.
    case idleInTransaction = "idle_in_transaction"
    /// It keeps its backend, and no transaction is open.
    case betweenTransactions = "between_transactions"
    /// Its backend streams for it alone.
    case replicating
    /// Its startup settings are being tried.
    case loggingIn = "logging_in"
  }

  /// Its number in this pool, for as long as it is connected.
  package var id = 0
  package var user = ""
  /// Its name at the server.
  package var database = ""
  /// Its `application_name`.
  package var application = ""
  /// Whence it comes; `unix` for a Unix socket.
  package var address = ""
  package var isEncrypted = false
  package var state = State.waiting
  /// How long it has held its backend, or waited for one.
  package var nanoseconds: UInt64 = 0
  /// How long it has been in its state.
  package var stateNanoseconds: UInt64 = 0
  /// How long it has kept its backend beyond its transactions; 0: it does not.
  package var pinnedNanoseconds: UInt64 = 0
  /// Why, as logs and metrics name it.
  package var pinReasons: [String] = []
  /// Its backend's process at the server; 0 for who has none.
  package var serverProcess: UInt32 = 0

  package init() {}
}

/// The places of those who began earliest among many, found in one walk without sorting all of them.
struct Earliest {
  private(set) var entries: [(since: UInt64, index: Int)] = []
  private let most: Int

  init(_ most: Int = ClientRanking.most) { self.most = most }

  mutating func see(_ index: Int, since: UInt64) {
    if entries.count == most {
      guard let last = entries.last, since < last.since else { return }
      entries.removeLast()
    }
    let place = entries.firstIndex { $0.since > since } ?? entries.count
    entries.insert((since, index), at: place)
  }
}
