import CLinux
import Glibc
import PoolCore

/// What a read gave.
package enum ReadResult: Equatable {
  /// So many bytes (at least 1). Fewer than asked for means that the socket is drained.
  case bytes(Int)
  case wouldBlock
  /// The peer ended the stream, or the connection broke.
  case closed
}

/// What a write took.
package enum WriteResult: Equatable {
  /// So many bytes, which may be fewer than offered (then the socket is full).
  case bytes(Int)
  case wouldBlock
  case closed
}

/// A non-blocking stream socket as a bare descriptor. Whoever keeps it closes it, once.
package struct Socket: Equatable, Sendable {
  package let fd: Int32

  package init(fd: Int32) { self.fd = fd }

  /// Invariant: `buffer` has room for `count` bytes; the kernel writes no more than that.
  @inline(__always)
  package func read(into buffer: UnsafeMutableRawPointer, count: Int) -> ReadResult {
    while true {
      let got = recv(fd, buffer, count, 0)
      if got > 0 { return .bytes(got) }
      if got == 0 { return .closed }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: return .closed
      }
    }
  }

  /// Invariant: `buffer` holds `count` initialised bytes.
  @inline(__always)
  package func write(_ buffer: UnsafeRawPointer, count: Int) -> WriteResult {
    while true {
      let sent = send(fd, buffer, count, Int32(MSG_NOSIGNAL))
      if sent >= 0 { return .bytes(sent) }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: return .closed
      }
    }
  }

  package func write(_ bytes: [UInt8]) -> WriteResult {
    bytes.withUnsafeBytes { raw in
      guard let base = raw.baseAddress else { return .bytes(0) }
      return write(base, count: raw.count)
    }
  }

  /// Ends our side of the stream; the peer's end of file follows when it has read everything.
  package func shutdownWrite() { _ = shutdown(fd, Int32(SHUT_WR)) }

  package func close() { _ = Glibc.close(fd) }

  /// Tells the kernel to reset the connection when it is closed, instead of sending what is left.
  package func resetOnClose() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  /// The port that the socket is bound to; `nil` for a Unix socket.
  package var localPort: UInt16? { local?.port }

  /// Where the other end is; `nil` for a Unix socket.
  var peerAddress: NetworkAddress? { peer?.address }

  /// This end; `nil` for a Unix socket.
  var local: SocketEnd? { end { getsockname(fd, $0, $1) } }

  /// The other end; `nil` for a Unix socket.
  var peer: SocketEnd? { end { getpeername(fd, $0, $1) } }

  private func end(
    _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> SocketEnd? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    // Invariant: the kernel writes at most `length` bytes, and the family says which shape they have.
    return withUnsafeMutableBytes(of: &storage) { raw -> SocketEnd? in
      guard let base = raw.baseAddress, ask(base.assumingMemoryBound(to: sockaddr.self), &length) == 0 else {
        return nil
      }
      switch Int32(raw.loadUnaligned(as: sa_family_t.self)) {
      case AF_INET:
        let address = raw.loadUnaligned(as: sockaddr_in.self)
        return SocketEnd(withUnsafeBytes(of: address.sin_addr) { Array($0) }, address.sin_port)
      case AF_INET6:
        let address = raw.loadUnaligned(as: sockaddr_in6.self)
        return SocketEnd(withUnsafeBytes(of: address.sin6_addr) { Array($0) }, address.sin6_port)
      default: return nil
      }
    }
  }

  /// The operating system's user at the other end of a Unix socket.
  var peerUser: String? {
    let number = clinux_peer_uid(fd)
    guard number >= 0, let entry = getpwuid(uid_t(truncatingIfNeeded: number)) else { return nil }
    return String(cString: entry.pointee.pw_name)
  }

  /// 0 when connected, else the error number of the connect that was under way.
  package var pendingError: Int32 { clinux_socket_error(fd) }
}

/// One end of a TCP connection.
struct SocketEnd {
  let address: NetworkAddress
  let port: UInt16

  /// - Parameter bigEndian: as the kernel has it.
  init?(_ bytes: [UInt8], _ bigEndian: UInt16) {
    guard let address = NetworkAddress(bytes: bytes) else { return nil }
    self.address = address
    port = UInt16(bigEndian: bigEndian)
  }
}
