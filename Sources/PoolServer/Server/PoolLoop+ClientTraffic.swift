import Glibc
import PoolCore
import PostgresWire

// The data path, client to backend.

extension PoolLoop {
  /// Reads what the client has sent, as long as it may be read.
  mutating func clientReadable(_ index: Int) {
    if clients[index].mustResume {
      clients[index].mustResume = false
      processIncoming(index)
    }
    for _ in 0..<Self.readsPerTurn {
      switch clients[index].phase {
      case .absent: return
      case .waiting, .checking:
        // Not read while it waits; but one that has gone must not keep its place in the queue.
        clients[index].mayRead = true
        if clients[index].hungUp { closeIfGone(index) }
        return
      case .closing:
        if clients[index].hungUp { closeClient(index) }
        return
      case .console where mustConsoleWait(index):
        clients[index].mayRead = true
        if clients[index].hungUp { closeIfGone(index) }
        return
      case .startup, .authenticating, .idle, .active, .replicating, .console: break
      }
      // Neither is one that does not take the pool's own answers: they would pile up.
      if clients[index].blockedByBackend || clients[index].holdsReady || clients[index].awaitsDescription
        || clients[index].isStalled
        || (clients[index].phase == .idle && !clients[index].outgoing.isEmpty)
      {
        clients[index].mayRead = true
        return
      }
      clients[index].mayRead = false
      let isFull: Bool
      if clients[index].incoming.isEmpty {
        switch receive(client: index, into: scratch) {
        case .wouldBlock: return
        case .closed: return clientEnded(index)
        case .bytes(let count):
          isFull = count == Self.scratchSize
          let base = received
          let consumed = clientSent(index, base, count)
          guard clients[index].phase != .absent else { return }
          if consumed < count {
            clients[index].incoming.append(base + consumed, count: count - consumed, from: &spareBlocks)
          }
        }
      } else {
        // Behind the beginning of a message that is already there.
        guard let room = clients[index].incoming.room(Self.clientRoom) else { return }
        switch receive(client: index, into: room, lends: false) {
        case .wouldBlock: return
        case .closed: return clientEnded(index)
        case .bytes(let count):
          isFull = count == Self.clientRoom
          clients[index].incoming.wrote(count)
          processIncoming(index)
          guard clients[index].phase != .absent else { return }
        }
      }
      // A short read has drained the socket; only a hang-up may still wait behind it.
      if !isFull, !clients[index].hungUp { return }
    }
    readLater(client: index)
  }

  /// How much of one connection is read before others get their turn: a megabyte.
  static var readsPerTurn: Int { 4 }

  /// What a client has sent and the loop has kept, as far as it is complete.
  mutating func processIncoming(_ index: Int) {
    let bytes = clients[index].incoming.bytes
    guard let base = bytes.baseAddress, bytes.count > 0 else { return }
    let generation = clients[index].generation
    let consumed = clientSent(index, base, bytes.count)
    guard clients[index].phase != .absent, clients[index].generation == generation else { return }
    if consumed > 0 { clients[index].incoming.consume(consumed) }
  }

  /// Invariant: `base` covers `count` bytes until this returns; nothing below moves them. Returns how many are
  /// dealt with; the caller keeps the rest.
  private mutating func clientSent(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    var consumed = 0
    while consumed < count {
      let before = consumed
      let phase = clients[index].phase
      switch phase {
      case .startup, .authenticating: consumed += loginBytes(index, base + consumed, count - consumed)
      case .idle: consumed += idleBytes(index, base + consumed, count - consumed)
      case .active:
        out.removeAll()
        consumed += relay(index, base + consumed, count - consumed)
      case .replicating: consumed += replicateToServer(index, base + consumed, count - consumed)
      case .console:
        let start = (base + consumed).assumingMemoryBound(to: UInt8.self)
        consumed += consoleBytes(index, UnsafeBufferPointer(start: start, count: count - consumed).span)
      case .absent, .checking, .waiting, .closing: return consumed
      }
      // Stuck on an incomplete message, unless the client has come to another phase by it.
      if consumed == before, clients[index].phase == phase { break }
    }
    return consumed
  }

