package import PostgresWire

// A backend is gone while a client had it. What is the client told, and where does that leave it?

/// What became of a client whose backend is lost.
package struct Loss: Equatable, Sendable {
  /// What the client is sent at once.
  package var answer: [UInt8] = []
}

extension Sessions {
  /// Whether a client that loses its backend can go on: not when state is gone that it counts on.
  /// - Parameter isPinned: the client has kept the backend since before its running transaction.
  package func survivesLoss(_ client: ClientID, isPinned: Bool) -> Bool {
    let session = clients[Int(client.index)]
    if session.keepsBackend { return false }
    guard isPinned else { return true }
    // Without them currval and lastval fail, which says it all.
    var pins = session.pins
    pins.remove(.sequenceMemory)
    return pins.isEmpty
  }

  /// The client's flight may be sent again: nothing of it has been carried out, and it is one plain statement. Asked
  /// before the books know of the backend's last word.
  package func mayRepeat(_ client: ClientID, on backend: BackendID) -> Bool {
    let flight = backends[Int(backend.index)].flight
    guard !flight.isAnswered, backends[Int(backend.index)].ledger.status == .idle,
      let units = flight.units, units.closed.count == 1, units.open.isEmpty
    else { return false }
    return isRepeatable(client, flight.bytes.span)
  }

  /// What must be sent again; the client has nothing under way any more.
  package mutating func takeFlight(_ client: ClientID, on backend: BackendID) -> [UInt8] {
    let bytes = backends[Int(backend.index)].flight.bytes
    abandon(client, backend)
    return bytes
  }

  /// The backend is gone. The client is told as PostgreSQL tells of an error: once, and of its transaction's end.
  /// - Parameters:
  ///   - error: what it is told.
  ///   - mustTell: the server has said that it ends, which the client has not seen.
  package mutating func lose(
    _ client: ClientID, on backend: BackendID, _ error: ErrorFields, mustTell: Bool
  ) -> Loss {
    let ledger = backends[Int(backend.index)].ledger
    let flight = backends[Int(backend.index)].flight
    let owed = ledger.clientReadiesOwed
    let ranges = flight.units
    let closed = ranges.map { Array($0.closed.suffix(owed)) } ?? []
    // Read before the books forget what its names stand for.
    let steps = closed.map { step(of: client, flight.bytes.span.extracting($0)) }
    let openStep =
      ranges.map { step(of: client, flight.bytes.span.extracting($0.open)) } ?? TransactionReading.Step.none
    // A Query that was skipped has no Sync behind it.
    let isOpen = ledger.isBatchOpen && ranges.map { !$0.open.isEmpty } ?? true
    let wasSkipping = ledger.isSkipping
    abandon(client, backend)

    var writer = MessageWriter(reservingCapacity: 256)
    writer.errorResponse(error)
    let news = writer.bytes
    var loss = Loss()
    var status = ledger.status
    for number in 0..<owed {
      let step = number < steps.count ? steps[number] : .none
      if clients[Int(client.index)].lost != nil {
        if number < closed.count {
          // What was sent behind what is lost hears what it would hear now.
          loss.answer += answerLost(client, in: flight.bytes.span.extracting(closed[number])).answer
        } else {
          loss.answer += news
          loss.answer += Self.ready(.failed)
        }
        if clients[Int(client.index)].lost == nil { status = .idle }
        continue
      }
      loss.answer += news
      status = self.status(status, after: step)
      if status == .idle {
        loss.answer += Self.ready(.idle)
      } else {
        clients[Int(client.index)].lost = LostTransaction(
          mayBeginAnew: ledger.status == .idle || step == .begins)
        loss.answer += Self.ready(.failed)
      }
    }
    if isOpen {
      // Its Sync is still to come.
      if owed == 0, mustTell || !wasSkipping { loss.answer += news }
      clients[Int(client.index)].isSkipping = true
      status = self.status(status, after: openStep)
      if status != .idle, clients[Int(client.index)].lost == nil {
        clients[Int(client.index)].lost = LostTransaction(mayBeginAnew: ledger.status == .idle)
      }
    } else if owed == 0, status != .idle {
      // It asks for nothing at the moment. In a failed transaction it knows already.
      clients[Int(client.index)].lost = LostTransaction(news: status == .failed ? nil : news)
    }
    return loss
  }

