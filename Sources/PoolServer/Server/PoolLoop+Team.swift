import Glibc
import PoolCore
import PostgresWire

// One of several loops (`threads`): places in the cap and idle backends go to where clients wait.

extension PoolLoop {
  // MARK: Asking

  /// Others wait longer, by so much, before a backend is passed on to them: nanoseconds. Passing one on costs two
  /// loops a turn and the server a cleaning.
  private static var patience: UInt64 { 5_000_000 }

  func isLaterThanOthers() -> Bool { olderElsewhere() != nil }

  func olderElsewhere() -> (loop: Int, since: UInt64)? {
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
    let key = identities.entries[Int(pool.identity(ofWaiting: pool.longestWaiter).index)].key
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
  mutating func tellWait() {
    let longest = pool.longestWaiter
    let since = longest == .none ? 0 : max(1, pool.waitingSince(longest).nanoseconds)
    if longest != .none {
      let identity = pool.identity(ofWaiting: longest)
      // Not to one whose user has all it may have, nor where connects for all are under way.
      let helps = !pool.isUserFull(identity) && pool.waitingCount > pool.connectingCount
      if publishedIdentity != identity || publishedHelp != helps {
        publishedIdentity = identity
        publishedHelp = helps
        team.wants(number, LoopWant(key: identities.entries[Int(identity.index)].key, placeHelps: helps))
      }
    }
    guard since != publishedWait else { return }
    publishedWait = since
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
    while !drain.isDraining, let waiter = team.longestWaiter(otherThan: number, before: .max) {
      let wanted = team.wanted(by: waiter.loop)
      let identity = wanted.key.flatMap { identities.known($0) }
      guard let identity, let backend = pool.idleToPassOn(identity) else {
        if wanted.placeHelps, !team.hasPlacesLeft, let victim = pool.idleToGiveUp(for: identity) {
          closeBackend(Int(victim.index))
        }
        return
      }
      guard team.claim(waiter) else { continue }
      passOn(Int(backend.index), to: waiter.loop, isAnswer: false)
    }
  }

  /// Another loop's client waits: does this one have what it needs?
  mutating func lend(to loop: Int, as key: IdentityTable.Key?, hops: Int) {
    guard !drain.isDraining else { return team.post(.nothingToLend, to: loop) }
    let identity = key.flatMap { identities.known($0) }
    if pool.waitingCount == 0, let identity, let backend = pool.idleToPassOn(identity) {
      return passOn(Int(backend.index), to: loop, isAnswer: true)
    }
    let next = (number + 1) % team.count
    if hops < team.count - 1, next != loop {
      return team.post(.lend(to: loop, as: key, hops: hops + 1), to: next)
    }
    // Its place may serve, if not the backend.
    if !team.hasPlacesLeft, let victim = pool.idleToGiveUp(for: identity) { closeBackend(Int(victim.index)) }
    team.post(.nothingToLend, to: loop)
  }

  /// Nobody has one to spare: the place of an idle one of ours will do.
  mutating func nothingLent() {
    asked -= 1
    guard asked == 0, pool.longestWaiter != .none, !team.hasPlacesLeft,
      let victim = pool.idleToGiveUp(for: pool.identity(ofWaiting: pool.longestWaiter))
    else { return }
    closeBackend(Int(victim.index))
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
    guard !drain.hasStoppedListening || passesTo != nil else {
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
