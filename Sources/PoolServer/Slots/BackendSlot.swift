import PoolCore

/// Where a backend stands, beyond what ``Pool`` knows.
enum BackendPhase: UInt8 {
  /// The slot is free.
  case absent
  /// TCP or Unix connect under way. → `encrypting`, `login`, `absent`.
  case connecting
  /// TLS is asked for or its handshake under way. → `login`, `connecting` (again, without), `closing`.
  case encrypting
  /// Startup sent, authentication under way. → `preparing`, `replicating`, `closing`.
  case login
  /// The front's statements are being prepared. → `serving`, `closing`.
  case preparing
  /// Idle or lent to a client.
  case serving
  /// Its client left in the middle: what it owes is awaited, then a rollback. → `cleaning`, `closing`.
  case recovering
  /// Listens for all clients of its database, or is made clean for that. → `cleaning`, `closing`.
  case listening
  /// Looks users up (`auth_query`); clients never get it. → `closing`.
  case lookingUp
  /// Cleaned while nobody holds it. → `serving`, `closing`.
  case cleaning
  /// One client's replication connection. → `closing`, `absent`.
  case replicating
  /// Terminate sent; the server's end of file is awaited. → `absent`.
  case closing

  /// TLS handshake, password.
  @inline(__always)
  var isLogin: Bool { self == .encrypting || self == .login }
}

/// One backend connection: plain, as ``ClientSlot`` is.
struct BackendSlot {
  var fd: Int32 = -1
  var generation: UInt32 = 0
  var phase = BackendPhase.absent
  var mayRead = false
  /// Its login goes on once traffic has had its turn.
  var isQueued = false
  /// The server has ended its stream; nothing more will come than what is in the kernel.
  var hungUp = false
  /// The client did not take all; the backend is not read until then.
  var readPaused = false
  var isUnix = false
  /// Logged in over TLS: what cancels its queries goes so, too.
  var isEncrypted = false
  var wantsOut = false
  /// Simple-protocol COPY FROM STDIN: the server waits for data.
  var isCopyingIn = false
  /// The rest of a half-received frame is dropped, not forwarded.
  var dropsRest = false
  /// The last message to the backend was sent in part only.
  var hasHalfFrame = false
  /// The server has said that it ends the connection.
  var isDying = false
  /// It counts for its user's own limit over all loops.
  var isReserved = false
  /// Its query has run for longer than `query_timeout`, and a cancel is on its way.
  var isOverdue = false
  /// Closed rather than cleaned once it owes nothing more.
  var mustClose = false
  var cancelsInFlight: UInt16 = 0
  /// Which of the target's addresses it was connected to: cancels go there, too.
  var address: UInt16 = 0
  var client: UInt32 = ClientID.none.index
  var processID: UInt32 = 0
  /// The client whose transaction has said NOTIFY here last, by its number, and when: its listener hears of it after the
  /// backend has gone on. Nanoseconds.
  var notifier: UInt32 = 0
  var notifiedAt: UInt64 = 0
  var passthrough = 0
  /// Its encryption, from the moment that the server has agreed.
  var tls: TLSChannel?
  var incoming = ByteQueue()
  var outgoing = ByteQueue()
}

/// What an event's token names: kind, index and generation in 64 bits.
struct Token: Equatable, Sendable {
  enum Kind: UInt8 { case client = 1, backend, cancel, listener, signals, mailbox, handOver }

  let kind: Kind
  let index: Int
  let generation: UInt32

  @inline(__always)
  init(_ kind: Kind, _ index: Int, generation: UInt32 = 0) {
    self.kind = kind
    self.index = index
    self.generation = generation & 0xFFF_FFFF
  }

  /// `nil` for what the loop never registered.
  @inline(__always)
  init?(raw: UInt64) {
    guard let kind = Kind(rawValue: UInt8(truncatingIfNeeded: raw >> 60)) else { return nil }
    self.kind = kind
    index = Int(truncatingIfNeeded: raw & 0xFFFF_FFFF)
    generation = UInt32(truncatingIfNeeded: raw >> 32) & 0xFFF_FFFF
  }

  @inline(__always)
  var raw: UInt64 {
    UInt64(kind.rawValue) << 60 | UInt64(generation & 0xFFF_FFFF) << 32
      | UInt64(UInt32(truncatingIfNeeded: index))
  }
}

/// A table of plain slots in one piece of memory. Pages that were never used cost nothing.
/// Invariant: `base` holds `capacity` initialised slots for the table's whole life, so that slots never move.
struct SlotTable<Slot>: ~Copyable {
  private let base: UnsafeMutablePointer<Slot>
  let capacity: Int
  private var free: [UInt32] = []
  /// Slots at and above it were never used.
  private(set) var used = 0
  /// Slots in use.
  private(set) var count = 0
  private let make: () -> Slot

  init(capacity: Int, make: @escaping () -> Slot) {
    self.capacity = capacity
    self.make = make
    base = .allocate(capacity: capacity)
  }

  deinit {
    base.deinitialize(count: used)
    base.deallocate()
  }

  @inline(__always)
  subscript(index: Int) -> Slot {
    unsafeAddress {
      precondition(index >= 0 && index < used)
      return UnsafePointer(base + index)
    }
    unsafeMutableAddress {
      precondition(index >= 0 && index < used)
      return base + index
    }
  }

  /// A fresh slot's index; `nil` when the table is full.
  mutating func take() -> Int? {
    if let index = free.popLast() {
      count += 1
      return Int(index)
    }
    guard used < capacity else { return nil }
    (base + used).initialize(to: make())
    used += 1
    count += 1
    return used - 1
  }

  mutating func giveBack(_ index: Int) {
    free.append(UInt32(index))
    count -= 1
  }

  /// Makes the slots below `count` usable by index, where somebody else hands the indices out.
  mutating func grow(to count: Int) {
    while used < min(count, capacity) {
      (base + used).initialize(to: make())
      used += 1
    }
  }
}
