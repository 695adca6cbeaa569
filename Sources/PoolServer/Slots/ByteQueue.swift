import Glibc

/// Bytes that a connection must keep: an incomplete message, or what the peer did not take yet.
///
/// Empty queues own no memory, so an idle connection costs none. Invariant: `base` is `nil` or holds `capacity`
/// bytes from `malloc`, of which `start..<end` are initialised; whoever holds the queue calls ``free()`` once.
struct ByteQueue {
  private var base: UnsafeMutableRawPointer?
  private var start = 0
  private var end = 0
  private var capacity = 0

  @inline(__always) var count: Int { end &- start }
  @inline(__always) var isEmpty: Bool { end == start }

  /// The bytes; valid until the queue changes.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base.map { UnsafeRawPointer($0) + start }, count: count)
  }

  mutating func append(_ source: UnsafeRawPointer, count: Int) {
    guard count > 0 else { return }
    reserve(count)
    guard let base else { return }
    memcpy(base + end, source, count)
    end += count
  }

  mutating func append(_ source: [UInt8]) {
    source.withUnsafeBytes { raw in
      if let base = raw.baseAddress { append(base, count: raw.count) }
    }
  }

  /// Puts bytes in front of all others.
  mutating func prepend(_ source: [UInt8]) {
    let count = self.count
    append(source)
    guard count > 0, let base else { return }
    memmove(base + start + source.count, base + start, count)
    source.withUnsafeBytes { raw in
      if let first = raw.baseAddress { memcpy(base + start, first, raw.count) }
    }
  }

  /// Room for `count` more bytes behind the last, as memory to write to; then tell with ``wrote(_:)`` how many came.
  mutating func room(_ count: Int) -> UnsafeMutableRawPointer? {
    reserve(count)
    return base.map { $0 + end }
  }

  mutating func wrote(_ count: Int) { end += count }

  /// Takes bytes off the front; the last one frees the memory.
  mutating func consume(_ count: Int) {
    start += count
    if start >= end { free() }
  }

  mutating func free() {
    Glibc.free(base)
    base = nil
    start = 0
    end = 0
    capacity = 0
  }

  private mutating func reserve(_ extra: Int) {
    if capacity - end >= extra { return }
    if start > 0, let base {
      memmove(base, base + start, count)
      end -= start
      start = 0
      if capacity - end >= extra { return }
    }
    let wanted = max(end + extra, capacity * 2, 256)
    guard let grown = realloc(base, wanted) else { fatalError("out of memory for \(wanted) bytes") }
    base = grown
    capacity = wanted
  }
}

/// The loop's outgoing bytes while one burst is put together: one piece of memory that grows and is used again.
/// Invariant: `base` holds `capacity` bytes, of which the first `count` are initialised; owned by the loop.
struct SendBuffer: ~Copyable {
  private(set) var base: UnsafeMutableRawPointer
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int = 131_072) {
    base = .allocate(byteCount: capacity, alignment: 16)
    self.capacity = capacity
  }

  deinit { base.deallocate() }

  @inline(__always) var isEmpty: Bool { count == 0 }

  mutating func removeAll() {
    count = 0
    // One huge message must not keep its memory for ever.
    if capacity > 1 << 21 {
      base.deallocate()
      capacity = 131_072
      base = .allocate(byteCount: capacity, alignment: 16)
    }
  }

  @inline(__always)
  mutating func append(_ source: UnsafeRawPointer, count extra: Int) {
    guard extra > 0 else { return }
    if capacity - count < extra { grow(extra) }
    memcpy(base + count, source, extra)
    count &+= extra
  }

  mutating func append(_ source: [UInt8]) {
    source.withUnsafeBytes { raw in
      if let base = raw.baseAddress { append(base, count: raw.count) }
    }
  }

  private mutating func grow(_ extra: Int) {
    let larger = max(capacity * 2, count + extra)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    memcpy(memory, base, count)
    base.deallocate()
    base = memory
    capacity = larger
  }
}
