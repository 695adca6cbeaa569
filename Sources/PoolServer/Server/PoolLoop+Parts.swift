import PoolCore

// The part of the cap that one of several loops has (`threads`).

extension PoolLoop {
  /// The hard cap, over all loops.
  var cap: Int { isShared ? team.cap : pool.limits.maxBackends }

  mutating func capBecame(_ cap: Int) {
    if isShared {
      team.capChanged(to: cap)
    } else {
      pool.limitChanged(to: cap)
    }
  }

  /// A place more for this loop. False when there is none, and always where it has the whole cap anyway.
  mutating func takePlace() -> Bool {
    guard isShared, team.takePlace(number) else { return false }
    pool.partChanged(by: 1)
    return true
  }

  /// For a backend that nobody waits for.
  mutating func ensurePlace() {
    if isShared, pool.openCount >= pool.limits.maxBackends { _ = takePlace() }
  }

  /// For the look-ups of users, which one place of the cap is kept for. Where another loop has it and does not need it, it
  /// comes within half a second. Answers whether there is one; see ``returnPlaceOfLookups()``.
  mutating func takePlaceForLookups() -> Bool {
    guard isShared, !pool.isBackingOff(at: now) else { return false }
    guard team.takePlace(number, isApart: true) else {
      team.postToOthers(.yieldLookups, than: number)
      return false
    }
    pool.partChanged(by: 1)
    return true
  }

  /// Nothing could be opened in it, or what was has ended.
  mutating func returnPlaceOfLookups() {
    team.apartEnded()
    // It may be gone already: the cap has shrunk.
    guard pool.limits.maxBackends > pool.openCount else { return }
    pool.partChanged(by: -1)
    team.giveBack(1, number)
  }

  /// Another loop has users to look up, and the place that is kept for that is ours: it is free once the server has closed.
  mutating func yieldLookups() {
    guard let backend = lookups.backend, backends[backend].phase == .lookingUp, lookups.table.openCount == 0
    else { return }
    closeBackend(backend)
  }

  /// A backend has ended, or nobody waits any more: what this loop does not need is the others'.
  mutating func giveBackPlaces() {
    var count = pool.sparePlaces
    if count == 0, pool.limits.maxBackends > pool.openCount, isLaterThanOthers() { count = 1 }
    guard count > 0 else { return }
    pool.partChanged(by: -count)
    team.giveBack(count, number)
  }

  /// Nobody who waits here can use it.
  mutating func giveBackSurplus() {
    let surplus = pool.limits.maxBackends - pool.openCount
    guard surplus > 0, pool.nextConnectAttempt == nil, pool.connectingCount < pool.limits.maxConnecting else {
      return
    }
    pool.partChanged(by: -surplus)
    team.giveBack(surplus, number)
  }

  /// Twice a second: a cap that has shrunk takes its places back, and what nobody needs goes back anyway.
  mutating func tidyParts() {
    let excess = min(team.excess(of: number), pool.limits.maxBackends)
    if excess > 0 {
      pool.partChanged(by: -excess)
      team.giveBack(excess, number)
      while pool.openCount > pool.limits.maxBackends, let victim = pool.idleToGiveUp(for: nil) {
        closeBackend(Int(victim.index))
      }
    }
    giveBackPlaces()
    pool.usersHaveRoom()
    if pool.waitingCount > 0 || lookups.table.openCount > 0 { openForWaiters() }
  }

  /// Whether the identity's user may have one backend more, over all loops; what the cap leaves it is another matter.
  mutating func mayOpen(_ identity: IdentityID) -> Bool {
    let limit = pool.limit(of: identity)
    guard isShared, limit > 0 else { return true }
    if team.reserve(for: identities.entries[Int(identity.index)].account, limit: limit) { return true }
    pool.userIsFull(identity)
    return false
  }

  /// The backend no longer counts for its user.
  mutating func releaseReservation(_ account: [UInt8]) {
    team.release(for: account)
    pool.usersHaveRoom()
  }
}
