import Glibc
import PoolCore
import Synchronization

/// The loops of one pool (`threads`), and what they share: the cap, who has waited longest, who has backends to spare.
///
/// Nothing here is touched while a loop has backends at hand: it reads and writes single words when its first client
/// begins to wait and its first backend becomes idle, and takes a lock to open a backend or to pass one on.
final class LoopTeam: Sendable {
  /// Loops at most.
  static let most = 64

  /// Where each loop is told things.
  let mailboxes: [Mailbox<LoopMessage>]
  private let budget: Mutex<Budget>
  /// How loops were when they ended.
  private let finals: Mutex<[PoolSnapshot?]>
  /// What would serve the longest waiter of each loop.
  private let wants: Mutex<[LoopWant]>
  /// Whose clients have said NOTIFY on which of the server's processes last.
  private let notifiers = Mutex<[UInt32: Notifier]>([:])
  private struct Notifier {
    let number: UInt32
    let at: UInt64
  }

  /// What the server reports to each identity at login; the first that is known counts.
  private let reports = Mutex<[IdentityTable.Key: [ReportedParameter]]>([:])
  /// Startup settings that the server has accepted of each, and what it reports for them.
  private let accepted = Mutex<[IdentityTable.Key: [SettingsImage: [ReportedParameter]]]>([:])

  private let consoleCount = Atomic(0)
  private let clientCounts = InlineArray<64, Atomic<Int>> { _ in Atomic(0) }
  /// Since when the longest waiter of each loop has waited, in nanoseconds; 0: nobody does.
  private let waiting = InlineArray<64, Atomic<UInt64>> { _ in Atomic(0) }
  /// What each loop has told of itself.
  private let tallies = InlineArray<64, Tally> { _ in Tally() }
  /// Whether a loop has idle backends.
  private let idle = InlineArray<64, Atomic<Bool>> { _ in Atomic(false) }
  private let wasReached = Atomic(false)
  /// Places in nobody's part, to be looked at without the lock.
  private let placesLeft: Atomic<Int>

  /// - Throws: ``SystemError`` when the kernel has no descriptor left.
  init(loops: Int, cap: Int, keepsPlace: Bool) throws(SystemError) {
    var mailboxes: [Mailbox<LoopMessage>] = []
    for _ in 0..<min(max(1, loops), Self.most) { mailboxes.append(try Mailbox()) }
    self.mailboxes = mailboxes
    let budget = Budget(cap: cap, loops: mailboxes.count, keepsPlace: keepsPlace)
    placesLeft = Atomic(budget.left)
    self.budget = Mutex(budget)
    finals = Mutex([PoolSnapshot?](repeating: nil, count: mailboxes.count))
    wants = Mutex([LoopWant](repeating: LoopWant(), count: mailboxes.count))
  }

  var count: Int { mailboxes.count }

  func post(_ message: LoopMessage, to loop: Int) { mailboxes[loop].post(message) }

  func postToOthers(_ message: LoopMessage, than loop: Int) {
    for other in mailboxes.indices where other != loop { mailboxes[other].post(message) }
  }

  /// The pool as it is now, once all loops have told how they are.
  func snapshot(_ detail: SnapshotDetail, _ answer: @escaping @Sendable (PoolSnapshot) -> Void) {
    guard count > 1 else { return post(.snapshot(detail, answer), to: 0) }
    let sum = SnapshotSum(of: count)
    for loop in mailboxes.indices {
      let add: @Sendable (PoolSnapshot) -> Void = { snapshot in sum.add(snapshot).map(answer) }
      let final = finals.withLock { finals in
        if finals[loop] == nil { post(.snapshot(detail, add), to: loop) }
        return finals[loop]
      }
      final.map(add)
    }
  }

  /// False where the loop has ended, and would never answer.
  func postUnlessEnded(_ message: LoopMessage, to loop: Int) -> Bool {
    finals.withLock { finals in
      if finals[loop] == nil { post(message, to: loop) }
      return finals[loop] == nil
    }
  }