  /// Where a unit of a client's that was never carried out would have left it.
  package func step(of client: ClientID, _ unit: Span<UInt8>) -> TransactionReading.Step {
    var step = TransactionReading.Step.none
    var parsed: [[UInt8]: TransactionReading] = [:]
    var portals: [[UInt8]: TransactionReading] = [:]
    var offset = 0
    while case .frame(let header) = FrameHeader.read(in: unit, at: offset),
      offset + header.length <= unit.count
    {
      switch header.tag {
      case FrontendTag.query:
        guard let view = QueryView.read(in: unit, at: offset, length: header.length) else { break }
        let last = TransactionReading.read(unit.extracting(view.textStart..<view.textEnd)).last
        if last != .none { step = last }
      case FrontendTag.parse:
        guard let view = ParseView.read(in: unit, at: offset, length: header.length) else { break }
        parsed[copiedBytes(in: unit, from: view.nameStart, to: view.nameEnd)] = TransactionReading.read(
          unit.extracting(view.queryStart..<view.queryEnd))
      case FrontendTag.bind:
        guard let view = BindView.read(in: unit, at: offset, length: header.length) else { break }
        let name = copiedBytes(in: unit, from: view.statementStart, to: view.statementEnd)
        portals[copiedBytes(in: unit, from: view.portalStart, to: view.portalEnd)] =
          parsed[name] ?? readStatement(client, name.span)
      case FrontendTag.execute:
        guard let view = ExecuteView.read(in: unit, at: offset, length: header.length) else { break }
        let portal = copiedBytes(in: unit, from: view.portalStart, to: view.portalEnd)
        if let last = portals[portal]?.last, last != .none { step = last }
      default: break  // nothing else moves a transaction
      }
      offset += header.length
    }
    return step
  }

  /// One plain statement, by Query, or by one Execute.
  private func isRepeatable(_ client: ClientID, _ unit: Span<UInt8>) -> Bool {
    var parsed: [[UInt8]: TransactionReading] = [:]
    var bound: TransactionReading?
    var executes = 0
    var offset = 0
    while case .frame(let header) = FrameHeader.read(in: unit, at: offset),
      offset + header.length <= unit.count
    {
      switch header.tag {
      case FrontendTag.query:
        guard offset == 0, let view = QueryView.read(in: unit, at: offset, length: header.length) else {
          return false
        }
        return TransactionReading.read(unit.extracting(view.textStart..<view.textEnd)).isRepeatable
      case FrontendTag.parse:
        guard let view = ParseView.read(in: unit, at: offset, length: header.length) else { return false }
        parsed[copiedBytes(in: unit, from: view.nameStart, to: view.nameEnd)] = TransactionReading.read(
          unit.extracting(view.queryStart..<view.queryEnd))
      case FrontendTag.bind:
        guard bound == nil, let view = BindView.read(in: unit, at: offset, length: header.length) else {
          return false
        }
        let name = copiedBytes(in: unit, from: view.statementStart, to: view.statementEnd)
        bound = parsed[name] ?? readStatement(client, name.span)
      case FrontendTag.execute: executes += 1
      case FrontendTag.describe, FrontendTag.sync: break
      default: return false  // whatever else it is, it is not plain
      }
      offset += header.length
    }
    return executes == 1 && bound?.isRepeatable == true
  }

  private func status(
    _ status: TransactionStatus, after step: TransactionReading.Step
  ) -> TransactionStatus {
    switch step {
    case .none: status
    case .begins: .inTransaction
    case .commits, .rollsBack: .idle
    }
  }

  /// All that was under way to the backend is void, and what the client has named by it is not named.
  private mutating func abandon(_ client: ClientID, _ backend: BackendID) {
    let index = Int(backend.index)
    backends[index].owner = client
    backends[index].ledger.abandon()
    undo(backends[index].ledger.takeDropped(), hasFailedParse: false, on: backend)
    for gone in clients[Int(client.index)].deallocated {
      let (name, statement) = (gone.name, gone.statement)
      // The DEALLOCATE has not told; what it named stands until one has.
      if names.statement(client, named: name.span) == nil {
        if let old = names.define(client, name: name.span, statement) { statements.release(old) }
      } else {
        statements.release(statement)
      }
    }
    clients[Int(client.index)].deallocated = []
    clients[Int(client.index)].toTell = []
    backendLost(client)
    backends[index].flight.begin()
  }

  private static func ready(_ status: TransactionStatus) -> [UInt8] {
    [BackendTag.readyForQuery, 0, 0, 0, 5, status.rawValue]
  }
}
