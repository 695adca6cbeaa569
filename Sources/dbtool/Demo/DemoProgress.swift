import DatabaseTools
import Glibc
import PoolServer
import StorefrontLoad

/// Shows a run while it goes on: one line drawn over and over on a terminal, a plain line every few seconds
/// elsewhere, nothing when quiet.
struct DemoProgress {
  private static let betweenLines = Duration.seconds(5)

  private let console: Console
  private var lastLine: (phase: LoadProgress.Phase, time: ContinuousClock.Instant)?
  private var isDrawn = false

  init(_ console: Console) { self.console = console }

  mutating func show(_ progress: LoadProgress, _ pool: RunningPool) {
    guard console.talk != .quiet else { return }
    let now = ContinuousClock.now
    if !console.isInteractive, let lastLine, lastLine.phase == progress.phase,
      now - lastLine.time < Self.betweenLines
    {
      return
    }
    lastLine = (progress.phase, now)
    let snapshot = pool.snapshot()
    // In use, of those that there may be.
    let backends = snapshot.map { "\($0.backendsInUse)/\($0.cap)" } ?? "?"
    let waiting = snapshot.map { Figures.count($0.waiting) } ?? "?"
    draw(
      [
        phase(progress), "\(Figures.count(progress.connected)) clients", "\(backends) backends",
        "\(waiting) waiting", "\(Figures.count(Int(progress.requestsPerSecond))) requests/s",
        "\(Figures.count(progress.failed)) errors",
      ].joined(separator: "  "))
  }

  /// A line for the storm of direct connections.
  mutating func show(accepted: Int, failed: Int) {
    guard console.isInteractive else { return }
    draw("\(Figures.count(accepted)) clients in  \(Figures.count(failed)) refused")
  }

  /// Takes the drawn line away.
  mutating func clear() {
    if isDrawn { console.raw("\r\u{1B}[K") }
    isDrawn = false
  }

  private func phase(_ progress: LoadProgress) -> String {
    switch progress.phase {
    case .connecting: "logging in"
    case .running: "\(Int(progress.elapsed / .seconds(1))) s"
    case .finishing: "last answers"
    }
  }

  private mutating func draw(_ text: String) {
    guard console.isInteractive else { return console.say(DemoSteps.indent + text) }
    // Without the indent it fits a terminal of 80 columns.
    console.raw("\r" + text.prefix(Self.width - 1) + "\u{1B}[K")
    isDrawn = true
  }

  /// The terminal's columns: a line that wraps could not be drawn over.
  private static var width: Int {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 20 ? Int(size.ws_col) : 80
  }
}
