import Glibc
import Logging
import PoolCore
import PostgresWire

// The data path, backend to client.

extension PoolLoop {
  mutating func backendReadable(_ index: Int) {
    if backends[index].phase == .encrypting { return encryptBackend(index) }
    for _ in 0..<Self.readsPerTurn {
      if backends[index].phase == .absent { return }
      if backends[index].readPaused {
        backends[index].mayRead = true
        return
      }
      backends[index].mayRead = false
      let isFull: Bool
      if backends[index].incoming.isEmpty {
        switch receive(backend: index, into: scratch) {
        case .wouldBlock: return
        case .closed: return backendEnded(index)
        case .bytes(let count):
          isFull = count == Self.scratchSize
          let generation = backends[index].generation
          let base = received
          let consumed = backendSent(index, base, count)
          guard backends[index].phase != .absent, backends[index].generation == generation else { return }
          if consumed < count { backends[index].incoming.append(base + consumed, count: count - consumed) }
        }
      } else {
        guard let room = backends[index].incoming.room(Self.scratchSize) else { return }
        switch receive(backend: index, into: room, lends: false) {
        case .wouldBlock: return
        case .closed: return backendEnded(index)
        case .bytes(let count):
          isFull = count == Self.scratchSize
          backends[index].incoming.wrote(count)
          let bytes = backends[index].incoming.bytes
          guard let base = bytes.baseAddress else { return }
          let generation = backends[index].generation
          let consumed = backendSent(index, base, bytes.count)
          guard backends[index].phase != .absent, backends[index].generation == generation else { return }
          backends[index].incoming.consume(consumed)
        }
      }
      // A short read has drained the socket; only a hang-up that came along may still wait behind it.
      if !isFull, !backends[index].hungUp { return }
    }
    readLater(backend: index)
  }

