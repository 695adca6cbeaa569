import PostgresWire

// What a client hears whose transaction is lost: what PostgreSQL says in a transaction that has failed, without a
// backend. Only its end is carried out, and that is nothing but a word.

extension Sessions {
  /// Answers a client's messages until its lost transaction is over.
  package mutating func answerLost(_ client: ClientID, in bytes: Span<UInt8>) -> LostAnswer {
    var result = LostAnswer()
    var writer = MessageWriter(reservingCapacity: 256)
    while clients[Int(client.index)].lost != nil, result.next == .more {
      let header: FrameHeader
      switch FrameHeader.read(in: bytes, at: result.consumed) {
      case .incomplete:
        result.answer = writer.bytes
        return result
      case .malformed:
        result.next = .malformed
        result.answer = writer.bytes
        return result
      case .frame(let read): header = read
      }
      let here = bytes.count - result.consumed
      if here < header.length {
        guard header.length > Self.longestLost else { break }
        // Whatever it says, it is not done.
        if header.tag == FrontendTag.query { refuseLost(client, isQuery: true, &writer) }
        result.consumed = bytes.count
        result.next = .skip(header.length - here)
        break
      }
      let step = answerLost(client, header, bytes, result.consumed, &writer)
      result.next = step.next
      if step.isTaken { result.consumed += header.length }
    }
    if clients[Int(client.index)].lost == nil, result.next == .more { result.next = .over }
    result.answer = writer.bytes
    return result
  }

  /// A longer message is dropped as it comes.
  private static var longestLost: Int { 65_536 }

  private mutating func answerLost(
    _ client: ClientID, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int,
    _ writer: inout MessageWriter
  ) -> (next: LostAnswer.Next, isTaken: Bool) {
    let index = Int(client.index)
    if header.tag == FrontendTag.terminate { return (.terminate, true) }
    if header.tag == FrontendTag.sync {
      clients[index].isSkipping = false
      let hasEnded = clients[index].lost?.hasEnded == true
      clients[index].lost?.portals = []
      if hasEnded { clients[index].lost = nil }
      writer.readyForQuery(hasEnded ? .idle : .failed)
      return (.more, true)
    }
    if clients[index].isSkipping { return (.more, true) }
    // Behind its end, in the same batch: a backend's, as all that follows.
    if clients[index].lost?.hasEnded == true, header.tag != FrontendTag.flush, header.tag != FrontendTag.close
    {
      clients[index].lost = nil
      return (.over, false)
    }
    switch header.tag {
    case FrontendTag.query:
      guard let view = QueryView.read(in: bytes, at: offset, length: header.length) else {
        refuseLost(client, isQuery: true, &writer)
        return (.more, true)
      }
      return queryLost(
        client, TransactionReading.read(bytes.extracting(view.textStart..<view.textEnd)), &writer)
    case FrontendTag.functionCall: refuseLost(client, isQuery: true, &writer)
    case FrontendTag.parse: return parseLost(client, header, bytes, offset, &writer)
    case FrontendTag.bind: return bindLost(client, header, bytes, offset, &writer)
    case FrontendTag.describe: describeLost(client, header, bytes, offset, &writer)
    case FrontendTag.execute: executeLost(client, header, bytes, offset, &writer)
    case FrontendTag.close:
      if let view = TargetView.read(in: bytes, at: offset, length: header.length), view.isStatement {
        closeLost(client, bytes.extracting(view.nameStart..<view.nameEnd))
      }
      writer.closeComplete()
    case FrontendTag.flush, FrontendTag.copyData, FrontendTag.copyDone, FrontendTag.copyFail: break
    default: return (.malformed, true)  // tags are an open set: a byte from outside
    }
    return (.more, true)
  }

