// A pool that is one of several on one ``Budget``: its limit is a part of the cap, and backends come and go.

extension Pool {
  /// The loop has so many places more, or fewer.
  package mutating func partChanged(by count: Int) { limitChanged(to: limits.maxBackends + count) }

  /// Places that nobody here needs.
  package var sparePlaces: Int {
    waitingCount == 0 ? max(0, limits.maxBackends - openCount) : 0
  }

  /// Whom the waiting client is to enter as.
  package func identity(ofWaiting client: ClientID) -> IdentityID { clients[Int(client.index)].identity }

  /// A backend of the identity that nobody has borrowed: the one that was idle longest.
  package func idleToPassOn(_ identity: IdentityID) -> BackendID? {
    let last = identities[Int(identity.index)].lastIdle
    return last == .none ? nil : last
  }

  /// An idle backend that may be given up so that its place serves another identity, here or at another loop.
  package func idleToGiveUp(for identity: IdentityID?) -> BackendID? {
    isSlotComing ? nil : longestIdle(otherThan: identity)
  }

  /// Whether a backend that came back may serve a longer waiter elsewhere that needs another identity: none is closing
  /// for such a one yet, and nobody waits here, or it has served long enough.
  package func mayGiveUp(_ backend: BackendID, at now: Instant) -> Bool {
    if isSlotComing { return false }
    if waitingCount == 0 { return true }
    return now.nanoseconds(since: backends[Int(backend.index)].connectedAt) >= limits.minimumTenure
  }

  /// The backend, which nobody has, goes to another loop, and its place with it.
  package mutating func passedOn(_ backend: BackendID) {
    let index = Int(backend.index)
    switch backends[index].state {
    case .idle:
      removeIdle(backend)
      idleCount -= 1
    case .lent: lentCount -= 1
    case .absent, .connecting, .closing:
      preconditionFailure("passed on a backend that is not at hand: \(index)")
    }
    identities[Int(backends[index].identity.index)].open -= 1
    dropBorrower(index)
    backends[index].state = .absent
    openCount -= 1
    freeBackends.append(backend)
    partChanged(by: -1)
  }

  /// A backend has come from another loop, and its place with it. ``returned(_:with:at:)`` finds its next client.
  package mutating func arrived(_ identity: IdentityID, connectedAt: Instant) -> BackendID {
    partChanged(by: 1)
    let backend = open(identity)
    connectingCount -= 1
    identities[Int(identity.index)].connecting -= 1
    backends[Int(backend.index)].state = .lent
    backends[Int(backend.index)].connectedAt = connectedAt
    lentCount += 1
    return backend
  }

  /// The user has as many backends as it may have, over all loops; until ``usersHaveRoom()``.
  package mutating func userIsFull(_ identity: IdentityID) { identities[Int(identity.index)].isFull = true }

  package func isUserFull(_ identity: IdentityID) -> Bool { identities[Int(identity.index)].isFull }

  /// Connects are not tried for the moment.
  package func isBackingOff(at now: Instant) -> Bool { connectsResume.map { now < $0 } ?? false }

  /// It may be different now.
  package mutating func usersHaveRoom() {
    for index in identities.indices { identities[index].isFull = false }
  }

  /// How many backends the identity's user may have; 0: as many as the cap allows.
  package func limit(of identity: IdentityID) -> Int { identities[Int(identity.index)].maxBackends }
}
