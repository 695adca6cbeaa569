import CLinux
import Glibc
import PoolCore

/// What a connection has beside its slot on a loop with a ``Ring``.
struct RingLink {
  /// -1 unless what it is sent goes through the ring.
  var fd: Int32 = -1
  /// Of its slot.
  var generation: UInt32 = 0
  /// What it sends is asked for here; else, with TLS, the loop asks the socket when the poller tells.
  var isPlain = false
  /// The kernel receives for it.
  var isArmed = false
  /// It was told to stop doing so.
  var isCancelling = false
  /// The peer has ended its stream, or the connection broke; what came before may still be in `unread`.
  var hasEnded = false
  /// Bytes for it are queued, and what becomes of them is not known yet.
  var isSending = false
  /// The poller is to tell of room to write.
  var wantsRoom = false
  /// What the poller tells of, by the bits below; 0 when it does not know the connection.
  var watched: UInt8 = 0
  /// So many short reads in a row, and it is received for by the ring again. Above 0 the socket is read when the poller
  /// tells: much at a time, and never more than can be passed on.
  var shortReadsLeft: UInt8 = 0
  /// What came while it was not to be read.
  var unread = ByteQueue()

  static var watchesEnd: UInt8 { 1 }
  static var watchesBytes: UInt8 { 2 }
  static var watchesRoom: UInt8 { 4 }
  /// Above it the kernel is told not to receive for a connection that is not read.
  static var mostUnread: Int { 65_536 }
  static var quietReads: UInt8 { 16 }
}

/// The connections of one kind, clients or backends, whose bytes come and go through the loop's ``Ring``.
///
/// A connection's bytes come by one of two ways at a time. The ring receives into its buffers by itself; a connection
/// that fills one of them is then read by the loop when the poller tells, until it sends little again: for much data that
/// is cheaper, and what waits for a slow reader stays in the socket.
struct RingConnections: ~Copyable {
  private let kind: Token.Kind
  private var links: SlotTable<RingLink>
  /// What has just been received, and whose it is, until it is read. Invariant: the bytes are a buffer of the ring's,
  /// which is given back only when their completion has been dealt with.
  private var arrival = UnsafeRawBufferPointer(start: nil, count: 0)
  private var arrivalOwner = -1

  init(_ kind: Token.Kind, capacity: Int) {
    self.kind = kind
    links = SlotTable(capacity: capacity) { RingLink() }
  }

  /// Before a slot is used.
  mutating func grow(to count: Int) { links.grow(to: count) }

  /// Whether what the connection is sent may go through the ring.
  @inline(__always)
  func isOn(_ index: Int) -> Bool { links[index].fd >= 0 }

  /// Whether its bytes, and room to write, are asked for here.
  @inline(__always)
  func isPlain(_ index: Int) -> Bool { links[index].isPlain }

  func hasUnread(_ index: Int) -> Bool { !links[index].unread.isEmpty }

  // MARK: Coming and going

  /// The poller does not know the connection, or, if it is not plain, goes on telling of it.
  mutating func join(
    _ index: Int, _ fd: Int32, generation: UInt32, isPlain: Bool, wantsRoom: Bool, _ ring: borrowing Ring,
    _ poller: borrowing Poller
  ) {
    links[index] = RingLink(fd: fd, generation: generation, isPlain: isPlain, wantsRoom: wantsRoom)
    if isPlain { tend(index, ring, poller) }
  }

  /// The connection is about to be closed, and all requests for it have been made. False when the poller has it.
  mutating func leave(_ index: Int, _ ring: borrowing Ring, _ poller: borrowing Poller) -> Bool {
    let link = links[index]
    guard link.fd >= 0 else { return false }
    if link.isArmed {
      // The receive holds the connection open: it ends by this, even if there were no cancel.
      shutdown(link.fd, Int32(SHUT_RDWR))
      ring.cancel(token(index).raw, token: RingToken.cancel)
    }
    if link.watched != 0 { poller.remove(link.fd) }
    links[index].unread.free()
    links[index] = RingLink()
    return link.isPlain
  }

  /// Nothing has come for it that was not read.
  func isQuiet(_ index: Int) -> Bool { links[index].unread.isEmpty && !links[index].hasEnded }

  /// The kernel receives for it.
  func isArmed(_ index: Int) -> Bool { links[index].isArmed }

  /// The connection goes on elsewhere. The kernel does not receive for it, and nothing of it is kept.
  mutating func part(_ index: Int, _ poller: borrowing Poller) {
    let link = links[index]
    if link.watched != 0 || !link.isPlain { poller.remove(link.fd) }
    links[index] = RingLink()
  }

  private func token(_ index: Int) -> Token { Token(kind, index, generation: links[index].generation) }

  /// Whether a token's connection is still the one that it was made for.
  @inline(__always)
  func isThere(_ token: Token) -> Bool {
    token.index < links.used && links[token.index].fd >= 0
      && links[token.index].generation & 0xFFF_FFFF == token.generation
  }

  // MARK: Receiving

  /// What a completion means for its connection.
  enum News {
    case nothing
    /// There are bytes to ``take(_:into:lends:at:_:_:)``.
    case bytes
    /// The end of the stream.
    case end
    /// Neither side hears the other any more.
    case broken
  }

