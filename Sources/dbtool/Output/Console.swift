import DatabaseTools
import Glibc

/// The two streams: results on stdout, talk on stderr. Colours only where a terminal reads, stream by stream.
struct Console: Sendable {
  /// How much is said besides results and errors.
  enum Talk: Sendable { case quiet, normal, verbose }

  let talk: Talk
  /// Whether stdout carries JSON, and so nothing else.
  let isJSON: Bool
  /// Colours for what goes to stdout.
  let outPaint: Paint
  /// Colours for what goes to stderr.
  let errPaint: Paint
  /// Whether stdout carries something else than results, which then go to stderr as talk does.
  private var isOutTaken = false

  /// - Parameter wantsColour: colours for any reader, not for terminals only.
  init(
    talk: Talk = .normal, isJSON: Bool = false, allowsColour: Bool = true, wantsColour: Bool = false
  ) {
    self.talk = talk
    self.isJSON = isJSON
    // Source: no-color.org: any value but the empty one.
    let noColor = getenv("NO_COLOR").map { String(cString: $0) } ?? ""
    let wanted = allowsColour && noColor.isEmpty && getenv("TERM").map { String(cString: $0) } != "dumb"
    outPaint = Paint(isOn: !isJSON && (wantsColour || wanted && isatty(STDOUT_FILENO) == 1))
    errPaint = Paint(isOn: wantsColour || wanted && isatty(STDERR_FILENO) == 1)
  }

  /// Whether stderr is a terminal, so that a line may be drawn over.
  var isInteractive: Bool { talk != .quiet && isatty(STDERR_FILENO) == 1 }

  /// How many characters a line of the terminal on stdout has; nil when there is none.
  var outWidth: Int? {
    var size = winsize()
    guard isatty(STDOUT_FILENO) == 1, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0
    else {
      return nil
    }
    return Int(size.ws_col)
  }

  /// This one, with stdout left to something else.
  var withoutOut: Console {
    var other = self
    other.isOutTaken = true
    return other
  }

  /// A line of the result, on stdout.
  func result(_ line: String) {
    Self.write(line + "\n", to: isOutTaken ? STDERR_FILENO : STDOUT_FILENO)
  }

  /// A JSON document, on stdout, on one line.
  func result(_ json: JSONValue) { result(json.text()) }

  /// A line of talk, on stderr, unless quiet.
  func say(_ line: String) {
    if talk != .quiet { Self.write(line + "\n", to: STDERR_FILENO) }
  }

  /// A line for those who asked for more.
  func detail(_ line: String) {
    if talk == .verbose { Self.write(errPaint.dim(line) + "\n", to: STDERR_FILENO) }
  }

  /// Something that is not right but does not stop the command; unless quiet.
  func warn(_ line: String) {
    if talk != .quiet { Self.write(errPaint.yellow("warning:") + " " + line + "\n", to: STDERR_FILENO) }
  }

  /// Text as it is, on stderr, whatever the options: for errors and for drawing.
  func raw(_ text: String) { Self.write(text, to: STDERR_FILENO) }

  /// Writes all of `text`; gives up when the reader has gone.
  static func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest, rest.count)
      if count < 0 {
        if errno == EINTR { continue }
        if errno == EAGAIN {
          // A terminal that another program left non-blocking: wait until it takes more.
          var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = poll(&waiting, 1, -1)
          continue
        }
        return
      }
      rest.removeFirst(count)
    }
  }
}