  private mutating func clientEnded(_ index: Int) { closeClient(index) }

  /// A hang-up while the client waits: is it really gone, or are its last bytes still unread?
  private mutating func closeIfGone(_ index: Int) {
    if usesRing, clientLinks.hasUnread(index), clients[index].phase != .waiting { return }
    var byte: UInt8 = 0
    let got = recv(clients[index].fd, &byte, 1, Int32(MSG_PEEK))
    if got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) || clients[index].phase == .waiting {
      closeClient(index)
    }
  }

  // MARK: With a backend

  /// Sends a client's messages on to its backend, changed where its session asks for it. What `out` holds goes in
  /// front. Returns how many bytes are dealt with.
  ///
  /// - Parameter isRepeated: this batch has been sent before, and nothing of it was carried out.
  mutating func relay(
    _ index: Int, _ base: UnsafeRawPointer, _ count: Int, isRepeated: Bool = false
  ) -> Int {
    let client = ClientID(index)
    let backend = BackendID(clients[index].backend)
    let outer = clientInHand
    clientInHand = index
    defer { clientInHand = outer }
    // The batch before comes first.
    if sessions.backends[Int(backend.index)].mustRepeat || clients[index].awaitsDescription
      || clients[index].isStalled
    {
      return 0
    }
    sessions.dropKept(on: backend)
    let mayKeep =
      !isRepeated && count <= Sessions.mostKept && clients[index].passthrough == 0
      && base.load(as: UInt8.self) == FrontendTag.bind
      && sessions.isAtBatchStart(Int(backend.index))
    var syncs = 0
    if sessions.isQuiet(Int(backend.index)) {
      sessions.backends[Int(backend.index)].flight.begin()
    }
    let wasInside = clients[index].passthrough > 0
    if clients[index].since == 0 { clients[index].since = now.nanoseconds }
    sessions.leaseEnded(client)
    if sessions.owesNothing(Int(backend.index)) {
      if clients[index].askedAt == 0 { clients[index].askedAt = now.nanoseconds }
      clients[index].sentAt = now.nanoseconds
    }
    let bytes = UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count).span
    var offset = 0
    // What from here on may go out as it lies.
    var run = 0
    if clients[index].passthrough > 0 {
      offset = min(count, clients[index].passthrough)
      clients[index].passthrough -= offset
      if clients[index].dropsRest { run = offset }
      if sessions.hasDetails(index), sessions.clients[index].watch != nil {
        sessions.streamed(
          client, bytes.extracting(0..<offset), isEnd: clients[index].passthrough == 0, on: backend)
      }
    }
    var leaves = false
    var isBroken = false
    var broken: FrameHeader?
    frames: while offset < count {
      let header: FrameHeader
      switch FrameHeader.read(in: bytes, at: offset) {
      case .incomplete: break frames
      case .malformed:
        isBroken = true
        break frames
      case .frame(let read): header = read
      }
      if header.tag == FrontendTag.terminate {
        leaves = true
        break
      }
      let isComplete = count &- offset >= header.length
      // Nearly all of a long COPY: nothing is to be known of its data.
      if isComplete, header.tag == FrontendTag.copyData, sessions.passesData(client, to: backend) {
        offset &+= header.length
        continue
      }
      guard isBelievable(header) else {
        isBroken = true
        broken = header
        break
      }
      let treatment: FrameTreatment
      if isComplete || Sessions.streams(header.tag) {
        treatment = sessions.clientSends(client, to: backend, header, in: bytes, at: offset)
      } else if header.length > Self.longMessage, sessions.isSkipped(header.tag, client, on: backend) {
        treatment = .drop
      } else if isStreamed(header) {
        treatment = streamed(index, header, bytes, offset)
      } else {
        break
      }
      let here = isComplete ? header.length : count - offset
      if header.tag == FrontendTag.sync { syncs += 1 }
      switch treatment {
      case .forward: break
      case .replace:
        out.append(base + run, count: offset - run)
        out.append(sessions.rewritten)
        run = offset + here
      case .replaceHead(let head):
        out.append(base + run, count: offset - run)
        out.append(sessions.rewritten)
        run = offset + head
      case .hold:
        out.append(base + run, count: offset - run)
        out.append(sessions.rewritten)
        run = offset
        clients[index].awaitsDescription = true
        break frames
      case .incomplete: break frames
      case .stall:
        clients[index].isStalled = true
        break frames
      case .drop:
        out.append(base + run, count: offset - run)
        run = offset + here
      case .malformed:
        isBroken = true
        broken = header
        break frames
      }
      offset += here
      if here < header.length {
        clients[index].passthrough = header.length - here
        clients[index].dropsRest = treatment == .drop
      }
    }
    backends[Int(backend.index)].hasHalfFrame = clients[index].passthrough > 0 && !clients[index].dropsRest
    if wasInside || clients[index].passthrough > 0 {
      sessions.backends[Int(backend.index)].flight.isCut()
    } else if offset > 0, sessions.backends[Int(backend.index)].flight.takes(offset) {
      sessions.backends[Int(backend.index)].flight.bytes.append(
        contentsOf: UnsafeRawBufferPointer(start: base, count: offset))
    }
    if isShared { tellNotifier(index, Int(backend.index)) }
    if out.isEmpty {
      sendToBackend(Int(backend.index), base + run, offset - run)
    } else {
      out.append(base + run, count: offset - run)
      sendToBackend(Int(backend.index), UnsafeRawPointer(out.base), out.count)
    }
    if offset > 0 { watchRunning(index) }
    // One Sync, and that at the end.
    if mayKeep, syncs == 1, offset == count, !leaves, !isBroken,
      sessions.backends[Int(backend.index)].flight.isWhole,
      (base + count - FrameHeader.size).load(as: UInt8.self) == FrontendTag.sync
    {
      sessions.keeps(on: backend, from: sessions.backends[Int(backend.index)].flight.bytes.count - count)
    }
    // What is on the books has been sent; only then may the client go.
    if leaves { closeClient(index) }
    if isBroken { protocolViolation(index, broken) }
    if leaves || isBroken { return count }
    // A half message may just have been completed, with every answer in already.
    if clients[index].phase == .active, !backends[Int(backend.index)].hasHalfFrame,
      sessions.isSettled(Int(backend.index))
    {
      transactionMayHaveEnded(Int(backend.index))
    }
    return offset
  }

  /// A longer Query or Parse is sent on as it comes, without being read.
  static let longestGathered = SessionEffects.longestScanned

  /// Whether the message goes on to its backend before all of it has come, as CopyData does, too.
  @inline(__always)
  func isStreamed(_ header: FrameHeader) -> Bool {
    switch header.tag {
    case FrontendTag.bind: header.length > Self.longMessage
    case FrontendTag.query, FrontendTag.parse: header.length > Self.longestGathered
    default: false  // all others are short, or streamed by their nature
    }
  }

  /// The beginning of such a message.
  private mutating func streamed(
    _ index: Int, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int
  ) -> FrameTreatment {
    let client = ClientID(index)
    let backend = BackendID(clients[index].backend)
    switch header.tag {
    case FrontendTag.bind:
      return sessions.clientStreamsBind(client, to: backend, header, in: bytes, at: offset)
    case FrontendTag.parse: return sessions.clientStreamsParse(client, to: backend, in: bytes, at: offset)
    default:  // Query
      let treatment = sessions.clientStreamsQuery(client, to: backend)
      let start = min(offset + FrameHeader.size, bytes.count)
      sessions.streamed(client, bytes.extracting(start..<bytes.count), isEnd: false, on: backend)
      return treatment
    }
  }
}
