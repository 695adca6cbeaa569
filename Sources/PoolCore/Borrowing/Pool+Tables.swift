// The tables behind `Pool`: arrays of plain structs whose lists are threaded through them by index, so that
// borrowing and returning allocate nothing.

struct ListLink: Sendable {
  var previous: ClientID = .none
  var next: ClientID = .none
}

struct ClientList: Sendable {
  var first: ClientID = .none
  var last: ClientID = .none
  var isEmpty: Bool { first == .none }
}

struct ClientEntry: Sendable {
  var identity = IdentityID(UInt32(0))
  var isWaiting = false
  var waitingSince = Instant(nanoseconds: 0)
  /// The place in the queue of all.
  var queueLink = ListLink()
  /// The place among the waiters of the same identity.
  var sameLink = ListLink()
  /// The backend that the client had last: getting it again needs no cleaning.
  var home: BackendID = .none
  /// See ``Pool/lanes``.
  var lane: UInt8 = 0
}

enum BackendState: UInt8, Sendable {
  /// The slot is free.
  case absent
  /// Connecting or logging in. → `lent` by `connected`, `closing`.
  case connecting
  /// Clean or home to its last client. → `lent`, `closing`.
  case idle
  /// A client has it, or it is being cleaned. → `idle`, `lent`, `closing`.
  case lent
  /// Closed by us, not yet by the server. → `absent`.
  case closing
}

struct BackendEntry: Sendable {
  var state = BackendState.absent
  var identity = IdentityID(UInt32(0))
  var borrower: ClientID = .none
  /// In the slot that is kept.
  var isApart = false
  /// See ``Pool/retire(_:)``.
  var isRetired = false
  var connectedAt = Instant(nanoseconds: 0)
  var lentAt = Instant(nanoseconds: 0)
  var idleSince = Instant(nanoseconds: 0)
  /// The settings that its last client has left on it.
  var image: ImageID?
  var previousIdle: BackendID = .none
  var nextIdle: BackendID = .none
}

struct IdentityEntry: Sendable {
  /// 0 = only the pool's cap.
  var maxBackends: Int
  var open = 0
  var connecting = 0
  /// Scratch of ``Pool/nextToOpen(at:)``: connects under way that no waiter looked at so far counts on.
  var unclaimed = 0
  var waiterCount = 0
  /// Idle backends, the one returned last in front: it is warm, and the others can age.
  var firstIdle: BackendID = .none
  var lastIdle: BackendID = .none

  /// Its user's limit is reached over all loops; see ``Pool/userIsFull(_:)``.
  var isFull = false
  /// See ``Pool/pause(_:)``.
  var isPaused = false

  init(maxBackends: Int) { self.maxBackends = maxBackends }

  /// It has backends or wants some.
  var isInDemand: Bool { open > 0 || waiterCount > 0 }

  var hasRoom: Bool { !isFull && !isPaused && (maxBackends == 0 || open < maxBackends) }
}

extension Pool {
  mutating func makeRoom(for client: ClientID) {
    while clients.count <= Int(client.index) { clients.append(ClientEntry(lane: defaultLane)) }
  }

  /// The client's own last backend when it is idle, else one with its settings, else the one that was returned last.
  @inline(__always)
  func idleBackend(
    of identity: IdentityID, for client: ClientID, preferring image: ImageID?
  ) -> BackendID? {
    let home = clients[Int(client.index)].home
    if home != .none {
      let index = Int(home.index)
      if backends[index].state == .idle, backends[index].identity == identity { return home }
    }
    let first = identities[Int(identity.index)].firstIdle
    if first == .none { return nil }
    guard let image else { return first }
    var backend = first
    for _ in 0..<Self.mostCompared {
      if backends[Int(backend.index)].image == image { return backend }
      backend = backends[Int(backend.index)].nextIdle
      if backend == .none { break }
    }
    return first
  }

  /// Idle backends whose settings a borrow looks at.
  private static var mostCompared: Int { 8 }

  /// From idle, or from hand to hand, to the client.
  mutating func lend(_ backend: BackendID, to client: ClientID, at now: Instant) {
    let index = Int(backend.index)
    if backends[index].state == .idle {
      removeIdle(backend)
      idleCount -= 1
    }
    backends[index].state = .lent
    backends[index].borrower = client
    backends[index].lentAt = now
    clients[Int(client.index)].home = backend
    lentCount += 1
    laneHolds(client, by: 1)
  }

  /// Nobody has the backend any more.
  mutating func dropBorrower(_ index: Int) {
    let client = backends[index].borrower
    guard client != .none else { return }
    laneHolds(client, by: -1)
    backends[index].borrower = .none
  }

  mutating func open(_ identity: IdentityID) -> BackendID {
    let backend: BackendID
    if let free = freeBackends.popLast() {
      backend = free
    } else {
      backend = BackendID(backends.count)
      backends.append(BackendEntry())
    }
    backends[Int(backend.index)] = BackendEntry()
    backends[Int(backend.index)].state = .connecting
    backends[Int(backend.index)].identity = identity
    identities[Int(identity.index)].open += 1
    identities[Int(identity.index)].connecting += 1
    openCount += 1
    connectingCount += 1
    return backend
  }

