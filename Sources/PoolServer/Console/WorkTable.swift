import PoolCore

/// What has been done for each identity of a loop, and how much of it lately.
struct WorkTable {
  private var works: [Workload] = []
  /// As it was at the last mark and at the one before.
  private var marked: [Workload] = []
  private var markedBefore: [Workload] = []
  private var markAt: Instant
  private var markBeforeAt: Instant

  /// Between two marks, in milliseconds. As PgBouncer's `stats_period`.
  private static let period: UInt64 = 60_000

  init(at start: Instant) {
    markAt = start
    markBeforeAt = start
  }

  /// Of an identity by its number.
  @inline(__always)
  subscript(identity: UInt32) -> Workload {
    get { all(of: Int(identity)) }
    _modify {
      if Int(identity) >= works.count { makeRoom(for: Int(identity) + 1) }
      yield &works[Int(identity)]
    }
  }

  @inline(never)
  private mutating func makeRoom(for count: Int) {
    while works.count < count { works.append(Workload()) }
  }

  func all(of identity: Int) -> Workload { identity < works.count ? works[identity] : Workload() }

  /// Since the mark before the last: of one to two minutes, or since the pool began.
  func recent(of identity: Int) -> Workload {
    all(of: identity).since(identity < markedBefore.count ? markedBefore[identity] : Workload())
  }

  func recentTime(at now: Instant) -> UInt64 { now.nanoseconds(since: markBeforeAt) }

  /// Twice a second.
  mutating func mark(at now: Instant) {
    guard now >= markAt.advanced(byMilliseconds: Self.period) else { return }
    (markedBefore, markBeforeAt) = (marked, markAt)
    (marked, markAt) = (works, now)
  }
}
