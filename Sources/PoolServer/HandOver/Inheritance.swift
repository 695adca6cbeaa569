import Glibc

/// Sockets that this process was started with: by the pool before it, or by systemd.
package struct Inheritance: Sendable {
  /// Names what descriptors 3, 4, … are, a line each: the channel first, then listeners by ``BoundListener/key``.
  static let variable = "DBTOOL_HANDOVER_SOCKETS"

  /// To the process whose place this one takes.
  let channel: HandOverChannel?
  private let listeners: [String: Int32]
  /// Those that systemd has opened, in its order; they stand in place of `listen`.
  let activated: [Int32]

  /// - Parameters:
  ///   - variables: of the environment.
  ///   - process: this one's number.
  package init(_ variables: [String: String], process: Int32) {
    if let text = variables[Self.variable] {
      let names = text.split(separator: "\n").map { String($0) }
      var listeners: [String: Int32] = [:]
      for (offset, name) in names.enumerated().dropFirst() { listeners[name] = Int32(3 + offset) }
      channel = names.isEmpty ? nil : HandOverChannel(fd: 3)
      // What systemd has opened for the process before this one stays what it is.
      activated = listeners.filter { $0.key.hasPrefix("systemd ") }.values.sorted()
      self.listeners = listeners.filter { !$0.key.hasPrefix("systemd ") }
    } else {
      channel = nil
      listeners = [:]
      // Source: sd_listen_fds(3).
      let isMeant = variables["LISTEN_PID"].flatMap { Int32($0) } == process
      let count = isMeant ? variables["LISTEN_FDS"].flatMap { Int32($0) } ?? 0 : 0
      activated = count > 0 && count < 1_024 ? Array(3..<(3 + count)) : []
    }
    // What this process starts is not meant to have them.
    for fd in Array(self.listeners.values) + activated + [channel?.fd].compactMap(\.self) {
      _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
      _ = fcntl(fd, F_SETFL, O_NONBLOCK)
    }
  }

  package static let none = Inheritance([:], process: 0)

  func listener(_ key: String) -> Socket? { listeners[key].map { Socket(fd: $0) } }

  /// Closes the listeners that the configuration does not name any more.
  func closeOthers(than keys: [String]) {
    for (key, fd) in listeners where !keys.contains(key) { close(fd) }
  }
}