  private mutating func queryLost(
    _ client: ClientID, _ reading: TransactionReading, _ writer: inout MessageWriter
  ) -> (next: LostAnswer.Next, isTaken: Bool) {
    let index = Int(client.index)
    if reading.isEmpty {
      writer.emptyQueryResponse()
      writer.readyForQuery(.failed)
      return (.more, true)
    }
    // A COMMIT that has heard nothing yet must not look as if it had been one.
    if reading.first == .commits, let news = clients[index].lost?.news {
      clients[index].lost = nil
      writer.raw(news)
      writer.readyForQuery(.idle)
      return (.over, true)
    }
    if reading.isOnlyEnd {
      clients[index].lost = nil
      writer.commandComplete(tag: "ROLLBACK")
      writer.readyForQuery(.idle)
      return (.over, true)
    }
    if reading.first.ends || beginsAnew(client, reading) {
      // The rest of it needs a backend; there ROLLBACK is no more than a warning.
      clients[index].lost = nil
      return (.over, false)
    }
    refuseLost(client, isQuery: true, &writer)
    return (.more, true)
  }

  private func beginsAnew(_ client: ClientID, _ reading: TransactionReading) -> Bool {
    clients[Int(client.index)].lost?.mayBeginAnew == true && reading.first == .begins
  }

  private mutating func parseLost(
    _ client: ClientID, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int,
    _ writer: inout MessageWriter
  ) -> (next: LostAnswer.Next, isTaken: Bool) {
    let index = Int(client.index)
    guard let view = ParseView.read(in: bytes, at: offset, length: header.length) else {
      refuseLost(client, isQuery: false, &writer)
      return (.more, true)
    }
    let reading = TransactionReading.read(bytes.extracting(view.queryStart..<view.queryEnd))
    if beginsAnew(client, reading), clients[index].lost?.portals.isEmpty == true {
      clients[index].lost = nil
      return (.over, false)
    }
    guard reading.isOnlyEnd || reading.isEmpty else {
      refuseLost(client, isQuery: false, &writer)
      return (.more, true)
    }
    let name = bytes.extracting(view.nameStart..<min(view.nameEnd, view.nameStart + 63))
    if !name.isEmpty, names.statement(client, named: name) != nil {
      failLost(
        client, "42P05",
        "prepared statement \"\(copiedText(in: name, from: 0, to: name.count))\" already exists", &writer)
      return (.more, true)
    }
    let statement = statements.retain(view, in: bytes, reading: clients[index].reading)
    if name.isEmpty {
      setUnnamed(client, statement)
    } else if let old = names.define(client, name: name, statement) {
      statements.release(old)
    }
    writer.parseComplete()
    return (.more, true)
  }

  private mutating func bindLost(
    _ client: ClientID, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int,
    _ writer: inout MessageWriter
  ) -> (next: LostAnswer.Next, isTaken: Bool) {
    guard let view = BindView.read(in: bytes, at: offset, length: header.length) else {
      refuseLost(client, isQuery: false, &writer)
      return (.more, true)
    }
    let name = bytes.extracting(view.statementStart..<min(view.statementEnd, view.statementStart + 63))
    guard let reading = readStatement(client, name) else {
      unknownLost(client, name, &writer)
      return (.more, true)
    }
    if beginsAnew(client, reading), clients[Int(client.index)].lost?.portals.isEmpty == true {
      clients[Int(client.index)].lost = nil
      return (.over, false)
    }
    guard reading.isOnlyEnd || reading.isEmpty else {
      refuseLost(client, isQuery: false, &writer)
      return (.more, true)
    }
    let portal = copiedBytes(in: bytes, from: view.portalStart, to: view.portalEnd)
    clients[Int(client.index)].lost?.portals.removeAll { $0.name == portal }
    clients[Int(client.index)].lost?.portals.append(LostTransaction.Portal(name: portal, reading: reading))
    writer.bindComplete()
    return (.more, true)
  }

