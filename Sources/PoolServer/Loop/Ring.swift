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

/// One io_uring (io_uring(7)) with its buffers. Requests are collected, and all go to the kernel in one system call:
/// the next ``enter(waitsFor:nanoseconds:)`` or ``submit()``.
///
/// Linux 6.1 or later. Belongs to the thread that has made it. The kernel receives for it only while that thread is in
/// one of those calls.
struct Ring: ~Copyable {
  /// Invariant: `nil`, or initialised for this value's whole life, owned by it, with an open ring and its buffers.
  private let memory: UnsafeMutablePointer<Memory>?

  private struct Memory {
    var ring = clinux_ring()
    var buffers = clinux_buffers()
    var endsWithSend = false
  }

  /// As much as PostgreSQL sends at a time. What is longer is better read in one piece.
  static let bufferSize = 8_192
  static let bufferCount = 256
  /// Requests that can be collected. With the completions and the list of buffers the kernel locks less than 64 kB for
  /// this, which is what an ordinary user may have locked on many systems (`RLIMIT_MEMLOCK`).
  static let entries = 256
  private static let group: UInt16 = 0

  /// None.
  init() { memory = nil }

  /// - Throws: ``SystemError`` when the kernel has none, or forbids it.
  init(opening: Void) throws(SystemError) {
    let memory = UnsafeMutablePointer<Memory>.allocate(capacity: 1)
    memory.initialize(to: Memory())
    self.memory = memory
    var code = clinux_ring_open(&memory.pointee.ring, UInt32(Self.entries), UInt32(Self.entries * 8))
    guard code == 0 else { throw SystemError(call: "io_uring_setup", code: code) }
    code = clinux_buffers_open(
      &memory.pointee.buffers, &memory.pointee.ring, Self.group, UInt32(Self.bufferCount),
      UInt32(Self.bufferSize))
    guard code == 0 else { throw SystemError(call: "io_uring_register", code: code) }
  }

  deinit {
    guard let memory else { return }
    // What is memory of the kernel's requests goes after these.
    if memory.pointee.ring.memory != nil { clinux_ring_close(&memory.pointee.ring) }
    clinux_buffers_free(&memory.pointee.buffers)
    memory.deallocate()
  }

  @inline(__always) var isOpen: Bool { memory != nil }

  // MARK: Requests

  /// Whether there are requests that the kernel has not been told of.
  @inline(__always) var hasRequests: Bool {
    memory.map { clinux_ring_pending(&$0.pointee.ring) > 0 } ?? false
  }

  /// Receives again and again, until ``cancel(_:token:)``, the end of the stream, or a lack of buffers.
  @inline(__always)
  func receive(_ fd: Int32, token: UInt64) {
    guard let memory else { return }
    makeRoom()
    memory.pointee.endsWithSend = false
    clinux_ring_receive(&memory.pointee.ring, fd, Self.group, token)
  }

  /// Sends what the socket takes without waiting.
  /// Invariant: `base` covers `count` bytes until the completion has been taken.
  @inline(__always)
  func send(_ fd: Int32, _ base: UnsafeRawPointer, count: Int, token: UInt64) {
    guard let memory else { return }
    makeRoom()
    memory.pointee.endsWithSend = true
    clinux_ring_send(&memory.pointee.ring, fd, base, UInt32(truncatingIfNeeded: count), token)
  }

  /// The request made last is a send, and the kernel has not been told of it.
  @inline(__always) var endsWithSend: Bool { memory?.pointee.endsWithSend ?? false }

  /// The request made last, which is a send, takes `count` bytes more, which lie right behind its own.
  @inline(__always)
  func lengthenSend(by count: Int) {
    guard let memory else { return }
    precondition(memory.pointee.endsWithSend)
    clinux_ring_lengthen(&memory.pointee.ring, UInt32(truncatingIfNeeded: count))
  }

  /// Completes once, as soon as the descriptor is readable.
  func poll(_ fd: Int32, token: UInt64) {
    guard let memory else { return }
    makeRoom()
    memory.pointee.endsWithSend = false
    clinux_ring_poll(&memory.pointee.ring, fd, token)
  }

  func cancel(_ victim: UInt64, token: UInt64) {
    guard let memory else { return }
    makeRoom()
    memory.pointee.endsWithSend = false
    clinux_ring_cancel(&memory.pointee.ring, victim, token)
  }

  /// When all that can be collected is, the kernel is told of it.
  @inline(__always)
  private func makeRoom() {
    guard let memory, clinux_ring_is_full(&memory.pointee.ring) else { return }
    var tries = 0
    while clinux_ring_is_full(&memory.pointee.ring) {
      submit()
      tries += 1
      // Out of memory in the kernel, for seconds.
      if tries > 1_000 { fatalError("io_uring_enter takes no requests: \(String(cString: strerror(errno)))") }
      if tries > 1 { usleep(5_000) }
    }
  }

  // MARK: Completions

  /// Makes the requests, and waits for as many completions as that, or until the time is over (`nil`: for ever).
  @inline(__always)
  func enter(waitsFor count: UInt32, nanoseconds: Int64?) {
    guard let memory else { return }
    memory.pointee.endsWithSend = false
    let code = clinux_ring_enter(&memory.pointee.ring, count, nanoseconds ?? -1)
    // Completions are lost, and with them connections that nobody would ever look at again.
    if code == EBADR { fatalError("io_uring_enter: the kernel had no memory for completions") }
  }

  /// Makes the requests. Sends are completed by that.
  @inline(__always)
  func submit() {
    guard let memory else { return }
    memory.pointee.endsWithSend = false
    _ = clinux_ring_submit(&memory.pointee.ring)
  }

  /// The next completion, once.
  @inline(__always)
  func next() -> Completion? {
    guard let memory else { return nil }
    var raw = clinux_completion()
    return clinux_ring_next(&memory.pointee.ring, &raw) ? Completion(raw) : nil
  }

  /// What was received. Invariant: the bytes are the caller's until ``giveBack(_:)``.
  @inline(__always)
  func received(_ buffer: UInt16, count: Int32) -> UnsafeRawBufferPointer {
    guard let memory else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let buffers = memory.pointee.buffers
    precondition(UInt32(buffer) < buffers.count && count >= 0 && UInt32(count) <= buffers.size)
    return UnsafeRawBufferPointer(
      start: buffers.bytes + Int(buffer) * Int(buffers.stride), count: Int(count))
  }

  @inline(__always)
  func giveBack(_ buffer: UInt16) {
    guard let memory else { return }
    clinux_buffers_give(&memory.pointee.buffers, buffer)
  }
}
