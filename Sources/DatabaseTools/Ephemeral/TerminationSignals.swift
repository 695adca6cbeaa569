private import CLinux
private import Glibc

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT as something to read instead of something that strikes: a command that
/// has to clean up opens this first, before any thread is made.
package final class TerminationSignals: Sendable {
  /// For `poll`: readable when a signal has come.
  package let descriptor: Int32

  package init() { descriptor = clinux_termination_open() }

  deinit { close(descriptor) }

  /// Lets the next signal strike, which ends the process at once.
  package func release() { clinux_termination_release() }

  /// A signal that came.
  package struct Arrival: Sendable, Equatable {
    package let number: Int32
    /// A key press, which the whole foreground group has got, the child too.
    package let isFromTerminal: Bool

    /// `SIGTERM`, as people write it.
    package var name: String {
      switch number {
      case SIGINT: "SIGINT"
      case SIGTERM: "SIGTERM"
      case SIGHUP: "SIGHUP"
      case SIGQUIT: "SIGQUIT"
      default: "signal \(number)"
      }
    }
  }

  /// The next one; nil when none has come.
  package func next() -> Arrival? {
    var isFromTerminal = false
    let number = clinux_termination_read(descriptor, &isFromTerminal)
    return number > 0 ? Arrival(number: number, isFromTerminal: isFromTerminal) : nil
  }
}
