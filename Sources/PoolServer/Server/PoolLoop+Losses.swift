import Logging
import PoolCore
import PostgresWire

// A backend that is lost while a client has it. The client's connection stays: what is certain not to have been
// carried out is sent to another backend, of all else the client is told, once.

extension PoolLoop {
  /// A client's messages within a transaction that is lost. Returns how many bytes are dealt with.
  mutating func lostBytes(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    let bytes = UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count).span
    let result = sessions.answerLost(ClientID(index), in: bytes)
    let generation = clients[index].generation
    sendToClient(index, result.answer)
    guard clients[index].phase == .idle, clients[index].generation == generation else {
      return result.consumed
    }
    switch result.next {
    case .more: return result.consumed
    case .over: return result.consumed > 0 ? result.consumed : idleBytes(index, base, count)
    case .skip(let rest):
      clients[index].passthrough = rest
      clients[index].dropsRest = true
    case .terminate:
      closeClient(index)
      return count
    case .malformed:
      protocolViolation(index)
      return count
    }
    return result.consumed
  }

  /// The error with which the server ends a connection whose client can go on without it; `nil` for any other. What
  /// the client has brought on itself (08P01: a broken protocol; 25P03: a limit of its own) ends it as it does directly.
  func lastWord(_ index: Int, _ bytes: Span<UInt8>, _ offset: Int, _ length: Int) -> ErrorFields? {
    guard backends[index].phase == .serving, backends[index].client != ClientID.none.index,
      let error = ErrorFields.read(in: bytes, at: offset, length: length), error.isFatal,
      Self.leavingClasses.contains(where: { error.sqlState.hasPrefix($0) })
    else { return nil }
    return mayGoOn(Int(backends[index].client), index) ? error : nil
  }

  /// SQLSTATE classes of a server that ends a connection for reasons of its own: told to, in conflict with recovery,
  /// out of something, in trouble.
  private static var leavingClasses: [String] { ["57", "40", "53", "58", "XX"] }

  private func mayGoOn(_ client: Int, _ backend: Int) -> Bool {
    switch clients[client].phase {
    case .checking: return !clients[client].hasRepeated
    case .active: break
    case .absent, .startup, .authenticating, .idle, .waiting, .replicating, .console, .closing: return false
    }
    // Half a message can neither be ended nor taken back.
    if backends[backend].passthrough > 0, !backends[backend].dropsRest { return false }
    return !backends[backend].isDying && !clients[client].holdsReady
      && sessions.survivesLoss(ClientID(client), isPinned: clients[client].isPinned)
  }

  /// The server has said that it ends the connection.
  /// - Parameter isUnanswered: nothing of what is under way was answered by what has just come.
  mutating func serverEnds(_ index: Int, _ word: ErrorFields, isUnanswered: Bool) {
    let client = Int(backends[index].client)
    server.lastError = word.message
    if clients[client].phase == .checking { return checkElsewhere(client, index) }
    let flight = sessions.backends[index].flight
    let isUntouched = isUnanswered && !flight.isAnswered && !clients[client].hasRepeated
    let isCertain =
      sessions.backends[index].ledger.isInFront && flight.isWhole && !flight.bytes.isEmpty
      || Self.leavesNothing(word.sqlState) && sessions.mayRepeat(ClientID(client), on: BackendID(index))
    if isUntouched, isCertain, !drain.hasStoppedListening {
      return repeatElsewhere(client, index, word.message)
    }
    lose(client, index, because: word.message, isTold: false)
    closeBackend(index)
  }

  /// The server ends such a connection where it waits, or where it has rolled back what it was at.
  private static func leavesNothing(_ sqlState: String) -> Bool { sqlState == "57P01" || sqlState == "57P05" }

  /// A cancel has come late, and hit what was put in front of a client's bytes: they are sent to another backend.
  mutating func meetsLateCancel(_ index: Int, _ error: ErrorFields) -> Bool {
    guard error.sqlState == "57014", backends[index].phase == .serving,
      backends[index].client != ClientID.none.index
    else { return false }
    let client = Int(backends[index].client)
    let flight = sessions.backends[index].flight
    guard clients[client].phase == .active, !clients[client].hasRepeated, flight.isWhole,
      !flight.bytes.isEmpty, !flight.isAnswered
    else { return false }
    repeatElsewhere(client, index, error.message)
    return true
  }

  /// The connection has ended, or is not understood any more: its client goes on without it, if it can.
  mutating func partFromLost(_ index: Int) {
    guard backends[index].phase == .serving, backends[index].client != ClientID.none.index else { return }
    let client = Int(backends[index].client)
    guard mayGoOn(client, index) else { return }
    if clients[client].phase == .checking { return checkElsewhere(client, index) }
    lose(client, index, because: "the server closed the connection unexpectedly", isTold: true)
  }

  private mutating func lose(_ client: Int, _ index: Int, because reason: String, isTold: Bool) {
    let wasOpen = sessions.backends[index].ledger.status != .idle
    lose(
      client, index,
      ErrorFields(
        severity: .error, sqlState: "08006", message: "the connection to the server was lost: \(reason)",
        detail: wasOpen
          ? "The transaction has ended without a COMMIT, unless one was under way."
          : "Whether what was under way was carried out is not known.",
        hint: wasOpen ? "Send ROLLBACK, then repeat the transaction." : "Look before you repeat it."),
      because: reason, isTold: isTold)
  }

  /// The client parts from its backend, and with it from its transaction. The backend is for the caller to close.
  mutating func lose(
    _ client: Int, _ index: Int, _ error: ErrorFields, because reason: String, isTold: Bool
  ) {
    let loss = sessions.lose(ClientID(client), on: BackendID(index), error, mustTell: !isTold)
    counters.losses += 1
    logger.info(
      "a client has lost its backend: \(reason)", metadata: ["pid": "\(backends[index].processID)"])
    part(client, index)
    sendToClient(client, loss.answer)
    guard clients[client].phase == .active else { return }
    becomeIdle(client)
    if clients[client].phase != .absent { lookAgain(client) }
  }

  /// What the client has asked goes to another backend, in front of what it has sent since.
  private mutating func repeatElsewhere(_ client: Int, _ index: Int, _ reason: String) {
    logger.info(
      "a query is sent again to another backend: \(reason)",
      metadata: ["pid": "\(backends[index].processID)"])
    let flight = sessions.takeFlight(ClientID(client), on: BackendID(index))
    part(client, index)
    closeBackend(index)
    counters.repeats += 1
    clients[client].hasRepeated = true
    clients[client].phase = .idle
    clients[client].incoming.prepend(flight)
    lookAgain(client)
  }

  /// A client's settings are tried on another backend.
  private mutating func checkElsewhere(_ client: Int, _ index: Int) {
    _ = sessions.takeFlight(ClientID(client), on: BackendID(index))
    part(client, index)
    closeBackend(index)
    clients[client].hasRepeated = true
    borrowToCheck(client, IdentityID(clients[client].identity))
  }

  /// Client and backend have nothing to do with each other any more.
  private mutating func part(_ client: Int, _ index: Int) {
    backends[index].client = ClientID.none.index
    backends[index].readPaused = false
    pool.borrowerLeft(BackendID(index))
    clients[client].backend = BackendID.none.index
    clients[client].blockedByBackend = false
    clients[client].awaitsDescription = false
    clients[client].isPinned = false
    clients[client].since = 0
    clientTimers.cancel(client)
    if clients[client].passthrough > 0 { clients[client].dropsRest = true }
  }
}