  /// The kernel has received something, or has stopped receiving. ``dealtWith(_:_:_:)`` must follow.
  @inline(__always)
  mutating func arrived(_ token: Token, _ completion: Completion, _ ring: borrowing Ring) -> News {
    let index = token.index
    guard isThere(token) else { return .nothing }
    if !completion.goesOn { links[index].isArmed = false }
    switch completion.result {
    case 1...:
      guard let buffer = completion.buffer else { return .nothing }
      let bytes = ring.received(buffer, count: completion.result)
      if bytes.count == Ring.bufferSize { links[index].shortReadsLeft = RingLink.quietReads }
      if links[index].unread.isEmpty {
        arrival = bytes
        arrivalOwner = index
      } else if let base = bytes.baseAddress {
        links[index].unread.append(base, count: bytes.count)
      }
      return .bytes
    case -ENOBUFS, -ECANCELED, -EINTR, -EAGAIN: return .nothing
    case 0:
      links[index].hasEnded = true
      return .end
    default:
      links[index].hasEnded = true
      return .broken
    }
  }

  /// Keeps what was not read, and has the kernel receive, or not, as it fits that.
  @inline(__always)
  mutating func dealtWith(_ token: Token, _ ring: borrowing Ring, _ poller: borrowing Poller) {
    let left = arrivalOwner == token.index ? arrival.baseAddress : nil
    let count = arrival.count
    arrivalOwner = -1
    guard isThere(token) else { return }
    if let left { links[token.index].unread.append(left, count: count) }
    tend(token.index, ring, poller)
  }

  @inline(__always)
  private mutating func tend(_ index: Int, _ ring: borrowing Ring, _ poller: borrowing Poller) {
    guard links[index].isArmed else { return receiveFurther(index, ring, poller) }
    if links[index].shortReadsLeft > 0 || links[index].unread.count > RingLink.mostUnread {
      stop(index, ring)
    }
  }

  /// Tells the kernel to receive no more for it.
  mutating func stop(_ index: Int, _ ring: borrowing Ring) {
    guard !links[index].isCancelling else { return }
    links[index].isCancelling = true
    ring.cancel(token(index).raw, token: RingToken.cancel)
  }

  /// The kernel does not receive for it: again it shall, or the poller shall tell.
  private mutating func receiveFurther(_ index: Int, _ ring: borrowing Ring, _ poller: borrowing Poller) {
    if !links[index].hasEnded, links[index].shortReadsLeft == 0, links[index].unread.isEmpty {
      ring.receive(links[index].fd, token: token(index).raw)
      links[index].isArmed = true
      links[index].isCancelling = false
    }
    register(index, poller)
  }

  /// As a read of the socket. What was received is in `buffer` or, where that `lends`, elsewhere, at `received`.
  /// Invariant: `buffer` has room for `room` bytes, which are no fewer than one of the ring's buffers has.
  @inline(__always)
  mutating func take(
    _ index: Int, into buffer: UnsafeMutableRawPointer, _ room: Int, lends: Bool,
    at received: inout UnsafeRawPointer, _ ring: borrowing Ring, _ poller: borrowing Poller
  ) -> ReadResult {
    if arrivalOwner == index, let base = arrival.baseAddress {
      arrivalOwner = -1
      if lends { received = base } else { memcpy(buffer, base, arrival.count) }
      return .bytes(arrival.count)
    }
    return takeOther(index, into: buffer, room, ring, poller)
  }

  private mutating func takeOther(
    _ index: Int, into buffer: UnsafeMutableRawPointer, _ room: Int, _ ring: borrowing Ring,
    _ poller: borrowing Poller
  ) -> ReadResult {
    let unread = links[index].unread.bytes
    if let base = unread.baseAddress, unread.count > 0 {
      let count = min(unread.count, room)
      memcpy(buffer, base, count)
      links[index].unread.consume(count)
      if links[index].unread.isEmpty { tend(index, ring, poller) }
      return .bytes(count)
    }
    guard links[index].watched & RingLink.watchesBytes != 0 else {
      return links[index].hasEnded ? .closed : .wouldBlock
    }
    let result = Socket(fd: links[index].fd).read(into: buffer, count: room)
    if case .bytes(let count) = result {
      if count >= Ring.bufferSize {
        links[index].shortReadsLeft = RingLink.quietReads
      } else {
        links[index].shortReadsLeft -= 1
        if links[index].shortReadsLeft == 0 { tend(index, ring, poller) }
      }
    }
    return result
  }

  // MARK: What the poller tells

  /// Only of plain connections.
  mutating func wantRoom(_ index: Int, _ wants: Bool, _ poller: borrowing Poller) {
    links[index].wantsRoom = wants
    register(index, poller)
  }

  /// Asks the poller for what the ring does not tell: room to write, the end of a connection that is not received for,
  /// and bytes where they are read by the loop.
  private mutating func register(_ index: Int, _ poller: borrowing Poller) {
    let link = links[index]
    var wanted: UInt8 = link.wantsRoom ? RingLink.watchesRoom : 0
    if !link.isArmed, !link.hasEnded {
      wanted |= RingLink.watchesEnd
      // What is kept comes first.
      if link.shortReadsLeft > 0, link.unread.isEmpty { wanted |= RingLink.watchesBytes }
    }
    guard wanted != link.watched else { return }
    links[index].watched = wanted
    guard wanted != 0 else { return poller.remove(link.fd) }
    poller.set(
      link.fd, token: token(index).raw, isNew: link.watched == 0,
      readable: wanted & RingLink.watchesBytes != 0, writable: wanted & RingLink.watchesRoom != 0)
  }

  // MARK: Sending

  /// Bytes for it are queued, and their outcome is not known.
  @inline(__always)
  func isSending(_ index: Int) -> Bool { links[index].isSending }

  @inline(__always)
  mutating func sends(_ index: Int) { links[index].isSending = true }

  /// The outcome is known. False when the connection is not there any more.
  @inline(__always)
  mutating func hasSent(_ token: Token) -> Bool {
    guard isThere(token) else { return false }
    links[token.index].isSending = false
    return true
  }
}
