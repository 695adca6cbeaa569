import CLinux
import Glibc

/// Where a socket listens or connects to: an IPv4 or IPv6 address with port, or a Unix socket's path.
package struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
  private let storage: [UInt8]
  package let description: String
  package let isUnix: Bool

  /// - Throws: ``AddressError`` when the path is longer than the 107 bytes that a socket address holds.
  package init(unixPath path: String) throws(AddressError) {
    var address = sockaddr_un()
    let length = clinux_unix_address(&address, path)
    guard length > 0 else {
      throw AddressError("socket path is longer than 107 bytes: \(path)")
    }
    storage = withUnsafeBytes(of: &address) { Array($0.prefix(Int(length))) }
    description = "unix:\(path)"
    isUnix = true
  }

  private init(copying info: addrinfo, description: String) {
    storage =
      info.ai_addr.map {
        Array(UnsafeRawBufferPointer(start: UnsafeRawPointer($0), count: Int(info.ai_addrlen)))
      } ?? []
    self.description = description
    isUnix = false
  }

  /// Every address of a host, in the system's order (getaddrinfo(3)). Blocks while names are looked up.
  package static func resolve(
    host: String, port: UInt16, forListening: Bool = false
  ) throws(AddressError) -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV | (forListening ? AI_PASSIVE : 0)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host == "*" ? nil : host, String(port), &hints, &list)
    guard status == 0 else {
      throw AddressError("could not resolve host \"\(host)\": \(String(cString: gai_strerror(status)))")
    }
    defer { freeaddrinfo(list) }
    var found: [SocketAddress] = []
    var next = list
    while let info = next {
      found.append(SocketAddress(copying: info.pointee, description: hostAndPort(host, port)))
      next = info.pointee.ai_next
    }
    return found
  }

  private static func hostAndPort(_ host: String, _ port: UInt16) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  private var family: Int32 {
    storage.withUnsafeBytes { Int32($0.loadUnaligned(as: sa_family_t.self)) }
  }

  /// Calls `body` with the kernel's view. Invariant: the pointer covers `storage`, valid during the call only.
  private func withAddress<T>(_ body: (UnsafePointer<sockaddr>?, socklen_t) -> T) -> T {
    storage.withUnsafeBytes { raw in
      body(raw.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count))
    }
  }

  /// Starts a connect. The socket is writable when it is decided; ``Socket/pendingError`` tells how.
  package func connect(userTimeoutMilliseconds: Int32 = 0) throws(SystemError) -> Socket {
    let fd = clinux_socket(family)
    guard fd >= 0 else { throw SystemError(call: "socket", code: errno) }
    if !isUnix { clinux_tune_tcp(fd, userTimeoutMilliseconds) }
    let status = withAddress { Glibc.connect(fd, $0, $1) }
    if status != 0, errno != EINPROGRESS, errno != EINTR {
      let code = errno
      Glibc.close(fd)
      throw SystemError(call: "connect", code: code)
    }
    return Socket(fd: fd)
  }

  /// A listening socket. No delay is inherited by what it accepts.
  package func listen(backlog: Int32 = 4096) throws(SystemError) -> Socket {
    let fd = clinux_socket(family)
    guard fd >= 0 else { throw SystemError(call: "socket", code: errno) }
    if !isUnix {
      _ = clinux_set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1)
      if family == AF_INET6 { _ = clinux_set_int(fd, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
      clinux_tune_tcp(fd, 0)
    }
    guard withAddress({ bind(fd, $0, $1) }) == 0 else { throw closing(fd, "bind") }
    guard Glibc.listen(fd, backlog) == 0 else { throw closing(fd, "listen") }
    return Socket(fd: fd)
  }

  private func closing(_ fd: Int32, _ call: String) -> SystemError {
    let error = SystemError(call: call, code: errno)
    Glibc.close(fd)
    return error
  }
}

/// A host or path that cannot become an address.
package struct AddressError: Error, Equatable, Sendable {
  package let message: String
  init(_ message: String) { self.message = message }
}
