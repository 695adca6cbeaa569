/// What a connection has beside its slot while its bytes go through the loop's ``Ring``.
struct RingLink {
  /// What it is sent goes through the ring.
  var isOn = false
  /// What it sends comes through the ring, too; else, with TLS, the poller tells when to ask the socket.
  var receives = false
  /// The kernel receives for it.
  var isArmed = false
  /// It was told to stop doing so.
  var isCancelling = false
  /// The peer has ended its stream, or the connection broke; what came before may still be in `unread`.
  var hasEnded = false
  /// Bytes for it are queued, and what becomes of them is not known yet.
  var isSending = false
  /// The poller tells of its end, and of room to write.
  var isWatched = false
  /// What it is armed with.
  var size = BufferSize.small
  /// The next time that is to be large ones.
  var wantsLarge = false
  /// What came while it was not to be read.
  var unread = ByteQueue()

  /// Above it the kernel is told not to receive for a connection that is not read.
  static var mostUnread: Int { 65_536 }
}
