import Glibc

/// A terminal that is drawn on as a whole, and looks as before afterwards. One thread's.
final class TopTerminal {
  private let before: termios

  /// `nil` when stdout or stdin is no terminal.
  init?() {
    var state = termios()
    guard isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &state) == 0 else { return nil }
    before = state
    // Keys come at once and unseen; Ctrl-C is a signal still.
    state.c_lflag &= ~tcflag_t(ICANON | ECHO)
    tcsetattr(STDIN_FILENO, TCSANOW, &state)
    // The other screen, without a cursor.
    Console.write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[2J", to: STDOUT_FILENO)
  }

  func restore() {
    var state = before
    tcsetattr(STDIN_FILENO, TCSANOW, &state)
    Console.write("\u{1B}[?25h\u{1B}[?1049l", to: STDOUT_FILENO)
  }

  /// Columns and lines.
  static var size: (width: Int, height: Int) {
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return (80, 24)
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Draws over what is there, line by line, so that nothing flickers.
  func draw(_ lines: [String]) {
    let text = lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n")
    Console.write("\u{1B}[H" + text + "\u{1B}[J", to: STDOUT_FILENO)
  }
}