  /// Whether the returned backend's slot must go to another identity, whose longest waiter came first and has
  /// nothing of its own that could serve it.
  @inline(__always)
  func mustGiveUp(_ backend: BackendID, ownWaiter: ClientID, at now: Instant) -> Bool {
    // Those that are closing already have been given up.
    if connectingCount + idleCount + lentCount > most || hasTaken { return true }
    let head = firstInLine
    guard head != .none, head != ownWaiter else { return false }
    let waiting = clients[Int(head.index)].identity
    let entry = identities[Int(waiting.index)]
    // A lane may have held it back until now, beside an idle backend of its own.
    guard entry.firstIdle == .none, entry.connecting < entry.waiterCount, entry.hasRoom, !hasRoom,
      !isSlotComing
    else { return false }
    if ownWaiter == .none { return true }
    guard now.nanoseconds(since: backends[Int(backend.index)].connectedAt) >= limits.minimumTenure else {
      return false
    }
    if entry.open == 0 { return true }
    // Each of those that want backends has its share before any has more.
    let share = fairShare
    return entry.open < share && identities[Int(backends[Int(backend.index)].identity.index)].open > share
  }

  /// How many backends each identity gets when all want more than that.
  private var fairShare: Int {
    let count = identities.reduce(0) { $0 + ($1.isInDemand ? 1 : 0) }
    return max(1, most / max(1, count))
  }

  /// A backend is closing already: its slot will serve the waiter, no second one need be given up.
  var isSlotComing: Bool { openCount > connectingCount + idleCount + lentCount }

  /// An idle backend that the cap has no place for since it has shrunk.
  package var surplusIdle: BackendID? {
    connectingCount + idleCount + lentCount > most ? longestIdle(otherThan: nil) : nil
  }

  func longestIdle(otherThan identity: IdentityID?) -> BackendID? {
    var found: BackendID?
    for index in identities.indices where IdentityID(index) != identity {
      let last = identities[index].lastIdle
      guard last != .none else { continue }
      if let best = found, backends[Int(best.index)].idleSince <= backends[Int(last.index)].idleSince {
        continue
      }
      found = last
    }
    return found
  }

  // MARK: Lists

  mutating func pushIdle(_ backend: BackendID) {
    let identity = Int(backends[Int(backend.index)].identity.index)
    let first = identities[identity].firstIdle
    backends[Int(backend.index)].previousIdle = .none
    backends[Int(backend.index)].nextIdle = first
    if first == .none {
      identities[identity].lastIdle = backend
    } else {
      backends[Int(first.index)].previousIdle = backend
    }
    identities[identity].firstIdle = backend
    idleCount += 1
  }

  mutating func removeIdle(_ backend: BackendID) {
    let entry = backends[Int(backend.index)]
    let identity = Int(entry.identity.index)
    if entry.previousIdle == .none {
      identities[identity].firstIdle = entry.nextIdle
    } else {
      backends[Int(entry.previousIdle.index)].nextIdle = entry.nextIdle
    }
    if entry.nextIdle == .none {
      identities[identity].lastIdle = entry.previousIdle
    } else {
      backends[Int(entry.nextIdle.index)].previousIdle = entry.previousIdle
    }
  }

  mutating func append(_ client: ClientID) {
    let index = Int(client.index)
    clients[index].queueLink = ListLink(previous: queue.last, next: .none)
    if queue.last == .none {
      queue.first = client
    } else {
      clients[Int(queue.last.index)].queueLink.next = client
    }
    queue.last = client

    let identity = Int(clients[index].identity.index)
    let list = list(clients[index].identity, Int(clients[index].lane))
    let last = waiters[list].last
    clients[index].sameLink = ListLink(previous: last, next: .none)
    if last == .none {
      waiters[list].first = client
    } else {
      clients[Int(last.index)].sameLink.next = client
    }
    waiters[list].last = client
    identities[identity].waiterCount += 1
    laneWaits(client, by: 1)
  }

  mutating func remove(_ client: ClientID) {
    let link = clients[Int(client.index)].queueLink
    if link.previous == .none {
      queue.first = link.next
    } else {
      clients[Int(link.previous.index)].queueLink.next = link.next
    }
    if link.next == .none {
      queue.last = link.previous
    } else {
      clients[Int(link.next.index)].queueLink.previous = link.previous
    }
    let same = clients[Int(client.index)].sameLink
    let identity = Int(clients[Int(client.index)].identity.index)
    let list = list(clients[Int(client.index)].identity, Int(clients[Int(client.index)].lane))
    if same.previous == .none {
      waiters[list].first = same.next
    } else {
      clients[Int(same.previous.index)].sameLink.next = same.next
    }
    if same.next == .none {
      waiters[list].last = same.previous
    } else {
      clients[Int(same.next.index)].sameLink.previous = same.previous
    }
    identities[identity].waiterCount -= 1
    laneWaits(client, by: -1)
  }
}
