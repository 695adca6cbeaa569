import COpenSSL
import Glibc

/// What OpenSSL reads from and writes to, in place of a socket of its own.
///
/// It receives from the descriptor without blocking. What it has to send it puts into the loop's buffer, so that a
/// write is never refused half-way: the loop sends the buffer and keeps what the peer does not take, as it does
/// with plain bytes.
struct TLSTransport {
  let fd: Int32
  /// The last `recv` was short: the socket is empty, and asking again would be a system call for nothing.
  var isDrained = false
  /// The peer has said goodbye, or the connection is broken: nothing more can be read.
  var isOver = false
  /// Why, where it was an error.
  var failure: String?
  /// Handshake bytes that were read before it was known that they are such.
  var early = ByteQueue()
  /// Invariant: outlives every connection; ``TLSOutput`` owns it.
  var output: UnsafeMutablePointer<SendBuffer>

  /// Invariant of both: `buffer` has room for, or holds, `count` bytes during the call.
  fileprivate mutating func read(_ buffer: UnsafeMutableRawPointer, _ count: Int, _ bio: OpaquePointer)
    -> Int32
  {
    if !early.isEmpty, let base = early.bytes.baseAddress {
      let taken = min(count, early.count)
      memcpy(buffer, base, taken)
      early.consume(taken)
      return Int32(truncatingIfNeeded: taken)
    }
    guard !isDrained else {
      BIO_set_flags(bio, Self.tryAgain)
      return -1
    }
    switch Socket(fd: fd).read(into: buffer, count: count) {
    case .bytes(let got):
      isDrained = got < count
      return Int32(truncatingIfNeeded: got)
    case .wouldBlock:
      isDrained = true
      BIO_set_flags(bio, Self.tryAgain)
      return -1
    case .closed: return 0
    }
  }

  private static let tryAgain = BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY

  /// The functions that OpenSSL calls. Never changed once made, so all threads may use it.
  nonisolated(unsafe) static let method: OpaquePointer? = {
    guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "dbtool") else { return nil }
    // Invariant of all: a BIO's data is the ``TLSTransport`` of its ``TLSChannel``, which outlives it.
    BIO_meth_set_read(method) { bio, buffer, count in
      guard let bio, let buffer, count > 0, let data = BIO_get_data(bio) else { return -1 }
      BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_WRITE | BIO_FLAGS_IO_SPECIAL | BIO_FLAGS_SHOULD_RETRY)
      return data.assumingMemoryBound(to: TLSTransport.self).pointee.read(buffer, Int(count), bio)
    }
    BIO_meth_set_write(method) { bio, bytes, count in
      guard let bio, let bytes, count > 0, let data = BIO_get_data(bio) else { return -1 }
      data.assumingMemoryBound(to: TLSTransport.self).pointee.output.pointee.append(bytes, count: Int(count))
      return count
    }
    // Flushing is the loop's; nothing else is asked that matters.
    BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    return method
  }()
}

/// What all connections of a loop have encrypted since it was last sent.
/// Invariant: `buffer` is initialised for this object's whole life and used by the loop's thread only.
final class TLSOutput {
  let buffer: UnsafeMutablePointer<SendBuffer>

  init() {
    buffer = .allocate(capacity: 1)
    buffer.initialize(to: SendBuffer(capacity: 16_384))
  }

  deinit {
    buffer.deinitialize(count: 1)
    buffer.deallocate()
  }
}