  private mutating func describeLost(
    _ client: ClientID, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int,
    _ writer: inout MessageWriter
  ) {
    guard let view = TargetView.read(in: bytes, at: offset, length: header.length) else {
      return refuseLost(client, isQuery: false, &writer)
    }
    let name = bytes.extracting(view.nameStart..<view.nameEnd)
    guard view.isStatement else {
      return portal(client, name) == nil ? noPortal(client, name, &writer) : writer.noData()
    }
    guard let reading = readStatement(client, name) else { return unknownLost(client, name, &writer) }
    guard reading.isOnlyEnd || reading.isEmpty else { return refuseLost(client, isQuery: false, &writer) }
    writer.parameterDescription(types: [])
    writer.noData()
  }

  private mutating func executeLost(
    _ client: ClientID, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int,
    _ writer: inout MessageWriter
  ) {
    guard let view = ExecuteView.read(in: bytes, at: offset, length: header.length) else {
      return refuseLost(client, isQuery: false, &writer)
    }
    let name = bytes.extracting(view.portalStart..<view.portalEnd)
    guard let reading = portal(client, name) else { return noPortal(client, name, &writer) }
    if reading.isEmpty { return writer.emptyQueryResponse() }
    clients[Int(client.index)].lost?.hasEnded = true
    if reading.first == .commits, clients[Int(client.index)].lost?.news != nil {
      return refuseLost(client, isQuery: false, &writer)
    }
    writer.commandComplete(tag: "ROLLBACK")
  }

  private func portal(_ client: ClientID, _ name: Span<UInt8>) -> TransactionReading? {
    let name = copiedBytes(in: name, from: 0, to: name.count)
    return clients[Int(client.index)].lost?.portals.first { $0.name == name }?.reading
  }

  private mutating func closeLost(_ client: ClientID, _ name: Span<UInt8>) {
    if name.isEmpty {
      setUnnamed(client, .none)
    } else if let old = names.close(client, name: name) {
      statements.release(old)
    }
  }

  // MARK: Refusals

  /// The news, once; then what PostgreSQL says of everything in a failed transaction.
  private mutating func refuseLost(_ client: ClientID, isQuery: Bool, _ writer: inout MessageWriter) {
    if let news = clients[Int(client.index)].lost?.news {
      clients[Int(client.index)].lost?.news = nil
      writer.raw(news)
    } else {
      writer.errorResponse(Self.abortedTransaction)
    }
    if isQuery { writer.readyForQuery(.failed) } else { clients[Int(client.index)].isSkipping = true }
  }

  /// PostgreSQL's own words (`exec_simple_query`).
  private static let abortedTransaction = ErrorFields(
    severity: .error, sqlState: "25P02",
    message: "current transaction is aborted, commands ignored until end of transaction block")

  private mutating func failLost(
    _ client: ClientID, _ sqlState: String, _ message: String, _ writer: inout MessageWriter
  ) {
    writer.errorResponse(ErrorFields(severity: .error, sqlState: sqlState, message: message))
    clients[Int(client.index)].isSkipping = true
  }

  private mutating func unknownLost(_ client: ClientID, _ name: Span<UInt8>, _ writer: inout MessageWriter) {
    failLost(
      client, "26000",
      name.isEmpty
        ? "unnamed prepared statement does not exist"
        : "prepared statement \"\(copiedText(in: name, from: 0, to: name.count))\" does not exist", &writer)
  }

  private mutating func noPortal(_ client: ClientID, _ name: Span<UInt8>, _ writer: inout MessageWriter) {
    failLost(
      client, "34000", "portal \"\(copiedText(in: name, from: 0, to: name.count))\" does not exist", &writer)
  }

  // MARK: Reading

  /// What a statement of the client's does to its transaction; `nil` when it has none of that name.
  func readStatement(_ client: ClientID, _ name: Span<UInt8>) -> TransactionReading? {
    let unnamed = names.unnamed(client)
    let statement =
      name.isEmpty ? (unnamed == .none ? nil : unnamed) : names.statement(client, named: name)
    guard let statement else { return nil }
    let tail = statements.text(of: statement)
    return TransactionReading.read(tail.span.extracting(0..<(tail.firstIndex(of: 0) ?? tail.count)))
  }
}
