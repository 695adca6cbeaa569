extension Pool {
  /// Who borrows the backend; `.none` when nobody does.
  package func borrower(of backend: BackendID) -> ClientID { backends[Int(backend.index)].borrower }

  package func identity(of backend: BackendID) -> IdentityID { backends[Int(backend.index)].identity }

  /// Since when the backend's borrower has it.
  package func lentSince(_ backend: BackendID) -> Instant { backends[Int(backend.index)].lentAt }

  package func isIdle(_ backend: BackendID) -> Bool { backends[Int(backend.index)].state == .idle }

  package func isLent(_ backend: BackendID) -> Bool { backends[Int(backend.index)].state == .lent }

  package func isConnecting(_ backend: BackendID) -> Bool {
    backends[Int(backend.index)].state == .connecting
  }

  package func connectedAt(_ backend: BackendID) -> Instant { backends[Int(backend.index)].connectedAt }

  /// The backend that has been lent longest, for the error that tells a client why it got none.
  package var longestLent: BackendID? {
    var found: BackendID?
    for index in backends.indices where backends[index].state == .lent && backends[index].borrower != .none {
      if let best = found, backends[Int(best.index)].lentAt <= backends[index].lentAt { continue }
      found = BackendID(index)
    }
    return found
  }

  /// Idle backends that have been idle at least since `moment`, one at a time (for `server_idle_timeout`).
  package func idleBackend(since moment: Instant) -> BackendID? {
    for index in backends.indices where backends[index].state == .idle {
      if backends[index].idleSince <= moment { return BackendID(index) }
    }
    return nil
  }

  /// A backend that has lived for `server_lifetime`, less up to a tenth, so that those which were opened together do not end
  /// together: an idle one if there is any, else one that is lent and not ``retire(_:)``d yet.
  /// - Parameter lifetime: milliseconds.
  package func oldest(after lifetime: UInt64, at now: Instant) -> BackendID? {
    var found: BackendID?
    for index in backends.indices where backends[index].state == .idle || backends[index].state == .lent {
      guard !backends[index].isRetired, !backends[index].isApart else { continue }
      let tenths = (UInt64(index) &* 2_654_435_761 ^ backends[index].connectedAt.nanoseconds) % 100
      let age = now.milliseconds(since: backends[index].connectedAt)
      guard age >= lifetime - lifetime / 1_000 * tenths else { continue }
      if backends[index].state == .idle { return BackendID(index) }
      found = found ?? BackendID(index)
    }
    return found
  }

  /// How many slots the table has ever needed; backends have indices below it.
  package var backendTableSize: Int { backends.count }

  /// Who has come to wait last.
  package var newestWaiter: ClientID { queue.last }

  /// A backend is on its way, or there is room for one.
  package var isGrowing: Bool { connectingCount > 0 || hasRoom || isSlotComing }

  /// Open backends of an identity, connecting and closing ones included.
  package func openCount(of identity: IdentityID) -> Int { identities[Int(identity.index)].open }

  /// The longest waiter of those who are served in the client's order: of its identity and lane.
  package func longestPeer(of client: ClientID) -> ClientID {
    let entry = clients[Int(client.index)]
    return waiters[list(entry.identity, Int(entry.lane))].first
  }

  /// How many of an identity wait.
  package func waitingCount(of identity: IdentityID) -> Int { identities[Int(identity.index)].waiterCount }

  /// The longest waiter of an identity.
  package func longestWaiter(of identity: IdentityID) -> ClientID {
    var longest = ClientID.none
    for lane in 0..<laneCount {
      let client = waiters[list(identity, lane)].first
      guard client != .none else { continue }
      if longest == .none || waitingSince(client) < waitingSince(longest) { longest = client }
    }
    return longest
  }
}
