import DatabaseTools

/// How far a load is, on one line of a terminal: a bar, the rate, and the time that is left.
final class SeedBar {
  private let line: StatusLine
  private let isShown: Bool
  private let start = ContinuousClock.now
  private var next = ContinuousClock.now

  init(_ line: StatusLine, _ console: Console) {
    self.line = line
    isShown = console.isInteractive
  }

  func show(_ progress: SeedProgress) {
    let now = ContinuousClock.now
    guard isShown, now >= next else { return }
    next = now + .milliseconds(100)
    let passed = start.duration(to: now)
    line.show(Self.text(progress, milliseconds: Int(passed / .milliseconds(1))))
  }

  /// `[########            ]  40 %  orders  412000 rows  205000/s  3 s left`
  static func text(_ progress: SeedProgress, milliseconds: Int) -> String {
    let total = max(progress.total, 1)
    let done = min(progress.done, total)
    let filled = done * 20 / total
    let rate = milliseconds > 0 ? done * 1000 / milliseconds : 0
    let percent = String(done * 100 / total)
    var text = "[" + String(repeating: "#", count: filled) + String(repeating: " ", count: 20 - filled) + "] "
    text += String(repeating: " ", count: 3 - percent.count) + percent + " %  \(progress.table)  \(done) rows"
    if rate > 0 {
      text += "  \(rate)/s  \(left((total - done) / rate)) left"
    }
    return text
  }

  private static func left(_ seconds: Int) -> String {
    seconds < 60
      ? "\(seconds) s"
      : seconds < 3600
        ? "\(seconds / 60) min \(seconds % 60) s"
        : "\(seconds / 3600) h \(seconds / 60 % 60) min"
  }
}
