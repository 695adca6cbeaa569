import CLinux
import Glibc

/// What became of a request to the kernel.
struct Completion {
  let token: UInt64
  /// A count of bytes, or an error number below zero.
  let result: Int32
  private let flags: UInt32

  @inline(__always)
  init(_ raw: clinux_completion) {
    token = raw.token
    result = raw.result
    flags = raw.flags
  }

  /// The buffer that was received into; `nil` for none.
  @inline(__always) var buffer: UInt16? {
    flags & UInt32(CLINUX_RING_HAS_BUFFER) != 0 ? UInt16(truncatingIfNeeded: flags >> 16) : nil
  }

  /// The request goes on: more completions of it will come.
  @inline(__always) var goesOn: Bool { flags & UInt32(CLINUX_RING_HAS_MORE) != 0 }
}

/// Sizes of what the kernel receives into.
enum BufferSize: UInt16 {
  /// For requests.
  case small
  /// For answers, and for clients that have shown that they send much.
  case large

  var bytes: Int { self == .small ? Ring.smallSize : Ring.largeSize }
}

/// One io_uring (io_uring(7)) with its buffers. Requests are collected, and all go to the kernel in one system call:
/// the next ``enter(waitsFor:nanoseconds:)`` or ``submit()``.
///
/// Linux 6.1 or later. Belongs to the thread that has made it.
struct Ring: ~Copyable {
  /// Invariant: `nil`, or initialised for this value's whole life, owned by it, with an open ring and both kinds of
  /// buffers.
  private let memory: UnsafeMutablePointer<Memory>?

  private struct Memory {
    var ring = clinux_ring()
    var small = clinux_buffers()
    var large = clinux_buffers()
    var endsWithSend = false
  }

  static let smallSize = 4_096
  static let largeSize = 65_536
  private static let smallCount: UInt32 = 512
  private static let largeCount: UInt32 = 128
  static let entries = 2_048

  /// None.
  init() { memory = nil }

  /// - Throws: ``SystemError`` when the kernel has none, or forbids it.
  init(opening: Void) throws(SystemError) {
    let memory = UnsafeMutablePointer<Memory>.allocate(capacity: 1)
    memory.initialize(to: Memory())
    self.memory = memory
    var code = clinux_ring_open(&memory.pointee.ring, UInt32(Self.entries), UInt32(Self.entries * 4))
    guard code == 0 else { throw SystemError(call: "io_uring_setup", code: code) }
    code = clinux_buffers_open(
      &memory.pointee.small, &memory.pointee.ring, BufferSize.small.rawValue, Self.smallCount,
      UInt32(Self.smallSize))
    if code == 0 {
      code = clinux_buffers_open(
        &memory.pointee.large, &memory.pointee.ring, BufferSize.large.rawValue, Self.largeCount,
        UInt32(Self.largeSize))
    }
    guard code == 0 else { throw SystemError(call: "io_uring_register", code: code) }
  }

  deinit {
    guard let memory else { return }
    // What is memory of the kernel's requests goes after these.
    if memory.pointee.ring.memory != nil { clinux_ring_close(&memory.pointee.ring) }
    clinux_buffers_free(&memory.pointee.small)
    clinux_buffers_free(&memory.pointee.large)
    memory.deallocate()
  }

  @inline(__always) var isOpen: Bool { memory != nil }

  // MARK: Requests. None may be made while the ring is full.

  /// No request can be made before those there are have gone to the kernel.
  @inline(__always) var isFull: Bool { memory.map { clinux_ring_is_full(&$0.pointee.ring) } ?? true }

  /// Whether there are requests that the kernel has not been told of.
  @inline(__always) var hasRequests: Bool {
    memory.map { clinux_ring_pending(&$0.pointee.ring) > 0 } ?? false
  }

  /// Receives again and again, until ``cancel(_:token:)`` or the end of the stream.
  @inline(__always)
  func receive(_ fd: Int32, into size: BufferSize, token: UInt64) {
    guard let memory else { return }
    memory.pointee.endsWithSend = false
    clinux_ring_receive(&memory.pointee.ring, fd, size.rawValue, token)
  }

  /// Sends what the socket takes without waiting.
  /// Invariant: `base` covers `count` bytes until the completion has been taken.
  @inline(__always)
  func send(_ fd: Int32, _ base: UnsafeRawPointer, count: Int, token: UInt64) {
    guard let memory else { return }
    memory.pointee.endsWithSend = true
    clinux_ring_send(&memory.pointee.ring, fd, base, UInt32(truncatingIfNeeded: count), token)
  }

  /// The request made last is a send.
  @inline(__always) var endsWithSend: Bool { memory?.pointee.endsWithSend ?? false }

  /// The request made last, which is a send, takes `count` bytes more, which lie right behind its own.
  @inline(__always)
  func lengthenSend(by count: Int) {
    guard let memory else { return }
    clinux_ring_lengthen(&memory.pointee.ring, UInt32(truncatingIfNeeded: count))
  }

  /// Completes once, as soon as the descriptor is readable.
  func poll(_ fd: Int32, token: UInt64) {
    guard let memory else { return }
    memory.pointee.endsWithSend = false
    clinux_ring_poll(&memory.pointee.ring, fd, token)
  }

  func cancel(_ victim: UInt64, token: UInt64) {
    guard let memory else { return }
    memory.pointee.endsWithSend = false
    clinux_ring_cancel(&memory.pointee.ring, victim, token)
  }

  // MARK: Completions

  /// Makes the requests, and waits for as many completions as that, or until the time is over (`nil`: for ever).
  @inline(__always)
  func enter(waitsFor count: UInt32, nanoseconds: Int64?) {
    guard let memory else { return }
    _ = clinux_ring_enter(&memory.pointee.ring, count, nanoseconds ?? -1)
  }

  /// Makes the requests. Sends are completed by that.
  func submit() {
    guard let memory else { return }
    _ = clinux_ring_submit(&memory.pointee.ring)
  }

  /// The next completion, once.
  @inline(__always)
  func next() -> Completion? {
    guard let memory else { return nil }
    var raw = clinux_completion()
    return clinux_ring_next(&memory.pointee.ring, &raw) ? Completion(raw) : nil
  }

  /// What was received. Invariant: the bytes are the caller's until ``giveBack(_:_:)``.
  @inline(__always)
  func received(_ buffer: UInt16, _ size: BufferSize, count: Int32) -> UnsafeRawBufferPointer {
    guard let memory else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let buffers = size == .small ? memory.pointee.small : memory.pointee.large
    precondition(UInt32(buffer) < buffers.count && count >= 0 && UInt32(count) <= buffers.size)
    return UnsafeRawBufferPointer(
      start: buffers.bytes + Int(buffer) * Int(buffers.stride), count: Int(count))
  }

  @inline(__always)
  func giveBack(_ buffer: UInt16, _ size: BufferSize) {
    guard let memory else { return }
    if size == .small {
      clinux_buffers_give(&memory.pointee.small, buffer)
    } else {
      clinux_buffers_give(&memory.pointee.large, buffer)
    }
  }
}
