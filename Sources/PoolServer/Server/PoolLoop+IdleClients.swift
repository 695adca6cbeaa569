import PoolCore
import PostgresWire

// What clients send who have no backend.

extension PoolLoop {
  /// Looks for a message that needs a backend: not before Query, FunctionCall, Sync or Flush has come, or the batch
  /// grows long. What comes before stays where it is.
  mutating func idleBytes(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    if clients[index].passthrough > 0 {
      // The rest of a message that is nobody's any more.
      let rest = min(count, clients[index].passthrough)
      clients[index].passthrough -= rest
      return rest
    }
    if sessions.hasDetails(index), sessions.clients[index].lost != nil {
      return lostBytes(index, base, count)
    }
    let bytes = UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count).span
    var offset = 0
    var taken = 0
    while true {
      guard case .frame(let header) = FrameHeader.read(in: bytes, at: offset) else {
        if case .malformed = FrameHeader.read(in: bytes, at: offset) {
          protocolViolation(index, tag: bytes[offset])
        }
        return taken
      }
      let isComplete = count - offset >= header.length
      guard isBelievable(header) else {
        protocolViolation(index, header)
        return count
      }
      if sessions.clients[index].isSkipping {
        // An error has ended this batch; the server would drop all up to its Sync.
        guard isComplete else {
          guard header.length > Self.longMessage else { return taken }
          clients[index].passthrough = header.length - (count - offset)
          clients[index].dropsRest = true
          return count
        }
        if header.tag == FrontendTag.sync {
          sessions.clients[index].isSkipping = false
          sendToClient(index, Self.readyIdle)
          guard clients[index].phase == .idle else { return taken }
        } else if header.tag == FrontendTag.terminate {
          closeClient(index)
          return count
        }
        offset += header.length
        taken = offset
        continue
      }
      switch header.tag {
      case FrontendTag.query, FrontendTag.functionCall, FrontendTag.flush:
        guard isComplete || header.length > Self.longestGathered else { return taken }
        return taken + borrow(index, base + taken, count - taken)
      case FrontendTag.sync:
        guard isComplete else { return taken }
        if offset == taken, header.length == FrameHeader.size {
          // A Sync by itself asks for nothing but ReadyForQuery.
          offset += header.length
          taken = offset
          sendToClient(index, Self.readyIdle)
          guard clients[index].phase == .idle else { return taken }
          continue
        }
        return taken + borrow(index, base + taken, count - taken)
      case FrontendTag.parse, FrontendTag.bind, FrontendTag.describe, FrontendTag.execute, FrontendTag.close:
        guard isComplete else {
          // What goes through as it comes needs a backend as soon as there is a buffer full of it.
          guard isStreamed(header), count - taken > Self.longMessage else { return taken }
          return taken + borrow(index, base + taken, count - taken)
        }
        offset += header.length
        if offset - taken > Self.longMessage { return taken + borrow(index, base + taken, count - taken) }
      case FrontendTag.copyData, FrontendTag.copyDone, FrontendTag.copyFail:
        // Late data of a COPY that has failed: the server would ignore it, so nobody else may get it.
        guard offset == taken else {
          guard isComplete else { return taken }
          offset += header.length
          if offset - taken > Self.longMessage { return taken + borrow(index, base + taken, count - taken) }
          continue
        }
        let here = min(header.length, count - offset)
        clients[index].passthrough = header.length - here
        clients[index].dropsRest = true
        offset += here
        taken = offset
        if clients[index].passthrough > 0 { return taken }
      case FrontendTag.terminate:
        closeClient(index)
        return count
      default:  // tags are an open set: a byte from outside
        protocolViolation(index, header)
        return count
      }
    }
  }

  /// Whether PostgreSQL takes a message of this length: all but a few kinds have at most 10,000 bytes.
  @inline(__always)
  func isBelievable(_ header: FrameHeader) -> Bool {
    if header.length <= 10_005 { return true }
    return FrontendTag.maximumWireLength(of: header.tag).map { header.length - 1 <= $0 } ?? true
  }

  /// A batch longer than this is sent on before its Sync has come.
  static let longMessage = 65_536
  private static let readyIdle: [UInt8] = [
    BackendTag.readyForQuery, 0, 0, 0, 5, TransactionStatus.idle.rawValue,
  ]

  /// The client has sent what no server can follow, and its connection ends.
  /// - Parameters:
  ///   - header: of the message; `nil` when its length is none.
  ///   - tag: its first byte where there is no header.
  mutating func protocolViolation(_ index: Int, _ header: FrameHeader? = nil, tag: UInt8? = nil) {
    counters.protocolViolations += 1
    if let tag = header?.tag ?? tag,
      FrontendTag.maximumWireLength(of: tag) == nil || tag == FrontendTag.password
    {
      // In the server's words and without a hint, as it says it.
      return loginFailed(index, "08P01", "invalid frontend message type \(tag)")
    }
    loginFailed(
      index, "08P01", "invalid message length",
      hint: "The connection is closed; nothing of the broken message was sent to the server.")
  }
}
