import DatabaseTools
import Glibc

/// A line on the terminal that is drawn over: what is being waited for. One thread's.
final class StatusLine {
  private let console: Console
  private var isShown = false

  init(_ console: Console) { self.console = console }

  /// Draws the line in place of the last one; nil takes it away.
  func show(_ line: String?) {
    guard let line else {
      if isShown { console.raw("\r\u{1B}[K") }
      isShown = false
      return
    }
    let text = line.count > width ? String(line.prefix(width - 1)) + "…" : line
    console.raw("\r\u{1B}[K" + console.errPaint.dim(Failure.printable(text)))
    isShown = true
  }

  /// Draws the line where it can be drawn over; a log gets it as one more, and nothing of its end.
  func tell(_ line: String?) {
    if console.isInteractive { show(line) } else if let line { console.say(line) }
  }

  /// Says something else where the line stands.
  func above<Said>(_ say: @escaping (Said) -> Void) -> (Said) -> Void {
    { said in
      self.show(nil)
      say(said)
    }
  }

  /// A line that fills the terminal would begin another one, which nothing draws over.
  private var width: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 1 else { return 79 }
    return Int(size.ws_col) - 1
  }
}
