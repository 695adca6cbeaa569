import PoolCore

/// Where a client stands.
enum ClientPhase: UInt8 {
  /// The slot is free.
  case absent
  /// The startup packet is awaited. → `authenticating`, `absent`.
  case startup
  /// A SASL answer is awaited. → `checking`, `idle`, `absent`.
  case authenticating
  /// Logged in; its settings wait for a backend or are being tried on one. → `idle`, `replicating`, `absent`.
  case checking
  /// No backend, nothing asked. → `waiting`, `active`, `absent`.
  case idle
  /// In the borrow queue; it is not read. → `active`, `idle` (timed out), `absent`.
  case waiting
  /// Holds a backend. → `idle`, `absent`.
  case active
  /// Has a backend of its own for its whole life, and all passes through. → `closing`, `absent`.
  case replicating
  /// At the pool's own console, which has no backend. → `closing`, `absent`.
  case console
  /// Told its last; what is left is being sent. → `absent`.
  case closing

  /// TLS handshake, startup packet, password.
  @inline(__always)
  var isLogin: Bool { self == .startup || self == .authenticating }
}

/// One client connection: plain, so that the table is a piece of memory without reference counts.
struct ClientSlot {
  var fd: Int32 = -1
  var generation: UInt32 = 0
  var phase = ClientPhase.absent
  /// Bytes may be waiting in the kernel that were not read when their event came.
  var mayRead = false
  /// The peer has ended its stream; nothing more will come than what is in the kernel.
  var hungUp = false
  /// Its backend did not take all; it is not read until then.
  var blockedByBackend = false
  /// The rest of a half-sent frame is dropped, not sent.
  var dropsRest = false
  /// Its login goes on once traffic has had its turn.
  var isQueued = false
  /// It keeps its backend beyond its transactions; counted and logged once.
  var isPinned = false
  /// Its Bind waits for what the backend says that the statement returns; nothing behind it is relayed until then.
  var awaitsDescription = false
  /// The answer is there, and what it has sent meanwhile can go on.
  var mustResume = false
  /// Its ReadyForQuery waits for what its database's listener has to say; it is not read until then.
  var holdsReady = false
  /// Its timer is for a client that says nothing within its transaction, not for a query that runs.
  var timesSilence = false
  /// Its next message is not looked at before the server is ready for it; it is not read until then.
  var isStalled = false
  /// Since when. Nanoseconds.
  var pinnedAt: UInt64 = 0
  /// It waits for a backend only to prepare statements; see ``Sessions/answerParses(_:in:)``.
  var mayBeAnswered = false
  /// It was told, while it waits.
  var knowsItWaits = false
  /// Each kind of encryption may be asked for once.
  var hasAskedForTLS = false
  var hasAskedForGSS = false
  /// TLS from the first byte, which must name its protocol.
  var isDirectTLS = false
  /// A proxy may say first for whom it speaks.
  var awaitsProxyHeader = false
  /// What it has asked was sent to another backend, since its own was lost: once, and not again.
  var hasRepeated = false
  /// A Unix socket, whose readiness to write is asked for only when it is needed.
  var isUnix = false
  var wantsOut = false
  /// When its connection was accepted. Nanoseconds.
  var acceptedAt: UInt64 = 0
  /// What it is called in cancels and notifications, in place of a process's number.
  var number: UInt32 = 0
  /// What a cancel must show beside that.
  var secret: UInt32 = 0
  /// Its encryption, from the moment that TLS was agreed on.
  var tls: TLSChannel?
  var identity: UInt32 = 0
  var backend: UInt32 = BackendID.none.index
  /// Bytes of the current frame that are still to come and go straight through.
  var passthrough = 0
  /// When the transaction or wait began; nanoseconds, 0 between the transactions of a client that keeps its backend.
  var since: UInt64 = 0
  /// When what it waits for was asked; 0 while nothing is owed. Nanoseconds.
  var askedAt: UInt64 = 0
  /// When that went to the backend. Nanoseconds.
  var sentAt: UInt64 = 0
  var incoming = ByteQueue()
  var outgoing = ByteQueue()
}