  /// The loop turns no more: what it is asked from now on is answered for it.
  func ended(_ loop: Int, _ final: PoolSnapshot) {
    finals.withLock { $0[loop] = final }
    if loop > 0 { post(.loopEnded, to: 0) }
    for message in mailboxes[loop].drain() {
      switch message {
      case .snapshot(_, let answer): answer(final)
      case .accepted(let fd, _), .inherited(_, let fd): close(fd)
      case .consoleReport(_, let answer): answer(ConsoleReport())
      case .adopt(let passage): passage.abandon()
      default: break  // Who asked does not wait for ever.
      }
    }
  }

  /// Whether all loops but the first have ended.
  var haveOthersEnded: Bool { finals.withLock { $0.dropFirst().allSatisfy { $0 != nil } } }

  // MARK: The cap

  var cap: Int { budget.withLock { $0.cap } }

  private func changeBudget<Result: Sendable>(_ change: (inout Budget) -> Result) -> Result {
    budget.withLock { budget in
      let result = change(&budget)
      placesLeft.store(budget.left, ordering: .sequentiallyConsistent)
      return result
    }
  }

  func takePlace(_ loop: Int, isApart: Bool = false) -> Bool {
    hasPlacesLeft && changeBudget { $0.take(loop, isApart: isApart) }
  }

  /// Whether the cap leaves a place that nobody has.
  var hasPlacesLeft: Bool { placesLeft.load(ordering: .sequentiallyConsistent) > 0 }

  func apartEnded() { changeBudget { $0.apartEnded() } }

  /// Places that the loop does not need; the loop whose client has waited longest is told of them.
  func giveBack(_ count: Int, _ loop: Int) {
    guard count > 0 else { return }
    changeBudget { $0.giveBack(count, loop) }
    if let next = longestWaiter(otherThan: loop, before: .max) { post(.placesFree, to: next.loop) }
  }

  func moved(from loop: Int, to other: Int) { budget.withLock { $0.moved(from: loop, to: other) } }

  func capChanged(to cap: Int) { changeBudget { $0.capChanged(to: cap) } }

  func placesElsewhere(_ count: Int) { changeBudget { $0.elsewhere = count } }

  var placesTaken: Int { budget.withLock { $0.taken } }

  func excess(of loop: Int) -> Int { budget.withLock { $0.excess(of: loop) } }

  func reserve(for user: [UInt8], limit: Int) -> Bool {
    budget.withLock { $0.reserve(for: user, limit: limit) }
  }

  func release(for user: [UInt8]) { budget.withLock { $0.release(for: user) } }

  // MARK: Who waits, who has

  /// The loop's longest waiter has waited since then; 0: nobody waits.
  func waits(_ loop: Int, since: UInt64) { waiting[loop].store(since, ordering: .sequentiallyConsistent) }

  /// Whoever waits longest there is to enter as that one; said before ``waits(_:since:)``.
  func wants(_ loop: Int, _ want: LoopWant) { wants.withLock { $0[loop] = want } }

  func tell(_ loop: Int, _ tally: LoopTally) {
    tallies[loop].lent.store(tally.lent, ordering: .relaxed)
    tallies[loop].waiting.store(tally.waiting, ordering: .relaxed)
    tallies[loop].pinned.store(tally.pinned, ordering: .relaxed)
    tallies[loop].listening.store(tally.listening, ordering: .relaxed)
  }

  /// Of the other loops together, each as of its last turn.
  func tally(otherThan loop: Int) -> LoopTally {
    var sum = LoopTally()
    for other in 0..<count where other != loop {
      sum.lent += tallies[other].lent.load(ordering: .relaxed)
      sum.waiting += tallies[other].waiting.load(ordering: .relaxed)
      sum.pinned += tallies[other].pinned.load(ordering: .relaxed)
      sum.listening += tallies[other].listening.load(ordering: .relaxed)
    }
    return sum
  }

  /// Among the other loops' clients that wait since before `limit`, in nanoseconds, the longest waiter's.
  func longestWaiter(otherThan loop: Int, before limit: UInt64) -> (loop: Int, since: UInt64)? {
    var found: (loop: Int, since: UInt64)?
    for other in 0..<count where other != loop {
      let since = waiting[other].load(ordering: .sequentiallyConsistent)
      if since != 0, since < found?.since ?? limit { found = (other, since) }
    }
    return found
  }

