import CLinux
import Glibc
import PoolCore

// The loop on io_uring. Plain connections that are logged in send and receive through the ring: the kernel receives for
// them into its buffers by itself, and what is sent in a turn goes to it in one system call, together with the wait for
// what comes next. All else (listeners, connects, logins, TLS, much data, signals) stays with the poller, whose descriptor
// the ring watches.
//
// What the kernel has received is looked at in place when the connection may be read. Otherwise it is kept, up to a limit
// above which the kernel is told to stop; so a connection that is "not read" is the same as with epoll.

extension PoolLoop {
  // MARK: Turning

  mutating func turnRing() {
    if !isPollerWatched {
      isPollerWatched = true
      ring.poll(poller.ownDescriptor, token: RingToken.poller)
    }
    let time = waitTime()
    ring.enter(waitsFor: time == 0 ? 0 : 1, nanoseconds: time < 0 ? nil : Int64(time) * 1_000_000)
    now = Instant(nanoseconds: clinux_now())
    if isShared { hearOthers() }
    harvest()
    endSettling()
    while nextCompletion < completions.count {
      let completion = completions[nextCompletion]
      nextCompletion += 1
      completed(completion)
      runDeferred()
    }
    completions.removeAll(keepingCapacity: true)
    nextCompletion = 0
  }

  /// Takes what the kernel has completed: sends are settled at once, all else waits for its turn.
  mutating func harvest() {
    while let completion = ring.next() {
      if RingToken.isSend(completion.token) { settle(completion) } else { completions.append(completion) }
    }
  }

  private mutating func completed(_ completion: Completion) {
    if completion.token == RingToken.poller {
      isPollerWatched = false
      return pollerEvents(waiting: 0)
    }
    if let token = Token(raw: completion.token) {
      switch token.kind {
      case .client: clientNews(token, completion)
      case .backend: backendNews(token, completion)
      case .cancel, .listener, .signals, .mailbox, .handOver: break
      }
    }
    // Of those that nobody waits for any more, too.
    if let buffer = completion.buffer { ring.giveBack(buffer) }
  }

  @inline(__always)
  private mutating func clientNews(_ token: Token, _ completion: Completion) {
    switch clientLinks.arrived(token, completion, ring) {
    case .nothing: break
    case .bytes: clientReadable(token.index)
    case .end:
      clients[token.index].hungUp = true
      clientReadable(token.index)
    case .broken where clients[token.index].phase == .active: closeClient(token.index)
    case .broken:
      clients[token.index].hungUp = true
      clientReadable(token.index)
    }
    clientLinks.dealtWith(token, ring, poller)
  }

  @inline(__always)
  private mutating func backendNews(_ token: Token, _ completion: Completion) {
    switch backendLinks.arrived(token, completion, ring) {
    case .nothing: break
    case .bytes: backendReadable(token.index)
    case .end, .broken:
      backends[token.index].hungUp = true
      backendReadable(token.index)
    }
    backendLinks.dealtWith(token, ring, poller)
  }

  // MARK: Coming and going

  /// Takes the client's bytes from the poller to the ring. With TLS, which reads the socket itself, those that it is sent.
  mutating func joinRing(client index: Int) {
    guard usesRing, clients[index].phase == .idle, !clientLinks.isOn(index) else { return }
    let isPlain = clients[index].tls == nil
    if isPlain { poller.remove(clients[index].fd) }
    clientLinks.join(
      index, clients[index].fd, generation: clients[index].generation, isPlain: isPlain,
      wantsRoom: !clients[index].outgoing.isEmpty, ring, poller)
  }

  mutating func joinRing(backend index: Int) {
    guard usesRing, backends[index].phase == .serving, !backendLinks.isOn(index) else { return }
    let isPlain = backends[index].tls == nil
    if isPlain { poller.remove(backends[index].fd) }
    backendLinks.join(
      index, backends[index].fd, generation: backends[index].generation, isPlain: isPlain,
      wantsRoom: !backends[index].outgoing.isEmpty, ring, poller)
  }

  /// The connection is about to be closed. False when the poller has it.
  mutating func leaveRing(client index: Int) -> Bool {
    // What is asked of the kernel names the descriptor, whose number may soon be another's.
    if clientLinks.isOn(index), ring.hasRequests { settleSends() }
    return clientLinks.leave(index, ring, poller)
  }

  mutating func leaveRing(backend index: Int) -> Bool {
    if backendLinks.isOn(index), ring.hasRequests { settleSends() }
    return backendLinks.leave(index, ring, poller)
  }

  // MARK: Sends

  /// More than that is sent at once and from where it lies: copying it would cost more than the system call.
  static var longestQueued: Int { 16_384 }

  /// Tells the kernel of all requests, so that every socket stands as if each byte had been written when it was given.
  mutating func settleSends() {
    ring.submit()
    harvest()
    endSettling()
  }

