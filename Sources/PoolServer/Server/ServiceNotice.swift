import CLinux
import Glibc

/// What a service manager is told that has started the pool with `Type=notify`.
/// Source: sd_notify(3): a datagram to the socket that `NOTIFY_SOCKET` names; `@` begins one without a file.
enum ServiceNotice: Equatable, Sendable {
  /// Clients can connect.
  case ready
  /// The pool is on its way out.
  case stopping
  /// The service goes on in this process.
  case passed(to: Int)

  var text: String {
    switch self {
    case .ready: "READY=1"
    case .stopping: "STOPPING=1"
    case .passed(let process): "MAINPID=\(process)"
    }
  }

  /// Tells it, where somebody wants to be told.
  func send() {
    guard let socket = getenv("NOTIFY_SOCKET") else { return }
    _ = clinux_send_notice(socket, text)
  }
}
