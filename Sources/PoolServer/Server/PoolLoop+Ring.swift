import CLinux
import Glibc
import Logging
import PoolCore

// The loop on io_uring. Plain connections that are logged in send and receive through the ring: the kernel receives for
// them into its buffers by itself, and what is sent in a turn goes to it in one system call, together with the wait for
// what comes next. All else (listeners, connects, logins, TLS, signals) stays with the poller, whose descriptor the
// ring watches.
//
// What the kernel has received is looked at in place when the connection may be read. Otherwise it is kept in the link,
// up to a limit above which the kernel is told to stop; so a connection that is "not read" is the same as with epoll.

extension PoolLoop {
  // MARK: Turning

  mutating func turnRing() {
    if !isPollerWatched {
      isPollerWatched = true
      if ring.isFull { settleSends() }
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
    let size = RingToken.size(completion.token)
    // A completion that nobody waits for any more may have a buffer, too.
    if let token = RingToken.receiver(completion.token) {
      switch token.kind {
      case .client: clientArrival(token, completion, size)
      case .backend: backendArrival(token, completion, size)
      case .cancel, .listener, .signals, .mailbox: break
      }
    }
    if let buffer = completion.buffer { ring.giveBack(buffer, size) }
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
      guard tries < 200 else {
        giveUpSends()
        break
      }
      tries += 1
      ring.enter(waitsFor: 1, nanoseconds: 10_000_000)
      harvest()
    }
    sends.removeAll()
  }

  /// Nobody may take what comes next for what has come to nothing.
  private mutating func giveUpSends() {
    logger.error("the kernel does not complete sends; their connections are ended")
    for raw in sends.tokens() {
      guard let token = Token(raw: raw) else { continue }
      switch token.kind {
      case .client where clientLinks[token.index].isSending:
        clientLinks[token.index].isSending = false
        shutdown(clients[token.index].fd, Int32(SHUT_RDWR))
      case .backend where backendLinks[token.index].isSending:
        backendLinks[token.index].isSending = false
        shutdown(backends[token.index].fd, Int32(SHUT_RDWR))
      case .client, .backend, .cancel, .listener, .signals, .mailbox: break
      }
    }
  }

  /// What a socket has not taken is kept, as after any other write.
  private mutating func settle(_ completion: Completion) {
    let entry = sends.settle(RingToken.number(completion.token))
    guard let token = Token(raw: entry.token) else { return }
    let index = token.index
    let isUnsent: Bool
    switch completion.result {
    case -EAGAIN, -EINTR: isUnsent = true
    case ..<0: isUnsent = false  // The read side tells what became of it.
    default: isUnsent = Int(completion.result) < entry.count
    }
    let rest = sends.rest(of: entry, from: isUnsent ? max(0, Int(completion.result)) : entry.count)
    switch token.kind {
    case .client:
      guard clients[index].generation & 0xFFF_FFFF == token.generation else { return }
      clientLinks[index].isSending = false
      if isUnsent, let base = rest.baseAddress { keepUnsent(client: index, base, rest.count) }
    case .backend:
      guard backends[index].generation & 0xFFF_FFFF == token.generation else { return }
      backendLinks[index].isSending = false
      if isUnsent, let base = rest.baseAddress { keepUnsent(backend: index, base, rest.count) }
    case .cancel, .listener, .signals, .mailbox: break
    }
  }

  /// Whether the bytes go with the turn's other sends. If not, the socket is as its last write has left it.
  /// Invariant of all of these: `base` covers `count` bytes during the call; they are copied.
  @inline(__always)
  mutating func queueSend(client index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Bool {
    guard clientLinks[index].isOn else { return false }
    let token = Token(.client, index, generation: clients[index].generation).raw
    if clientLinks[index].isSending {
      if lengthenSend(token, base, count) { return true }
      settleSends()
    }
    guard clients[index].outgoing.isEmpty, count <= Self.longestQueued else { return false }
    queueSend(token, clients[index].fd, base, count)
    clientLinks[index].isSending = true
    return true
  }

  @inline(__always)
  mutating func queueSend(backend index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Bool {
    guard backendLinks[index].isOn else { return false }
    let token = Token(.backend, index, generation: backends[index].generation).raw
    if backendLinks[index].isSending {
      if lengthenSend(token, base, count) { return true }
      settleSends()
    }
    guard backends[index].outgoing.isEmpty, count <= Self.longestQueued else { return false }
    queueSend(token, backends[index].fd, base, count)
    backendLinks[index].isSending = true
    return true
  }

  @inline(__always)
  private mutating func queueSend(_ token: UInt64, _ fd: Int32, _ base: UnsafeRawPointer, _ count: Int) {
    if ring.isFull || !sends.hasRoom(for: count) { settleSends() }
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
}

/// What the ring's completions are told apart by. Receivers are a ``Token`` with the size of their buffers.
enum RingToken {
  static let poller: UInt64 = 9 << 60
  static let cancel: UInt64 = 10 << 60
  private static let largeBit: UInt64 = 1 << 31

  @inline(__always)
  static func send(_ number: Int) -> UInt64 { 8 << 60 | UInt64(truncatingIfNeeded: number) }
  @inline(__always)
  static func isSend(_ raw: UInt64) -> Bool { raw >> 60 == 8 }
  @inline(__always)
  static func number(_ raw: UInt64) -> Int { Int(truncatingIfNeeded: raw & 0xFFFF_FFFF) }

  @inline(__always)
  static func receiver(_ token: Token, _ size: BufferSize) -> UInt64 {
    token.raw | (size == .large ? largeBit : 0)
  }
  @inline(__always)
  static func receiver(_ raw: UInt64) -> Token? { Token(raw: raw & ~largeBit) }
  @inline(__always)
  static func size(_ raw: UInt64) -> BufferSize { raw & largeBit != 0 ? .large : .small }
}

/// What the kernel has received for one connection. Invariant: the bytes are a buffer of the ring's, which is given back
/// only when the completion has been dealt with; nobody keeps this for longer.
struct Arrival {
  /// Whose it is.
  var token: UInt64 = 0
  var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
}