  /// Sends never wait, so that they are completed when they are submitted; a kernel short of memory may need to be
  /// asked again.
  private mutating func endSettling() {
    guard sends.count > 0 else { return }
    var tries = 0
    while sends.unsettled > 0 {
      tries += 1
      // Nobody may take what comes next for what has come to nothing.
      if tries > 1_000 { fatalError("the kernel does not complete the sends of an io_uring") }
      ring.enter(waitsFor: 1, nanoseconds: 10_000_000)
      harvest()
    }
    sends.removeAll()
  }

  /// What a socket has not taken is kept, as after any other write.
  private mutating func settle(_ completion: Completion) {
    let entry = sends.settle(RingToken.number(completion.token))
    guard let token = Token(raw: entry.token) else { return }
    var taken = Int(completion.result)
    if taken < 0 {
      let mayTryAgain = completion.result == -EAGAIN || completion.result == -EINTR
      // The read side tells what became of it.
      if !mayTryAgain { endConnection(token) }
      taken = mayTryAgain ? 0 : entry.count
    }
    let rest = sends.rest(of: entry, from: taken)
    switch token.kind {
    case .client:
      guard clientLinks.hasSent(token), rest.count > 0, let base = rest.baseAddress else { return }
      keepUnsent(client: token.index, base, rest.count)
    case .backend:
      guard backendLinks.hasSent(token), rest.count > 0, let base = rest.baseAddress else { return }
      keepUnsent(backend: token.index, base, rest.count)
    case .cancel, .listener, .signals, .mailbox, .handOver: break
    }
  }

  /// Bytes for it are lost: nothing may follow them.
  private func endConnection(_ token: Token) {
    switch token.kind {
    case .client where clientLinks.isThere(token): shutdown(clients[token.index].fd, Int32(SHUT_RDWR))
    case .backend where backendLinks.isThere(token): shutdown(backends[token.index].fd, Int32(SHUT_RDWR))
    case .client, .backend, .cancel, .listener, .signals, .mailbox, .handOver: break
    }
  }

  /// Whether the bytes go with the turn's other sends. If not, the socket is as its last write has left it.
  /// Invariant of all of these: `base` covers `count` bytes during the call; they are copied.
  @inline(__always)
  mutating func queueSend(client index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Bool {
    guard clientLinks.isOn(index) else { return false }
    let token = Token(.client, index, generation: clients[index].generation).raw
    if clientLinks.isSending(index) {
      if lengthenSend(token, base, count) { return true }
      settleSends()
    }
    guard clients[index].outgoing.isEmpty, count <= Self.longestQueued else { return false }
    queueSend(token, clients[index].fd, base, count)
    clientLinks.sends(index)
    return true
  }

  @inline(__always)
  mutating func queueSend(backend index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Bool {
    guard backendLinks.isOn(index) else { return false }
    let token = Token(.backend, index, generation: backends[index].generation).raw
    if backendLinks.isSending(index) {
      if lengthenSend(token, base, count) { return true }
      settleSends()
    }
    guard backends[index].outgoing.isEmpty, count <= Self.longestQueued else { return false }
    queueSend(token, backends[index].fd, base, count)
    backendLinks.sends(index)
    return true
  }

  @inline(__always)
  private mutating func queueSend(_ token: UInt64, _ fd: Int32, _ base: UnsafeRawPointer, _ count: Int) {
    if !sends.hasRoom(for: count) { settleSends() }
    let number = sends.count
    ring.send(fd, sends.add(token, base, count: count), count: count, token: RingToken.send(number))
  }

  /// Puts bytes behind those that were queued last, if they are for the same socket.
  @inline(__always)
  private mutating func lengthenSend(_ token: UInt64, _ base: UnsafeRawPointer, _ count: Int) -> Bool {
    guard sends.isLast(token), ring.endsWithSend, count <= Self.longestQueued, sends.hasRoom(for: count)
    else {
      return false
    }
    sends.lengthen(base, count: count)
    ring.lengthenSend(by: count)
    return true
  }

  /// The socket has not taken all: the rest waits until it has room. Invariant: `base` covers `count` bytes.
  mutating func keepUnsent(client index: Int, _ base: UnsafeRawPointer, _ count: Int) {
    clients[index].outgoing.append(base, count: count)
    wantWritable(client: index, true)
    let backend = clients[index].backend
    if backend != BackendID.none.index { backends[Int(backend)].readPaused = true }
  }

  mutating func keepUnsent(backend index: Int, _ base: UnsafeRawPointer, _ count: Int) {
    backends[index].outgoing.append(base, count: count)
    wantWritable(backend: index, true)
    let client = backends[index].client
    if client != ClientID.none.index { clients[Int(client)].blockedByBackend = true }
  }
}

/// What the ring's completions are told apart by. A receive has its connection's ``Token``.
enum RingToken {
  static let poller: UInt64 = 9 << 60
  static let cancel: UInt64 = 10 << 60

  @inline(__always)
  static func send(_ number: Int) -> UInt64 { 8 << 60 | UInt64(truncatingIfNeeded: number) }
  @inline(__always)
  static func isSend(_ raw: UInt64) -> Bool { raw >> 60 == 8 }
  @inline(__always)
  static func number(_ raw: UInt64) -> Int { Int(truncatingIfNeeded: raw & 0xFFFF_FFFF) }
}
