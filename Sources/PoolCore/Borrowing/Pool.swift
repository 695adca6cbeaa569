/// Who holds which backend, who waits, and when a backend is opened or given up.
///
/// A value without IO: each event is a method named in the past tense that answers with what the loop must do.
/// One budget covers all users and databases: a slot is taken from the moment a connect starts until the server
/// has closed the connection, so the server never sees more than `limits.maxBackends`.
///
/// Waiting is first come, first served, within a ``Lane`` where there are several. A backend that comes back goes to the
/// longest waiter of its own identity, unless a client of another identity has waited longer and can only be served by
/// giving a slot up; then the backend is closed for it, if the other identity has less than its share of the cap and
/// this one more, and once it has been open for `limits.minimumTenure` (a connect costs the server a fork and a SCRAM
/// exchange, so two identities must not take turns at every transaction).
@usableFromInline
package struct Pool: Sendable {
  package private(set) var limits: PoolLimits
  var backends: [BackendEntry] = []
  var clients: [ClientEntry] = []
  var identities: [IdentityEntry] = []
  /// Those who wait, longest first: a list for each identity, of each lane.
  var waiters: [ClientList] = []
  /// See ``setLanes(_:)``; none where everybody is alike.
  package internal(set) var lanes: [LaneState] = []
  var freeBackends: [BackendID] = []
  /// All waiting clients, longest first.
  var queue = ClientList()
  /// True once the pool drains: nothing new is opened for clients that do not wait yet.
  package private(set) var isDraining = false
  /// One slot of the cap, if it has two, is kept for a backend that no client borrows: see ``openApart(_:at:)``.
  package var keepsSlot = false
  var apartCount = 0
  /// How many identities are paused; see ``pause(_:)``.
  var pausedCount = 0
  /// When connects may be tried again after one failed; `nil` while the server answers.
  @usableFromInline private(set) var connectsResume: Instant?

  /// Connects fail, and none has succeeded since.
  private var isProbing = false

  @usableFromInline package private(set) var waitingCount = 0
  /// Places of the cap that the process has still whose work this one takes over.
  package var placesElsewhere = 0
  /// How many backends there may be here.
  var most: Int { max(0, limits.maxBackends - placesElsewhere) }
  /// Clients that wait in the other pools of the same budget, where `max_borrow_queue` counts them.
  package var waitingElsewhere = 0
  package internal(set) var openCount = 0
  package internal(set) var connectingCount = 0
  package internal(set) var idleCount = 0
  package internal(set) var lentCount = 0

  package init(limits: PoolLimits) {
    self.limits = limits
  }

  /// The identity's number, for the life of the pool.
  package mutating func addIdentity(maxBackends: Int = 0) -> IdentityID {
    identities.append(IdentityEntry(maxBackends: maxBackends))
    for _ in 0..<laneCount { waiters.append(ClientList()) }
    return IdentityID(identities.count - 1)
  }

  /// The server's own limit became known or has changed.
  package mutating func limitChanged(to maxBackends: Int) {
    limits.maxBackends = max(limits.isPart ? 0 : 1, maxBackends)
  }

  /// The identity's user may have so many backends from now on; 0: as many as the cap allows.
  package mutating func limitChanged(of identity: IdentityID, to maxBackends: Int) {
    identities[Int(identity.index)].maxBackends = maxBackends
  }

  /// `max_borrow_queue` is another.
  package mutating func queueLimitChanged(to maxQueue: Int) { limits.maxQueue = maxQueue }

  package mutating func drainingStarted() { isDraining = true }

  // MARK: Clients

  /// A client asks for a backend of its identity.
  /// - Parameter image: of the idle backends, one that has these settings is preferred.
  package mutating func borrow(
    _ client: ClientID, _ identity: IdentityID, preferring image: ImageID? = nil, at now: Instant
  ) -> BorrowAction {
    makeRoom(for: client)
    precondition(
      !clients[Int(client.index)].isWaiting, "a client that waits already borrows: \(client.index)")
    let lane = Int(clients[Int(client.index)].lane)
    if waiters[list(identity, lane)].isEmpty, !hasLanes || mayTake(lane),
      !identities[Int(identity.index)].isPaused,
      let backend = idleBackend(of: identity, for: client, preferring: image)
    {
      lend(backend, to: client, at: now)
      return .lend(backend)
    }
    if limits.maxQueue > 0, waitingCount + waitingElsewhere >= limits.maxQueue { return .refuse }
    clients[Int(client.index)].identity = identity
    clients[Int(client.index)].isWaiting = true
    clients[Int(client.index)].waitingSince = now
    append(client)
    waitingCount += 1
    return .wait
  }

  /// The client no longer waits: it left, gave up, or its borrow timed out. Harmless when it did not wait.
  package mutating func waitEnded(_ client: ClientID) {
    guard isWaiting(client) else { return }
    remove(client)
    clients[Int(client.index)].isWaiting = false
    waitingCount -= 1
  }

  package func isWaiting(_ client: ClientID) -> Bool {
    Int(client.index) < clients.count && clients[Int(client.index)].isWaiting
  }

  /// Since when the client waits; meaningful only while it does.
  package func waitingSince(_ client: ClientID) -> Instant {
    Int(client.index) < clients.count ? clients[Int(client.index)].waitingSince : Instant(nanoseconds: 0)
  }

  /// The client has gone for good: its number may be given to another, so no backend may be kept for it.
  package mutating func clientGone(_ client: ClientID) {
    waitEnded(client)
    guard Int(client.index) < clients.count else { return }
    // A backend that is still being cleaned for it must not look as if the number's next owner had borrowed it.
    let home = clients[Int(client.index)].home
    if home != .none, backends[Int(home.index)].borrower == client {
      dropBorrower(Int(home.index))
    }
    clients[Int(client.index)].home = .none
    clients[Int(client.index)].lane = defaultLane
  }

  // MARK: Backends

  /// A backend is logged in and clean.
  package mutating func connected(_ backend: BackendID, at now: Instant) -> ReturnAction {
    precondition(
      backends[Int(backend.index)].state == .connecting, "connected what was not connecting: \(backend.index)"
    )
    loggedIn(backend, at: now)
    return returned(backend, at: now)
  }

  /// From connecting to the hands of whoever it was opened for.
  mutating func loggedIn(_ backend: BackendID, at now: Instant) {
    connectingCount -= 1
    connectsResume = nil
    isProbing = false
    identities[Int(backends[Int(backend.index)].identity.index)].connecting -= 1
    backends[Int(backend.index)].state = .lent
    backends[Int(backend.index)].connectedAt = now
    lentCount += 1
  }

  /// A backend's client is done with it and the release rule holds.
  /// - Parameter image: the settings that are on it.
  package mutating func returned(
    _ backend: BackendID, with image: ImageID? = nil, at now: Instant
  ) -> ReturnAction {
    let index = Int(backend.index)
    backends[index].image = image
    precondition(backends[index].state == .lent, "returned a backend that nobody holds: \(index)")
    let identity = backends[index].identity
    dropBorrower(index)
    let next = next(of: identity)
    if backends[index].isRetired || identities[Int(identity.index)].isPaused
      || mustGiveUp(backend, ownWaiter: next, at: now)
    {
      return .close
    }
    if next != .none {
      waitEnded(next)
      lentCount -= 1
      lend(backend, to: next, at: now)
      return .lend(to: next)
    }
    backends[index].state = .idle
    backends[index].idleSince = now
    lentCount -= 1
    pushIdle(backend)
    return .keep
  }

  /// An idle backend is taken out for cleaning; ``returned(_:at:)`` brings it back. False when it is not idle.
  package mutating func takeIdle(_ backend: BackendID) -> Bool {
    let index = Int(backend.index)
    guard index < backends.count, backends[index].state == .idle else { return false }
    removeIdle(backend)
    idleCount -= 1
    backends[index].state = .lent
    lentCount += 1
    return true
  }

  /// The borrower has left; the backend stays out of the pool until it is clean and ``returned(_:at:)``.
  package mutating func borrowerLeft(_ backend: BackendID) { dropBorrower(Int(backend.index)) }

  /// A connect or login failed. Its slot is free again once ``closed(_:)`` follows. Until one succeeds, they are tried one
  /// at a time, so that a server which has just come up does not meet a herd.
  /// - Parameter mayTryAtOnce: there is another address, which has not failed.
  package mutating func connectFailed(at now: Instant, mayTryAtOnce: Bool = false) {
    isProbing = true
    connectsResume = mayTryAtOnce ? now : now.advanced(byMilliseconds: limits.connectBackoff)
  }

  /// Nobody is to borrow the backend any more; once it is ``returned(_:with:at:)`` it is to be closed.
  package mutating func retire(_ backend: BackendID) { backends[Int(backend.index)].isRetired = true }

  package func isRetired(_ backend: BackendID) -> Bool { backends[Int(backend.index)].isRetired }

  /// The loop starts to close the backend, for whatever reason. The slot stays taken until ``closed(_:)``.
  package mutating func closing(_ backend: BackendID) {
    let index = Int(backend.index)
    switch backends[index].state {
    case .connecting:
      connectingCount -= 1
      identities[Int(backends[index].identity.index)].connecting -= 1
    case .idle:
      removeIdle(backend)
      idleCount -= 1
    case .lent:
      lentCount -= 1
    case .closing, .absent:
      return
    }
    backends[index].state = .closing
    dropBorrower(index)
  }

  /// The server has closed the connection: the slot is free.
  package mutating func closed(_ backend: BackendID) {
    closing(backend)
    let index = Int(backend.index)
    guard backends[index].state == .closing else { return }
    identities[Int(backends[index].identity.index)].open -= 1
    if backends[index].isApart { apartCount -= 1 }
    backends[index].state = .absent
    openCount -= 1
    freeBackends.append(backend)
  }

  /// What to open or close for those who wait. Call until it answers `nil`, after any event that may have freed a
  /// slot or added a waiter, and when ``nextConnectAttempt`` has come.
  package mutating func nextToOpen(at now: Instant) -> OpenAction? {
    if let resume = connectsResume {
      if now < resume { return nil }
      // Past: nobody need be woken for it again.
      connectsResume = nil
    }
    guard connectingCount < (isProbing ? 1 : limits.maxConnecting), queue.first != .none else { return nil }
    if hasLanes, !hasOpenLane { return nil }
    // Full, and nobody's to give up.
    if idleCount == 0, !hasRoom, !limits.isPart { return nil }
    // A connect under way is for the longest waiter of its identity that has none yet: whoever comes next in the
    // queue of all has the next slot, not whoever is of the same identity.
    for index in identities.indices { identities[index].unclaimed = identities[index].connecting }
    var client = queue.first
    while client != .none {
      let identity = clients[Int(client.index)].identity
      let entry = identities[Int(identity.index)]
      if hasLanes, !mayTake(Int(clients[Int(client.index)].lane)) {
        // It may have none now, wherever that came from.
      } else if entry.unclaimed > 0 {
        identities[Int(identity.index)].unclaimed -= 1
      } else if entry.hasRoom {
        if hasRoom { return .connect(open(identity), identity) }
        if limits.isPart { return .ask(identity) }
        // Full: an idle backend of somebody else is given up. Its slot is free at the server's end of file.
        if let victim = longestIdle(otherThan: identity), !isSlotComing { return .close(victim) }
        return nil
      }
      client = clients[Int(client.index)].queueLink.next
    }
    return nil
  }

  /// When a connect may be tried again after a failure; `nil` when none waits for that.
  @inlinable package var nextConnectAttempt: Instant? { waitingCount > 0 ? connectsResume : nil }

  /// A backend opened ahead of any waiter (`min_connections`, checks); `nil` when the cap is reached.
  package mutating func openAhead(_ identity: IdentityID) -> BackendID? {
    guard hasRoom, identities[Int(identity.index)].hasRoom else { return nil }
    return open(identity)
  }
}
