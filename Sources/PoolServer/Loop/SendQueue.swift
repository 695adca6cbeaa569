import Glibc

/// Bytes that go to the kernel with the loop's next ``Ring/submit()`` or ``Ring/enter(waitsFor:nanoseconds:)``, for many
/// sockets. They are copied: what they were made of is used again at once.
///
/// All are settled before any is added after a submission, so the memory is filled from its beginning each time.
/// Invariant: `base` holds `capacity` bytes and `entries` as many records as the ring has requests; of each the first
/// `used` or `count` are initialised; owned by this value.
struct SendQueue: ~Copyable {
  /// Bytes for one socket.
  struct Entry {
    /// Whose they are.
    let token: UInt64
    let start: Int
    var count: Int
  }

  private let base: UnsafeMutableRawPointer
  private let entries: UnsafeMutablePointer<Entry>
  private let capacity = 1 << 20
  private var used = 0
  /// Entries since all were settled.
  private(set) var count = 0
  /// Those whose outcome is not known yet.
  private(set) var unsettled = 0

  init() {
    base = .allocate(byteCount: capacity, alignment: 64)
    entries = .allocate(capacity: Ring.entries)
  }

  deinit {
    base.deallocate()
    entries.deallocate()
  }

  @inline(__always)
  func hasRoom(for extra: Int) -> Bool { capacity - used >= extra && count < Ring.entries }

  /// Whether the entry added last is of that token, so that it can be lengthened.
  @inline(__always)
  func isLast(_ token: UInt64) -> Bool { count > 0 && entries[count - 1].token == token }

  /// Copies the bytes behind the last. There is room. Returns where they lie until all is settled.
  @inline(__always)
  mutating func add(_ token: UInt64, _ source: UnsafeRawPointer, count extra: Int) -> UnsafeRawPointer {
    precondition(hasRoom(for: extra))
    memcpy(base + used, source, extra)
    (entries + count).initialize(to: Entry(token: token, start: used, count: extra))
    count += 1
    unsettled += 1
    used += extra
    return UnsafeRawPointer(base + used - extra)
  }

  /// The same for the last entry.
  @inline(__always)
  mutating func lengthen(_ source: UnsafeRawPointer, count extra: Int) {
    precondition(count > 0 && capacity - used >= extra)
    memcpy(base + used, source, extra)
    entries[count - 1].count += extra
    used += extra
  }

  /// One entry's outcome is known.
  @inline(__always)
  mutating func settle(_ number: Int) -> Entry {
    precondition(number < count && unsettled > 0)
    unsettled -= 1
    return entries[number]
  }

  /// What of an entry was not taken.
  func rest(of entry: Entry, from taken: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + entry.start + taken, count: entry.count - taken)
  }

  /// The tokens of all entries, where the kernel does not tell what became of them.
  func tokens() -> [UInt64] { (0..<count).map { entries[$0].token } }

  /// All are settled, and their bytes are dealt with.
  @inline(__always)
  mutating func removeAll() {
    used = 0
    count = 0
    unsettled = 0
  }
}
