import Glibc
import PoolCore
import PostgresWire

/// A backend on its way from one loop to another: nobody has it, it owes nothing, and no byte of it is unread.
///
/// Unchecked: the encryption's memory is used by one loop at a time, and this hands it over.
struct BackendPassage: @unchecked Sendable {
  let fd: Int32
  let tls: TLSChannel?
  let key: IdentityTable.Key
  let processID: UInt32
  let cancelKey: [UInt8]?
  let address: UInt16
  let isUnix: Bool
  let isEncrypted: Bool
  let isReserved: Bool
  let connectedAt: Instant
  let session: SessionPassage
  /// What the server has reported, as it is now.
  let reported: [ReportedParameter]
  /// It was asked for.
  let isAnswer: Bool

  /// Nobody takes it.
  func abandon() {
    if tls == nil { _ = Socket(fd: fd).write([FrontendTag.terminate, 0, 0, 0, 4]) }
    tls?.free()
    close(fd)
  }
}

// One of several loops (`threads`): places in the cap and idle backends go to where clients wait.

extension PoolLoop {
  // MARK: Places in the cap

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
    guard isShared else { return false }
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
    pool.partChanged(by: -1)
    team.giveBack(1, number)
  }

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

  // MARK: Asking

  /// Others wait longer, by so much, before a backend is passed on to them: nanoseconds. Passing one on costs two
  /// loops a turn and the server a cleaning.
  private static var patience: UInt64 { 5_000_000 }

  private func isLaterThanOthers() -> Bool { olderElsewhere() != nil }

  private func olderElsewhere() -> (loop: Int, since: UInt64)? {
    let own = pool.longestWaiter
    let limit =
      own == .none ? UInt64.max : pool.waitingSince(own).nanoseconds &- Self.patience
    return team.longestWaiter(otherThan: number, before: limit)
  }

  /// Nothing can be opened for who waits longest: is there a backend to spare elsewhere?
  mutating func askOthers() {
    guard pool.waitingCount > pool.connectingCount + asked, !drain.isDone else { return }
    tellWait()
    guard let other = team.loopWithIdle(otherThan: number) else {
      // None of those who listen would ever give theirs up.
      if elsewhere.listening > 0 { team.postToOthers(.yieldListener, than: number) }
      return
    }
    guard let key = identities.entries[Int(pool.identity(ofWaiting: pool.longestWaiter).index)].key
    else { return }
    asked += 1
    team.post(.lend(to: number, as: key, hops: 1), to: other)
  }

  /// At the beginning of a turn, where limits count what all loops have.
  @inline(__always)
  mutating func hearOthers() {
    elsewhere = team.tally(otherThan: number)
    pool.waitingElsewhere = elsewhere.waiting
    sessions.pinnedElsewhere = elsewhere.pinned
  }

  /// The others see since when this loop's longest waiter has waited.
  private mutating func tellWait() {
    let longest = pool.longestWaiter
    let since = longest == .none ? 0 : max(1, pool.waitingSince(longest).nanoseconds)
    guard since != publishedWait else { return }
    publishedWait = since
    if longest != .none {
      let identity = pool.identity(ofWaiting: longest)
      if publishedIdentity != identity {
        publishedIdentity = identity
        team.wants(number, identities.entries[Int(identity.index)].key)
      }
    }
    team.waits(number, since: since)
  }

  /// At the end of a turn.
  @inline(__always)
  mutating func tellOthers() {
    let tally = LoopTally(
      lent: pool.lentCount, waiting: pool.waitingCount, pinned: sessions.pinnedCount,
      listening: subscriptions.isEmpty ? 0 : subscriptions.backendCount)
    if tally != toldTally {
      toldTally = tally
      team.tell(number, tally)
    }
    tellWait()
    let hasIdle = pool.idleCount > 0
    guard hasIdle != publishedIdle else { return }
    publishedIdle = hasIdle
    team.hasIdle(number, hasIdle)
    // Who began to wait a moment ago may have looked before that.
    if hasIdle { serveOthers() }
  }

  private mutating func serveOthers() {
    while let waiter = team.longestWaiter(otherThan: number, before: .max),
      let key = team.wantedKey(of: waiter.loop)
    {
      guard let identity = identities.known(key), let backend = pool.idleToPassOn(identity) else {
        if let victim = pool.idleToGiveUp(for: identities.known(key)) { closeBackend(Int(victim.index)) }
        return
      }
      guard team.claim(waiter) else { continue }
      passOn(Int(backend.index), to: waiter.loop, isAnswer: false)
    }
  }

  /// Another loop's client waits: does this one have what it needs?
  mutating func lend(to loop: Int, as key: IdentityTable.Key, hops: Int) {
    let identity = identities.known(key)
    if pool.waitingCount == 0, let identity, let backend = pool.idleToPassOn(identity) {
      return passOn(Int(backend.index), to: loop, isAnswer: true)
    }
    let next = (number + 1) % team.count
    if hops < team.count - 1, next != loop {
      return team.post(.lend(to: loop, as: key, hops: hops + 1), to: next)
    }
    // Its place may serve, if not the backend.
    if let victim = pool.idleToGiveUp(for: identity) { closeBackend(Int(victim.index)) }
    team.post(.nothingToLend, to: loop)
  }

  // MARK: Passing on

  /// A backend has come back: whether it serves a client of another loop, who has waited longer than all of ours.
  mutating func servesOthers(_ backend: Int) -> Bool {
    guard let waiter = olderElsewhere(), !drain.isDraining, let key = team.wantedKey(of: waiter.loop) else {
      return false
    }
    let id = BackendID(backend)
    guard identities.known(key) == pool.identity(of: id) else {
      guard pool.mayGiveUp(id, at: now) else { return false }
      closeBackend(backend)
      return true
    }
    guard team.claim(waiter) else { return false }
    passOn(backend, to: waiter.loop, isAnswer: false)
    return true
  }

  /// The backend is another loop's from now on. Where that cannot be, it is closed, and its place goes there.
  private mutating func passOn(_ index: Int, to loop: Int, isAnswer: Bool) {
    let identity = pool.identity(of: BackendID(index))
    let entry = identities.entries[Int(identity.index)]
    guard let key = entry.key, mayLeave(index) else {
      team.post(isAnswer ? .nothingToLend : .placesFree, to: loop)
      return closeBackend(index)
    }
    let view = sessions.backends[index].view
    let reported =
      (entry.common ?? []).map { parameter in view.first { $0.name == parameter.name } ?? parameter }
      + view.filter { own in !(entry.common ?? []).contains { $0.name == own.name } }
    let passage = BackendPassage(
      fd: backends[index].fd, tls: backends[index].tls, key: key, processID: backends[index].processID,
      cancelKey: backendKeys[index], address: backends[index].address, isUnix: backends[index].isUnix,
      isEncrypted: backends[index].isEncrypted, isReserved: backends[index].isReserved,
      connectedAt: pool.connectedAt(BackendID(index)),
      session: sessions.backendPassedOn(BackendID(index)), reported: reported, isAnswer: isAnswer)
    let generation = backends[index].generation
    backends[index] = BackendSlot()
    backends[index].generation = generation
    backendTimers.cancel(index)
    backendKeys[index] = nil
    pool.passedOn(BackendID(index))
    team.moved(from: number, to: loop)
    team.post(.adopt(passage), to: loop)
  }

  /// Nothing of it is under way, and no loop's poller or ring has it any more.
  private mutating func mayLeave(_ index: Int) -> Bool {
    guard backends[index].phase == .serving, backends[index].client == ClientID.none.index,
      !backends[index].hungUp, !backends[index].isDying, backends[index].cancelsInFlight == 0,
      backends[index].incoming.isEmpty, backends[index].outgoing.isEmpty, sessions.isSettled(index)
    else { return false }
    guard usesRing, backendLinks[index].isOn else {
      poller.remove(backends[index].fd)
      return true
    }
    return partFromRing(backend: index)
  }

  /// A backend has come from another loop.
  mutating func adopt(_ passage: BackendPassage) {
    if passage.isAnswer { asked -= 1 }
    // It counts as served; if it is not, it says so again.
    publishedWait = 0
    guard let identity = identities.known(passage.key) else { return turnAway(passage) }
    let id = pool.arrived(identity, connectedAt: passage.connectedAt)
    let index = Int(id.index)
    backends.grow(to: index + 1)
    if usesRing { backendLinks.grow(to: index + 1) }
    let generation = backends[index].generation &+ 1
    backends[index] = BackendSlot()
    backends[index].generation = generation
    backends[index].fd = passage.fd
    backends[index].phase = .serving
    backends[index].processID = passage.processID
    backends[index].address = passage.address
    backends[index].isUnix = passage.isUnix
    backends[index].isEncrypted = passage.isEncrypted
    backends[index].isReserved = passage.isReserved
    backends[index].tls = passage.tls
    passage.tls?.nowSends(to: encrypted)
    backendKeys[index] = passage.cancelKey
    adoptReports(identity)
    let common = identities.entries[Int(identity.index)].common ?? []
    sessions.backendAdopted(
      id, passage.session, reporting: passage.reported.filter { !common.contains($0) })
    let token = Token(.backend, index, generation: generation)
    do {
      try poller.add(passage.fd, token: token.raw, writable: !passage.isUnix)
    } catch {
      return closeBackend(index)
    }
    server.wasReached = true
    server.downSince = nil
    joinRing(backend: index)
    giveBack(index)
    // Nobody needs it after all; what its last client has left on it must not stay.
    if backends[index].phase == .serving, pool.takeIdle(id) { startCleaning(index) }
    if pool.waitingCount > 0 { openForWaiters() }
  }

  /// Nobody here knows whom it is for.
  private mutating func turnAway(_ passage: BackendPassage) {
    passage.abandon()
    team.giveBack(1, number)
  }

  // MARK: Who holds a backend longest

  /// A client's wait is over, and another loop may have the longest holder: true when that is being asked.
  mutating func asksForHolder(_ client: Int) -> Bool {
    guard isShared, holderSearches[client] == nil else { return false }
    holderSearches[client] = HolderSearch(missing: team.count - 1, longest: longestHolder)
    let token = Token(.client, client, generation: clients[client].generation)
    team.postToOthers(.findHolder(for: number, client: token), than: number)
    // Whoever has not answered by then is too busy.
    clientTimers.set(client, now.advanced(byMilliseconds: 20))
    return true
  }

  mutating func found(_ holder: Holder?, for client: Token) {
    guard clients[client.index].generation & 0xFFF_FFFF == client.generation,
      var search = holderSearches[client.index]
    else { return }
    search.missing -= 1
    if let holder, holder.since < search.longest?.since ?? now { search.longest = holder }
    holderSearches[client.index] = search
    if search.missing == 0, pool.isWaiting(ClientID(client.index)) { borrowTimedOut(client.index) }
  }

  /// The backend of this loop that has been lent longest, and to whom.
  var longestHolder: Holder? {
    guard let longest = pool.longestLent else { return nil }
    let identity = identities.entries[Int(pool.identity(of: longest).index)]
    return Holder(
      since: pool.lentSince(longest), user: identity.user, database: identity.database,
      processID: backends[Int(longest.index)].processID)
  }

  // MARK: Clients

  /// Listeners of other loops may hear of a NOTIFY before this loop does.
  @inline(__always)
  func tellNotifier(_ client: Int, _ backend: Int) {
    guard sessions.clients[client].marks.contains(.notifies) else { return }
    team.notified(on: backends[backend].processID, by: clients[client].number, at: now.nanoseconds)
  }

  /// What the server reports to whom another loop has let in already, and whether it takes these settings: a login need not wait
  /// for a backend then.
  mutating func adoptReports(_ identity: IdentityID, _ image: ImageID = .empty) {
    let index = Int(identity.index)
    guard isShared, let key = identities.entries[index].key else { return }
    if identities.entries[index].common == nil { identities.entries[index].common = team.reports(key) }
    guard image != .empty, identities.entries[index].accepted[image] == nil,
      let reports = team.accepted(sessions.images[image], of: key)
    else { return }
    sessions.images.retain(image)
    identities.entries[index].accepted[image] = reports
  }

  /// A connection that another loop has accepted.
  mutating func accepted(_ fd: Int32, isUnix: Bool) {
    guard !drain.hasStoppedListening else {
      team.clientLeft(number)
      close(fd)
      return
    }
    _ = takeClient(fd, isUnix: isUnix)
  }

  /// A cancel for a client of this loop, who came in at another one.
  mutating func cancelHere(_ processID: UInt32, _ key: [UInt8], for asker: RemoteAsker) {
    guard let number = startCancel(processID: processID, key: key) else {
      return team.post(.cancelDone(asker.token), to: asker.loop)
    }
    cancels[number]?.remoteAsker = asker
  }
}

/// Whose connection at another loop is closed once a cancel has done its work.
struct RemoteAsker: Sendable {
  let loop: Int
  let token: Token
}

/// Who has had a backend for long.
struct Holder: Sendable {
  let since: Instant
  let user: String
  let database: String
  let processID: UInt32
}

/// Which of all loops has the longest holder.
struct HolderSearch {
  /// Loops that have not answered.
  var missing: Int
  var longest: Holder?
}