  /// What would serve the longest waiter of that loop.
  func wanted(by loop: Int) -> LoopWant { wants.withLock { $0[loop] } }

  /// That waiter will be served by whoever claims it first. False when somebody has.
  func claim(_ waiter: (loop: Int, since: UInt64)) -> Bool {
    waiting[waiter.loop].compareExchange(
      expected: waiter.since, desired: 0, ordering: .sequentiallyConsistent
    ).exchanged
  }

  func hasIdle(_ loop: Int, _ isSo: Bool) { idle[loop].store(isSo, ordering: .sequentiallyConsistent) }

  /// Another loop that has idle backends, the next one behind `loop` first.
  func loopWithIdle(otherThan loop: Int) -> Int? {
    for step in 1..<max(2, count) {
      let other = (loop + step) % count
      if other != loop, idle[other].load(ordering: .sequentiallyConsistent) { return other }
    }
    return nil
  }

  /// Whether a login has succeeded at any of the loops.
  var isReached: Bool { wasReached.load(ordering: .relaxed) }
  func reached() { wasReached.store(true, ordering: .relaxed) }

  // MARK: Clients

  /// The loop with the fewest, which has one more from now on.
  func loopForClient() -> Int {
    var best = 0
    var least = Int.max
    for loop in 0..<count {
      let clients = clientCounts[loop].load(ordering: .relaxed)
      if clients < least { (best, least) = (loop, clients) }
    }
    clientCounts[best].wrappingAdd(1, ordering: .relaxed)
    return best
  }

  func clientJoined(_ loop: Int) { clientCounts[loop].wrappingAdd(1, ordering: .relaxed) }

  /// How many of them are at the console.
  var consoles: Int { consoleCount.load(ordering: .relaxed) }
  func consoleCame() { consoleCount.wrappingAdd(1, ordering: .relaxed) }
  func consoleLeft() { consoleCount.wrappingSubtract(1, ordering: .relaxed) }

  func clientLeft(_ loop: Int) { clientCounts[loop].wrappingSubtract(1, ordering: .relaxed) }

  var clients: Int {
    var all = 0
    for loop in 0..<count { all += clientCounts[loop].load(ordering: .relaxed) }
    return all
  }

  // MARK: Logins

  func reports(_ key: IdentityTable.Key) -> [ReportedParameter]? { reports.withLock { $0[key] } }

  func reported(_ parameters: [ReportedParameter], to key: IdentityTable.Key) {
    reports.withLock { if $0[key] == nil { $0[key] = parameters } }
  }

  func accepted(_ settings: SettingsImage, of key: IdentityTable.Key) -> [ReportedParameter]? {
    accepted.withLock { $0[key]?[settings] }
  }

  func accepts(
    _ settings: SettingsImage, of key: IdentityTable.Key, reporting parameters: [ReportedParameter]
  ) {
    accepted.withLock { $0[key, default: [:]][settings] = parameters }
  }

  // MARK: Notifications

  /// A client has said NOTIFY on that process of the server's: whose listener is with another loop knows it so.
  func notified(on process: UInt32, by number: UInt32, at: UInt64) {
    notifiers.withLock { $0[process] = Notifier(number: number, at: at) }
  }

  func notifier(on process: UInt32, since: UInt64) -> UInt32? {
    notifiers.withLock { $0[process].flatMap { $0.at >= since ? $0.number : nil } }
  }

  func processEnded(_ process: UInt32) { notifiers.withLock { $0[process] = nil } }
}

/// What would serve a loop's longest waiter.
struct LoopWant: Sendable {
  /// A backend of this identity; `nil`: none that another loop has.
  var key: IdentityTable.Key?
  /// A place in the cap.
  var placeHelps = false
}

/// What a loop tells the others of itself at the end of a turn.
struct LoopTally: Equatable, Sendable {
  /// Backends that somebody has.
  var lent = 0
  /// Clients in its queue.
  var waiting = 0
  /// Clients that keep their backend.
  var pinned = 0
  /// Backends that listen or are asked for.
  var listening = 0
}

private struct Tally: ~Copyable {
  let lent = Atomic(0)
  let waiting = Atomic(0)
  let pinned = Atomic(0)
  let listening = Atomic(0)
}
