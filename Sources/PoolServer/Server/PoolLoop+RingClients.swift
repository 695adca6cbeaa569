import CLinux
import Glibc
import PoolCore

// Clients whose bytes come and go through the ring.

extension PoolLoop {
  // MARK: Coming and going

  /// Takes the client's bytes from the poller to the ring. With TLS, which reads the socket itself, those that it is sent.
  mutating func joinRing(client index: Int) {
    guard usesRing, clients[index].phase == .idle, !clientLinks[index].isOn else { return }
    clientLinks[index] = RingLink()
    clientLinks[index].isOn = true
    guard clients[index].tls == nil else { return }
    poller.remove(clients[index].fd)
    clientLinks[index].receives = true
    clients[index].wantsOut = false
    if !clients[index].outgoing.isEmpty { wantWritable(client: index, true) }
    arm(client: index)
  }

  /// The connection is about to be closed. False when the poller has it.
  mutating func leaveRing(client index: Int) -> Bool {
    guard clientLinks[index].isOn else { return false }
    // What is asked of the kernel names the descriptor, whose number may soon be another's.
    if ring.hasRequests { settleSends() }
    if clientLinks[index].isArmed {
      ring.cancel(RingToken.receiver(token(client: index), clientLinks[index].size), token: RingToken.cancel)
    }
    if clientLinks[index].isWatched { poller.remove(clients[index].fd) }
    clientLinks[index].unread.free()
    let received = clientLinks[index].receives
    clientLinks[index] = RingLink()
    return received
  }

  private func token(client index: Int) -> Token {
    Token(.client, index, generation: clients[index].generation)
  }

  // MARK: Receiving

  private mutating func arm(client index: Int) {
    if ring.isFull { settleSends() }
    if clientLinks[index].wantsLarge { clientLinks[index].size = .large }
    ring.receive(
      clients[index].fd, into: clientLinks[index].size,
      token: RingToken.receiver(token(client: index), clientLinks[index].size))
    clientLinks[index].isArmed = true
    clientLinks[index].isCancelling = false
    if clientLinks[index].isWatched { watchClient(index, clients[index].wantsOut) }
  }

  private mutating func cancel(client index: Int) {
    guard !clientLinks[index].isCancelling else { return }
    clientLinks[index].isCancelling = true
    if ring.isFull { settleSends() }
    ring.cancel(RingToken.receiver(token(client: index), clientLinks[index].size), token: RingToken.cancel)
  }

  /// The kernel has received something, or has stopped receiving.
  @inline(__always)
  mutating func clientArrival(_ token: Token, _ completion: Completion, _ size: BufferSize) {
    let index = token.index
    guard isClientThere(token) else { return }
    if !completion.goesOn { clientLinks[index].isArmed = false }
    switch completion.result {
    case 1...:
      guard let buffer = completion.buffer else { break }
      let bytes = ring.received(buffer, size, count: completion.result)
      if clientLinks[index].unread.isEmpty {
        arrival = Arrival(token: token.raw, bytes: bytes)
      } else if let base = bytes.baseAddress {
        clientLinks[index].unread.append(base, count: bytes.count)
      }
      clientReadable(index)
      let left = arrival.bytes
      arrival = Arrival()
      if let base = left.baseAddress, isClientThere(token) {
        clientLinks[index].unread.append(base, count: left.count)
      }
      // Who sends much gets larger buffers, once what was asked for the small ones has ended.
      if size == .small, Int(completion.result) == size.bytes, isClientThere(token) {
        clientLinks[index].wantsLarge = true
        if clientLinks[index].isArmed { cancel(client: index) }
      }
    case -ENOBUFS, -ECANCELED, -EINTR, -EAGAIN: break
    default:  // the end of the stream, or any error
      clientLinks[index].hasEnded = true
      clients[index].hungUp = true
      clientReadable(index)
    }
    if isClientThere(token) { tend(client: index) }
  }

  @inline(__always)
  private func isClientThere(_ token: Token) -> Bool {
    token.index < clients.used && clients[token.index].phase != .absent
      && clients[token.index].generation & 0xFFF_FFFF == token.generation && clientLinks[token.index].receives
  }

  /// Has the kernel receive, or not, as it fits what is unread.
  @inline(__always)
  private mutating func tend(client index: Int) {
    if clientLinks[index].isArmed {
      if clientLinks[index].unread.count > RingLink.mostUnread { cancel(client: index) }
    } else if !clientLinks[index].hasEnded {
      if clientLinks[index].unread.isEmpty {
        arm(client: index)
      } else {
        // That the peer goes must be noticed all the same.
        watchClient(index, clients[index].wantsOut)
      }
    }
  }

  /// As a read of the socket; see ``receive(client:into:lends:)``. Invariant: `buffer` has room for `scratchSize` bytes.
  mutating func take(client index: Int, into buffer: UnsafeMutableRawPointer, lends: Bool) -> ReadResult {
    let unread = clientLinks[index].unread.bytes
    if let base = unread.baseAddress, unread.count > 0 {
      let count = min(unread.count, Self.scratchSize)
      memcpy(buffer, base, count)
      clientLinks[index].unread.consume(count)
      if clientLinks[index].unread.isEmpty { tend(client: index) }
      return .bytes(count)
    }
    if let base = arrival.bytes.baseAddress, arrival.token == token(client: index).raw {
      let count = arrival.bytes.count
      arrival = Arrival()
      if lends { received = base } else { memcpy(buffer, base, count) }
      return .bytes(count)
    }
    return clientLinks[index].hasEnded ? .closed : .wouldBlock
  }

  func hasUnread(client index: Int) -> Bool {
    clientLinks[index].receives && !clientLinks[index].unread.isEmpty
  }

  // MARK: Sending

  /// The socket has not taken all: the rest waits until it has room. Invariant: `base` covers `count` bytes.
  mutating func keepUnsent(client index: Int, _ base: UnsafeRawPointer, _ count: Int) {
    clients[index].outgoing.append(base, count: count)
    wantWritable(client: index, true)
    let backend = clients[index].backend
    if backend != BackendID.none.index { backends[Int(backend)].readPaused = true }
  }

  /// Asks the poller for what the ring does not tell: room to write, and the end of a connection that is not read.
  mutating func watchClient(_ index: Int, _ wantsRoom: Bool) {
    let wantsEnd = !clientLinks[index].isArmed && !clientLinks[index].hasEnded
    let isNew = !clientLinks[index].isWatched
    guard wantsRoom || wantsEnd else {
      clients[index].wantsOut = false
      if !isNew { poller.remove(clients[index].fd) }
      return clientLinks[index].isWatched = false
    }
    if !isNew, clients[index].wantsOut == wantsRoom { return }
    clients[index].wantsOut = wantsRoom
    clientLinks[index].isWatched = true
    poller.watch(clients[index].fd, token: token(client: index).raw, writable: wantsRoom, isNew: isNew)
  }
}
