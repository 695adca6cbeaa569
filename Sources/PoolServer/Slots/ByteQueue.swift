import Glibc

/// Bytes that a connection must keep: an incomplete message, or what the peer did not take yet.
///
/// Empty queues own no memory but a pointer, so an idle connection costs next to none. Invariant: `block` is `nil` or
/// from `malloc`: a ``Header``, then `capacity` bytes, of which `start..<end` are initialised; whoever holds the queue
/// calls ``free()`` once.
struct ByteQueue {
  fileprivate struct Header {
    var start = 0
    var end = 0
    var capacity = 0
  }

  private var block: UnsafeMutableRawPointer?

  /// Invariant: only behind a check that there is a block.
  @inline(__always)
  private static func header(of block: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Header> {
    block.assumingMemoryBound(to: Header.self)
  }

  @inline(__always)
  private static func storage(of block: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    block + MemoryLayout<Header>.size
  }

  @inline(__always) var count: Int {
    guard let block else { return 0 }
    let header = Self.header(of: block)
    return header.pointee.end &- header.pointee.start
  }

  @inline(__always) var isEmpty: Bool { block == nil || count == 0 }

  /// The bytes; valid until the queue changes.
  var bytes: UnsafeRawBufferPointer {
    guard let block else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(
      start: Self.storage(of: block) + Self.header(of: block).pointee.start, count: count)
  }

  var copied: [UInt8] { Array(bytes) }

  mutating func append(_ source: UnsafeRawPointer, count: Int) {
    guard count > 0 else { return }
    let block = reserve(count)
    let header = Self.header(of: block)
    memcpy(Self.storage(of: block) + header.pointee.end, source, count)
    header.pointee.end += count
  }

  /// The same, in a spare block where one is at hand and suffices.
  mutating func append(_ source: UnsafeRawPointer, count: Int, from spare: inout SpareBlocks) {
    if block == nil, count <= Self.smallest { block = spare.take() }
    append(source, count: count)
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
    guard count > 0, !source.isEmpty, let block else { return }
    let first = Self.storage(of: block) + Self.header(of: block).pointee.start
    memmove(first + source.count, first, count)
    source.withUnsafeBytes { raw in
      if let base = raw.baseAddress { memcpy(first, base, raw.count) }
    }
  }

  /// Room for `count` more bytes behind the last, as memory to write to; then tell with ``wrote(_:)`` how many came.
  mutating func room(_ count: Int) -> UnsafeMutableRawPointer? {
    let block = reserve(count)
    return Self.storage(of: block) + Self.header(of: block).pointee.end
  }

  mutating func wrote(_ count: Int) {
    if let block { Self.header(of: block).pointee.end += count }
  }

  /// Takes bytes off the front; the last one frees the memory.
  mutating func consume(_ count: Int) {
    guard let block else { return }
    let header = Self.header(of: block)
    header.pointee.start += count
    if header.pointee.start >= header.pointee.end { free() }
  }

  /// The same; a block of the smallest size is kept for others.
  mutating func consume(_ count: Int, to spare: inout SpareBlocks) {
    guard let block else { return }
    let header = Self.header(of: block)
    header.pointee.start += count
    guard header.pointee.start >= header.pointee.end else { return }
    if header.pointee.capacity == Self.smallest, spare.keep(block) { self.block = nil } else { free() }
  }

  /// Bytes that a block has at least.
  fileprivate static let smallest = 256

  mutating func free() {
    Glibc.free(block)
    block = nil
  }

  private mutating func reserve(_ extra: Int) -> UnsafeMutableRawPointer {
    var header = block.map { Self.header(of: $0).pointee } ?? Header()
    if let block {
      if header.capacity - header.end >= extra { return block }
      if header.start > 0 {
        memmove(Self.storage(of: block), Self.storage(of: block) + header.start, header.end - header.start)
        header.end -= header.start
        header.start = 0
        Self.header(of: block).pointee = header
        if header.capacity - header.end >= extra { return block }
      }
    }
    let wanted = max(header.end + extra, header.capacity * 2, Self.smallest)
    guard let grown = realloc(block, MemoryLayout<Header>.size + wanted) else {
      fatalError("out of memory for \(wanted) bytes")
    }
    header.capacity = wanted
    Self.header(of: grown).initialize(to: header)
    block = grown
    return grown
  }
}

/// Blocks of the smallest size that queues have given back: clients that wait for a backend take turns with them.
/// Invariant: each is as ``ByteQueue`` makes it, empty, and nobody else's; a block's `start` is the next one's address.
struct SpareBlocks: ~Copyable {
  private var first: UnsafeMutableRawPointer?
  private var count = 0
  /// 16 kB in all.
  private static var most: Int { 64 }

  deinit {
    var next = first
    while let block = next {
      next = UnsafeMutableRawPointer(
        bitPattern: block.assumingMemoryBound(to: ByteQueue.Header.self).pointee.start)
      Glibc.free(block)
    }
  }

  fileprivate mutating func take() -> UnsafeMutableRawPointer? {
    guard let block = first else { return nil }
    let header = block.assumingMemoryBound(to: ByteQueue.Header.self)
    first = UnsafeMutableRawPointer(bitPattern: header.pointee.start)
    count -= 1
    header.pointee.start = 0
    return block
  }

  /// False when there are enough.
  fileprivate mutating func keep(_ block: UnsafeMutableRawPointer) -> Bool {
    guard count < Self.most else { return false }
    let header = block.assumingMemoryBound(to: ByteQueue.Header.self)
    header.pointee.start = Int(bitPattern: first)
    header.pointee.end = 0
    first = block
    count += 1
    return true
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
