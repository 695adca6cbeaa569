/// When a wait is talked about: after a second; then once a second where the line is drawn over, in a log every
/// ten seconds.
package struct WaitPace: Sendable, Equatable {
  private let interval: Int
  private var next: Int

  /// - Parameter first: milliseconds before the first word.
  package init(isInteractive: Bool, first: Int = 1_000) {
    interval = isInteractive ? 1_000 : 10_000
    next = first
  }

  /// Whether something is to be said now. One that said so is quiet for an interval.
  /// - Parameter milliseconds: since the waiting began.
  package mutating func isDue(_ milliseconds: Int) -> Bool {
    guard milliseconds >= next else { return false }
    next = milliseconds + interval
    return true
  }
}