  /// Invariant: `base` covers `count` bytes until this returns. Returns how many are dealt with.
  private mutating func backendSent(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    switch backends[index].phase {
    case .serving, .recovering, .cleaning, .preparing, .listening: return forward(index, base, count)
    case .login: return backendLoginBytes(index, base, count)
    case .lookingUp:
      return lookupBytes(
        index, UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count).span)
    case .replicating: return replicateToClient(index, base, count)
    case .closing: return count
    case .absent, .connecting, .encrypting: return count
    }
  }

  /// Carries a backend's messages to its client, as far as they are for it.
  private mutating func forward(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    let backend = BackendID(index)
    let generation = backends[index].generation
    let bytes = UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count).span
    var offset = 0
    var run = 0
    out.removeAll()
    if backends[index].passthrough > 0 {
      offset = min(count, backends[index].passthrough)
      backends[index].passthrough -= offset
      if backends[index].dropsRest { run = offset }
    }
    // So much of `out` are whole answers of a pipeline, which their client gets whatever comes behind them.
    var whole = 0
    // Where the answer to a front began that is not known yet.
    var frontStart = -1
    while offset < count {
      if sessions.backends[index].awaitsFront {
        let length = knownFrontAnswer(index, base + offset, count - offset)
        if length > 0 {
          out.append(base + run, count: offset - run)
          offset += length
          run = offset
          continue
        }
        frontStart = offset
      }
      guard case .frame(let header) = FrameHeader.read(in: bytes, at: offset) else {
        if case .incomplete = FrameHeader.read(in: bytes, at: offset) { break }
        deliver(index, whole)
        backendBroke(index, "a message length that cannot be")
        return count
      }
      let isComplete = count &- offset >= header.length
      // Most messages of most answers: what a statement returns is its client's, and nobody else need know of it.
      if isComplete, Self.isContent(header.tag), sessions.isRunning(index) {
        offset = Self.endOfContent(base, offset &+ header.length, count)
        continue
      }
      let here = isComplete ? header.length : count &- offset
      var passes: Bool
      switch header.tag {
      case BackendTag.parameterStatus:
        guard isComplete else { return flushRun(index, base, run, offset) }
        passes = reported(index, bytes, offset, header.length)
      case BackendTag.notificationResponse:
        guard isComplete else { return flushRun(index, base, run, offset) }
        passes = false
        if backends[index].phase == .listening { notified(index, bytes, offset, header.length) }
      case BackendTag.readyForQuery:
        guard isComplete else { return flushRun(index, base, run, offset) }
        let status = TransactionStatus.read(in: bytes, at: offset, length: header.length)
        guard case .ready(let isForClient) = sessions.backendSent(backend, header.tag, status: status) else {
          deliver(index, whole)
          backendBroke(index, "a ReadyForQuery that nobody asked for")
          return count
        }
        backends[index].isCopyingIn = false
        backends[index].isOverdue = false
        if sessions.backends[index].mustRepeat {
          out.append(base + run, count: offset - run)
          offset += header.length
          run = offset
          flushRun(index, base, run, offset)
          repeatBatch(index)
          guard backends[index].phase != .absent, backends[index].phase != .closing else { return count }
          out.removeAll()
          whole = 0
          continue
        }
        if isForClient {
          answered(Int(backends[index].client))
          let unreported = unreported(index)
          if !unreported.isEmpty {
            out.append(base + run, count: offset - run)
            out.append(unreported)
            run = offset
          }
        }
        let isHeld = isForClient && holdsReady(index)
        if !isForClient || isHeld {
          out.append(base + run, count: offset - run)
          run = offset + header.length
        }
        offset += header.length
        // Of a pipeline, what lies here goes to the client in one piece: nothing changes hands before all is answered.
        if isForClient, !isHeld, backends[index].phase == .serving, sessions.isNextForClient(index),
          !sessions.backends[index].ledger.isDoubtful, !clients[Int(backends[index].client)].isStalled,
          clients[Int(backends[index].client)].phase == .active
        {
          out.append(base + run, count: offset - run)
          run = offset
          whole = out.count
          sessions.backends[index].flight.isAnswered = true
          continue
        }
        // The client gets all of its answer before the backend goes on to anybody else.
        flushRun(index, base, run, offset, andNoMore: true)
        run = offset
        let client = backends[index].client
        unreadRest = count - offset
        backendReady(index)
        unreadRest = 0
        if client != ClientID.none.index { endStall(Int(client)) }
        guard backends[index].phase != .absent, backends[index].phase != .closing,
          backends[index].generation == generation
        else { return count }
        out.removeAll()
        whole = 0
        continue
      default:
        if !isComplete, mustBeWhole(header.tag, index, header.length) {
          return flushRun(index, base, run, offset)
        }
        if header.tag == BackendTag.errorResponse,
          let word = lastWord(index, bytes, offset, header.length)
        {
          let isUnanswered = out.isEmpty && run == offset
          flushRun(index, base, run, offset)
          serverEnds(index, word, isUnanswered: isUnanswered)
          return count
        }
        let isStalePlan =
          header.tag == BackendTag.errorResponse && meetsStalePlan(index, bytes, offset, header.length)
        switch sessions.backendSent(backend, header.tag, status: nil) {
        case .forward, .named, .unnamedClosed: passes = true
        case .swallow:
          passes = false
          if header.tag == BackendTag.errorResponse, backends[index].phase == .preparing {
            // init_query failed: a backend without it is not what was asked for.
            let error = ErrorFields.read(in: bytes, at: offset, length: header.length)
            backendLoginFailed(index, error, error?.message ?? "init_query failed")
            return count
          }
        case .completed:
          passes = true
          completed(index, bytes, offset, header.length)
        case .prepared(_, let isForClient): passes = isForClient
        case .unprepared: passes = false
        case .frontDone:
          passes = false
          if frontStart >= 0 {
            sessions.learnFrontAnswer(on: backend, bytes.extracting(frontStart..<offset + here))
            frontStart = -1
          }
        case .described(let statement, let isForClient):
          passes = isForClient
          sessions.described(
            statement, bytes, offset, header.length, on: backend, toldClient: isForClient)
          if !isForClient, header.tag != BackendTag.parameterDescription { resumeHeld(index) }
        case .looked(let number):
          passes = false
          looked(index, number, header.tag, bytes, offset, header.length)
        case .failed where isStalePlan: passes = false
        case .failed:
          passes = true
          backends[index].isCopyingIn = false
          if backends[index].client != ClientID.none.index {
            sessions.rolledBack(ClientID(backends[index].client))
          }
          noteEnding(index, bytes, offset, header.length)
          resumeHeld(index)
          if let answer = answer(for: index, bytes, offset, header.length) {
            out.append(base + run, count: offset - run)
            out.append(answer)
            run = offset + header.length
          } else if backends[index].client != ClientID.none.index,
            let words = sessions.inWords(
              of: ClientID(backends[index].client), bytes.extracting(offset..<offset + header.length))
          {
            out.append(base + run, count: offset - run)
            out.append(words)
            run = offset + header.length
          }
        case .frontFailed:
          let error = ErrorFields.read(in: bytes, at: offset, length: header.length)
          deliver(index, whole)
          frontFailed(index, error)
          return count
        case .unasked:
          noteEnding(index, bytes, offset, header.length, isUnasked: true)
          if backends[index].phase == .serving, backends[index].client == ClientID.none.index {
            // Nobody shall borrow what is about to end.
            closeBackend(index)
            return count
          }
          passes = backends[index].client != ClientID.none.index && backends[index].phase == .serving
        case .violation, .ready:
          deliver(index, whole)
          backendBroke(index, "a message that cannot be here")
          return count
        }
        if header.tag == BackendTag.copyInResponse {
          backends[index].isCopyingIn = true
          if backends[index].phase == .recovering {
            refuseCopy(index)
            if backends[index].phase == .closing { return count }
          }
        }
      }
      if !passes {
        out.append(base + run, count: offset - run)
        run = offset + here
      }
      offset += here
      if !isComplete {
        backends[index].passthrough = header.length - here
        backends[index].dropsRest = !passes
      }
    }
    flushRun(index, base, run, offset)
    // A batch without its Sync keeps the backend as an open transaction does.
    if settings.idleTransactionTimeout > 0 || settings.transactionTimeout > 0,
      backends[index].client != ClientID.none.index
    {
      watchOpenTransaction(Int(backends[index].client), index)
    }
    return offset
  }

  /// Sends the client what is answered for good, before it is told of what went wrong behind that.
  private mutating func deliver(_ index: Int, _ whole: Int) {
    let client = backends[index].client
    guard whole > 0, client != ClientID.none.index, clients[Int(client)].phase == .active else { return }
    sendToClient(Int(client), UnsafeRawPointer(out.base), whole)
    out.removeAll()
  }

  /// How long the answer to a front is that lies here, when it is the one that is known; else 0.
  /// Invariant: `base` covers `count` bytes until this returns.
  @inline(__always)
  private mutating func knownFrontAnswer(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    sessions.backends[index].awaitsFront = false
    let answer = sessions.knownFrontAnswer(on: BackendID(index))
    guard !answer.isEmpty, answer.count <= count,
      answer.withUnsafeBytes({ raw in raw.baseAddress.map { memcmp($0, base, raw.count) == 0 } }) == true
    else { return 0 }
    sessions.frontAnswered(on: BackendID(index))
    return answer.count
  }

  /// What a statement returns between its beginning and its end.
  @inline(__always)
  private static func isContent(_ tag: UInt8) -> Bool {
    tag == BackendTag.dataRow || tag == BackendTag.rowDescription || tag == BackendTag.copyData
  }

  /// How far whole messages of ``isContent(_:)`` reach from `start`. All that a row of a large answer costs: so
  /// it reads no more than tag and length. A length that cannot be is left to whoever looks at that message next.
  ///
  /// Invariant: `base` covers `count` bytes until this returns, and `start <= count`.
  private static func endOfContent(_ base: UnsafeRawPointer, _ start: Int, _ count: Int) -> Int {
    var offset = start
    while count &- offset >= FrameHeader.size {
      guard isContent(base.load(fromByteOffset: offset, as: UInt8.self)) else { return offset }
      let word = base.loadUnaligned(fromByteOffset: offset &+ 1, as: UInt32.self)
      let length = Int(UInt32(bigEndian: word))
      guard length >= 4, length < count &- offset else { return offset }
      offset &+= length &+ 1
    }
    return offset
  }

  /// Messages that are read, not only passed on. All are short, but errors: those are taken whole where they count.
  @inline(__always)
  private func mustBeWhole(_ tag: UInt8, _ index: Int, _ length: Int) -> Bool {
    switch tag {
    case BackendTag.commandComplete, BackendTag.errorResponse: true
    case BackendTag.parameterDescription, BackendTag.rowDescription:
      sessions.isDescribing(index)
    case BackendTag.dataRow: sessions.isLooking(index) || length <= Self.longestWhole
    case BackendTag.copyData: length <= Self.longestWhole
    default: false
    }
  }

  /// Rows up to this length go on only when they have come as a whole: a client that has half a message cannot be told
  /// that its backend is lost.
  private static let longestWhole = 8_192

  /// Sends what is ready for the client: `out`, then the bytes from `run` to `offset`.
  @discardableResult
  private mutating func flushRun(
    _ index: Int, _ base: UnsafeRawPointer, _ run: Int, _ offset: Int, andNoMore: Bool = false
  ) -> Int {
    let client = backends[index].client
    guard client != ClientID.none.index, clients[Int(client)].phase == .active else { return offset }
    if !out.isEmpty || run < offset { sessions.backends[index].flight.isAnswered = true }
    if out.isEmpty {
      sendToClient(Int(client), base + run, offset - run)
    } else {
      out.append(base + run, count: offset - run)
      sendToClient(Int(client), UnsafeRawPointer(out.base), out.count)
    }
    return offset
  }

  /// A client has its ReadyForQuery. Of a pipeline, the next answer counts from here.
  @inline(__always)
  private mutating func answered(_ client: Int) {
    guard client < clients.used, clients[client].askedAt != 0 else { return }
    counters.queryTime.record(now.nanoseconds &- clients[client].askedAt)
    counters.serverTime.record(now.nanoseconds &- clients[client].sentAt)
    work[clients[client].identity].queryTime &+= now.nanoseconds &- clients[client].sentAt
    if logsSlowTransactions { noteAnswer(client) }
    clients[client].askedAt = 0
    clients[client].sentAt = now.nanoseconds
    clients[client].hasRepeated = false
  }
}
