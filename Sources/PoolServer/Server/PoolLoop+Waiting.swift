import Logging
import PoolCore
import PostgresWire

// Clients that wait for a backend: when they are told that they do, and when waiting is of no use.

extension PoolLoop {
  /// `borrow_timeout`, or what the client has set for itself; milliseconds, 0 for no limit.
  func borrowTimeout(_ index: Int) -> UInt64 {
    sessions.borrowLimit(of: ClientID(index)) ?? settings.borrowTimeout
  }

  /// The timer of a client that waits: for its NOTICE, then for its error.
  mutating func limitWait(_ index: Int, since start: Instant) {
    let limit = borrowTimeout(index)
    let notice = clients[index].knowsItWaits ? 0 : settings.borrowNotice
    if notice > 0, limit == 0 || notice < limit, clients[index].phase == .waiting {
      clientTimers.set(index, start.advanced(byMilliseconds: notice))
    } else if limit > 0 {
      clientTimers.set(index, start.advanced(byMilliseconds: limit))
    }
  }

  /// When the waiting client gets its error; `nil`: never.
  func waitsUntil(_ index: Int) -> Instant? {
    let limit = borrowTimeout(index)
    return limit > 0 ? pool.waitingSince(ClientID(index)).advanced(byMilliseconds: limit) : nil
  }

  /// A waiting client's timer has fired. Returns true when it was for the NOTICE: the wait goes on.
  mutating func tellsOfWait(_ index: Int) -> Bool {
    guard clients[index].phase == .waiting, !clients[index].knowsItWaits, settings.borrowNotice > 0 else {
      return false
    }
    let since = pool.waitingSince(ClientID(index))
    let limit = borrowTimeout(index)
    guard limit == 0 || now < since.advanced(byMilliseconds: limit) else { return false }
    clients[index].knowsItWaits = true
    let error = borrowError("", hint: "")
    var writer = MessageWriter(reservingCapacity: 256)
    writer.noticeResponse(
      ErrorFields(
        severity: .notice, sqlState: "00000",
        message: "still waiting for a database connection after \(now.milliseconds(since: since)) ms",
        detail: error.detail,
        hint: limit > 0 ? "It is given up after \(limit) ms (borrow_timeout)." : nil))
    limitWait(index, since: since)
    sendToClient(index, writer.bytes)
    return true
  }

  /// A waiting client's timer has fired; its limit may be longer by now than when that was set.
  mutating func waitsOn(_ index: Int) -> Bool {
    let limit = borrowTimeout(index)
    let since = pool.waitingSince(ClientID(index))
    guard limit == 0 || now < since.advanced(byMilliseconds: limit) else { return false }
    clients[index].knowsItWaits = true
    limitWait(index, since: since)
    return true
  }

  /// Whether the client, who has just come to wait, can only wait in vain: whoever is in front has waited for longer already
  /// than it is ready to.
  func waitsInVain(_ index: Int) -> Bool {
    let limit = borrowTimeout(index)
    let head = pool.longestPeer(of: ClientID(index))
    guard limit > 0, head != .none, head != ClientID(index), !isShared, server.downSince == nil,
      !pool.isGrowing
    else { return false }
    return now.milliseconds(since: pool.waitingSince(head)) >= limit
  }

  /// The error of one that would wait in vain.
  func vainWaitError(_ index: Int) -> ErrorFields {
    let waited = now.milliseconds(since: pool.waitingSince(pool.longestPeer(of: ClientID(index))))
    return settings.errorWords.say(
      borrowError(
        "no database connection can be had within \(borrowTimeout(index)) ms: others have waited \(waited) ms",
        hint: "Try again in a moment, allow a longer borrow_timeout, or shorten transactions."),
      .borrowTimeout)
  }

  // MARK: Clients that hold one backend and wait for another

  /// Twice a second: where all backends are idle within transactions, nothing moves, and as many clients wait, these are most
  /// likely the same applications' threads. They would all stand still until `borrow_timeout`; so the one that came last is
  /// told at once, and what its thread holds comes back.
  mutating func breakNesting() {
    let moves = counters.bytesToServer &+ counters.bytesToClients &+ counters.borrows
    guard !isShared, pool.lentCount >= Self.leastNested, pool.waitingCount >= pool.lentCount, !pool.isGrowing,
      moves == nesting.moves, areAllIdleInTransaction
    else {
      nesting = (moves, now)
      return
    }
    guard now.milliseconds(since: nesting.since) >= Self.nestingPatience else { return }
    let client = pool.newestWaiter
    guard client != .none, listenerNumber(client) == nil else { return }
    counters.nestedRefusals += 1
    logger.warning(
      "every backend is idle in a transaction and nothing moves: the client that came last is refused",
      metadata: ["waiting": "\(pool.waitingCount)", "backends": "\(pool.lentCount)"])
    let error = borrowError(
      "no database connection: each is held by a client that is idle in a transaction, and nothing has moved for"
        + " \(now.milliseconds(since: nesting.since)) ms",
      hint: "A thread that holds a connection must not ask for a second one; or set idle_transaction_timeout."
    )
    failWaiting(Int(client.index), settings.errorWords.say(error, .borrowTimeout))
    nesting.moves = counters.bytesToServer &+ counters.bytesToClients &+ counters.borrows
  }

  /// With fewer, people who think within their transactions are likelier than threads that block each other.
  private static var leastNested: Int { 4 }
  private static var nestingPatience: UInt64 { 1_000 }

  private var areAllIdleInTransaction: Bool {
    for index in 0..<backends.used where backends[index].phase != .absent {
      guard backends[index].phase == .serving, backends[index].client != ClientID.none.index,
        sessions.owesNothing(index), !sessions.isSettled(index)
      else { return false }
    }
    return true
  }
}
