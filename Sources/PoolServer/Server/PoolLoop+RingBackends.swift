import CLinux
import Glibc
import PoolCore

// Backends whose bytes come and go through the ring.

extension PoolLoop {
  // MARK: Coming and going

  /// Takes the backend's bytes from the poller to the ring. With TLS, which reads the socket itself, those that it is sent.
  mutating func joinRing(backend index: Int) {
    guard usesRing, backends[index].phase == .serving, !backendLinks[index].isOn else { return }
    backendLinks[index] = RingLink()
    backendLinks[index].isOn = true
    guard backends[index].tls == nil else { return }
    poller.remove(backends[index].fd)
    backendLinks[index].receives = true
    backendLinks[index].wantsLarge = true
    backends[index].wantsOut = false
    if !backends[index].outgoing.isEmpty { wantWritable(backend: index, true) }
    arm(backend: index)
  }

  /// The connection is about to be closed. False when the poller has it.
  mutating func leaveRing(backend index: Int) -> Bool {
    guard backendLinks[index].isOn else { return false }
    // What is asked of the kernel names the descriptor, whose number may soon be another's.
    if ring.hasRequests { settleSends() }
    if backendLinks[index].isArmed {
      ring.cancel(
        RingToken.receiver(token(backend: index), backendLinks[index].size), token: RingToken.cancel)
    }
    if backendLinks[index].isWatched { poller.remove(backends[index].fd) }
    backendLinks[index].unread.free()
    let received = backendLinks[index].receives
    backendLinks[index] = RingLink()
    return received
  }

  private func token(backend index: Int) -> Token {
    Token(.backend, index, generation: backends[index].generation)
  }

  // MARK: Receiving

  private mutating func arm(backend index: Int) {
    if ring.isFull { settleSends() }
    if backendLinks[index].wantsLarge { backendLinks[index].size = .large }
    ring.receive(
      backends[index].fd, into: backendLinks[index].size,
      token: RingToken.receiver(token(backend: index), backendLinks[index].size))
    backendLinks[index].isArmed = true
    backendLinks[index].isCancelling = false
    if backendLinks[index].isWatched { watchBackend(index, backends[index].wantsOut) }
  }

  private mutating func cancel(backend index: Int) {
    guard !backendLinks[index].isCancelling else { return }
    backendLinks[index].isCancelling = true
    if ring.isFull { settleSends() }
    ring.cancel(RingToken.receiver(token(backend: index), backendLinks[index].size), token: RingToken.cancel)
  }

  /// The kernel has received something, or has stopped receiving.
  @inline(__always)
  mutating func backendArrival(_ token: Token, _ completion: Completion, _ size: BufferSize) {
    let index = token.index
    guard isBackendThere(token) else { return }
    if !completion.goesOn { backendLinks[index].isArmed = false }
    switch completion.result {
    case 1...:
      guard let buffer = completion.buffer else { break }
      let bytes = ring.received(buffer, size, count: completion.result)
      if backendLinks[index].unread.isEmpty {
        arrival = Arrival(token: token.raw, bytes: bytes)
      } else if let base = bytes.baseAddress {
        backendLinks[index].unread.append(base, count: bytes.count)
      }
      backendReadable(index)
      let left = arrival.bytes
      arrival = Arrival()
      if let base = left.baseAddress, isBackendThere(token) {
        backendLinks[index].unread.append(base, count: left.count)
      }
    case -ENOBUFS, -ECANCELED, -EINTR, -EAGAIN: break
    default:  // the end of the stream, or any error
      backendLinks[index].hasEnded = true
      backends[index].hungUp = true
      backendReadable(index)
    }
    if isBackendThere(token) { tend(backend: index) }
  }

  @inline(__always)
  private func isBackendThere(_ token: Token) -> Bool {
    token.index < backends.used && backends[token.index].phase != .absent
      && backends[token.index].generation & 0xFFF_FFFF == token.generation
      && backendLinks[token.index].receives
  }

  /// Has the kernel receive, or not, as it fits what is unread.
  @inline(__always)
  private mutating func tend(backend index: Int) {
    if backendLinks[index].isArmed {
      if backendLinks[index].unread.count > RingLink.mostUnread { cancel(backend: index) }
    } else if !backendLinks[index].hasEnded {
      if backendLinks[index].unread.isEmpty {
        arm(backend: index)
      } else {
        // That the peer goes must be noticed all the same.
        watchBackend(index, backends[index].wantsOut)
      }
    }
  }

  /// As a read of the socket; see ``receive(backend:into:lends:)``. Invariant: `buffer` has room for `scratchSize` bytes.
  mutating func take(backend index: Int, into buffer: UnsafeMutableRawPointer, lends: Bool) -> ReadResult {
    let unread = backendLinks[index].unread.bytes
    if let base = unread.baseAddress, unread.count > 0 {
      let count = min(unread.count, Self.scratchSize)
      memcpy(buffer, base, count)
      backendLinks[index].unread.consume(count)
      if backendLinks[index].unread.isEmpty { tend(backend: index) }
      return .bytes(count)
    }
    if let base = arrival.bytes.baseAddress, arrival.token == token(backend: index).raw {
      let count = arrival.bytes.count
      arrival = Arrival()
      if lends { received = base } else { memcpy(buffer, base, count) }
      return .bytes(count)
    }
    return backendLinks[index].hasEnded ? .closed : .wouldBlock
  }

  // MARK: Sending

  /// The socket has not taken all: the rest waits until it has room. Invariant: `base` covers `count` bytes.
  mutating func keepUnsent(backend index: Int, _ base: UnsafeRawPointer, _ count: Int) {
    backends[index].outgoing.append(base, count: count)
    wantWritable(backend: index, true)
    let client = backends[index].client
    if client != ClientID.none.index { clients[Int(client)].blockedByBackend = true }
  }

  /// Asks the poller for what the ring does not tell: room to write, and the end of a connection that is not read.
  mutating func watchBackend(_ index: Int, _ wantsRoom: Bool) {
    let wantsEnd = !backendLinks[index].isArmed && !backendLinks[index].hasEnded
    let isNew = !backendLinks[index].isWatched
    guard wantsRoom || wantsEnd else {
      backends[index].wantsOut = false
      if !isNew { poller.remove(backends[index].fd) }
      return backendLinks[index].isWatched = false
    }
    if !isNew, backends[index].wantsOut == wantsRoom { return }
    backends[index].wantsOut = wantsRoom
    backendLinks[index].isWatched = true
    poller.watch(backends[index].fd, token: token(backend: index).raw, writable: wantsRoom, isNew: isNew)
  }
}
