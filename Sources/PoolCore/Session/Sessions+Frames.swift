package import PostgresWire

// What becomes of each message on its way from a client to the backend that it holds.

extension Sessions {
  /// The smallest part of a frame that must be there before it can be treated; `nil`: all of it.
  /// Long data streams through; what names something or is read for its effects is taken whole.
  package static func streams(_ tag: UInt8) -> Bool {
    switch tag {
    case FrontendTag.copyData, FrontendTag.functionCall: true
    default: false
    }
  }

  /// A frame from the client, complete (or, where ``streams(_:)`` says so, its header), is about to be sent.
  package mutating func clientSends(
    _ client: ClientID, to backend: BackendID, _ header: FrameHeader, in bytes: Span<UInt8>, at offset: Int
  ) -> FrameTreatment {
    let index = Int(backend.index)
    if clients[Int(client.index)].isSkipping {
      // Ours: the batch failed before it reached a backend.
      guard header.tag == FrontendTag.sync else { return .drop }
      clients[Int(client.index)].isSkipping = false
    }
    if backends[index].ledger.isSkipping, Self.isSkipped(header.tag) { return .drop }
    switch header.tag {
    case FrontendTag.query: return query(client, backend, header, bytes, offset)
    case FrontendTag.parse: return parse(client, backend, header, bytes, offset)
    case FrontendTag.bind: return bind(client, backend, header, bytes, offset)
    case FrontendTag.describe: return describe(client, backend, header, bytes, offset)
    case FrontendTag.close: return close(client, backend, header, bytes, offset)
    case FrontendTag.execute:
      backends[index].ledger.sent(Expectation(.execute))
      return .forward
    case FrontendTag.sync:
      backends[index].ledger.sent(Expectation(.sync))
      backends[index].statements.batchEnded()
      return .forward
    case FrontendTag.flush: return header.length == FrameHeader.size ? .forward : unreadable(backend)
    case FrontendTag.functionCall:
      backends[index].isDirty = true
      backends[index].ledger.sent(Expectation(.functionCall))
      return .forward
    case FrontendTag.copyData:
      // Data that comes after its COPY has failed is nobody's.
      return backends[index].ledger.owesNothing ? .drop : .forward
    case FrontendTag.copyDone, FrontendTag.copyFail:
      if backends[index].ledger.owesNothing { return .drop }
      backends[index].ledger.sent(Expectation(.copyEnd))
      return .forward
    default: return .malformed
    }
  }

  /// Whether nobody will read the frame: an error before it ended its batch.
  package func isSkipped(_ tag: UInt8, _ client: ClientID, on backend: BackendID) -> Bool {
    if tag == FrontendTag.sync { return false }
    return clients[Int(client.index)].isSkipping
      || (backends[Int(backend.index)].ledger.isSkipping && Self.isSkipped(tag))
  }

  /// What the server reads and drops between an error and the Sync behind it (`ignore_till_sync`). Sending it would
  /// only put names and settings on the books that the server never hears of.
  private static func isSkipped(_ tag: UInt8) -> Bool {
    switch tag {
    case FrontendTag.query, FrontendTag.functionCall, FrontendTag.parse, FrontendTag.bind,
      FrontendTag.describe,
      FrontendTag.execute, FrontendTag.close, FrontendTag.flush, FrontendTag.copyData, FrontendTag.copyDone,
      FrontendTag.copyFail:
      true
    default: false  // tags are an open set: a byte from outside
    }
  }

  private mutating func query(
    _ client: ClientID, _ backend: BackendID, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int
  ) -> FrameTreatment {
    guard let view = QueryView.read(in: bytes, at: offset, length: header.length) else {
      backends[Int(backend.index)].ledger.sent(Expectation(.query))
      return .forward
    }
    let text = bytes.extracting(view.textStart..<view.textEnd)
    switch PlainText.look(text) {
    case .plain:
      backends[Int(backend.index)].ledger.sent(replaceUnnamed(client, on: backend))
      return .forward
    case .insert:
      backends[Int(backend.index)].isDirty = true
      clients[Int(client.index)].usesSequences = true
      backends[Int(backend.index)].ledger.sent(replaceUnnamed(client, on: backend))
      return .forward
    case .unknown: break
    }
    let effects = SessionEffects.scan(text)
    for name in effects.names where isUncertain(name.span, of: client, on: backend) { return .stall }
    if effects.listsStatements, isListUncertain(client, on: backend) { return .stall }
    if effects.mayLeaveState || !effects.isEmpty { backends[Int(backend.index)].isDirty = true }
    if effects.usesSequences { clients[Int(client.index)].usesSequences = true }
    let query = replaceUnnamed(client, on: backend)
    if !effects.isEmpty {
      beginRewriting()
      let refusal = refusal(client, effects)
      if refusal == nil {
        if effects.listsChannels { listenAgain(client, on: backend) }
        if !effects.names.isEmpty || effects.listsStatements { callNames(client, effects, on: backend) }
        note(client, effects, text: text)
      }
      backends[Int(backend.index)].ledger.sent(query)
      if let refusal {
        append(refusal, isQuery: true)
        return .replace
      }
      return finish(rewrittenThen: bytes, offset, header.length)
    }
    backends[Int(backend.index)].ledger.sent(query)
    return .forward
  }

  /// A simple Query drops the unnamed statement (exec_simple_query), unless an error before it makes the server skip it.
  /// Answers what the ledger must note of it.
  private mutating func replaceUnnamed(_ client: ClientID, on backend: BackendID) -> Expectation {
    let isCertain =
      clients[Int(client.index)].unnamedSent.isEmpty && !backends[Int(backend.index)].ledger.isWithinBatch
    if isCertain {
      forgetUnnamed(client)
    } else {
      unnamedParseSent(client, .none)
      backends[Int(backend.index)].statements.unnamedSent()
    }
    setUnnamed(client, .none)
    setUnnamed(.none, of: client, on: backend)
    return Expectation(.query, isCertain ? 0 : 1)
  }

  private mutating func parse(
    _ client: ClientID, _ backend: BackendID, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int
  ) -> FrameTreatment {
    guard let view = ParseView.read(in: bytes, at: offset, length: header.length) else {
      return unreadable(backend)
    }
    let index = Int(backend.index)
    if statements.byteCount + header.length > mostStatementBytes,
      statements.find(view, in: bytes, reading: clients[Int(client.index)].reading) == nil
    {
      beginRewriting()
      append(.memory, isQuery: false, on: backend)
      return .replace
    }
    if view.nameStart < view.nameEnd,
      isUncertain(
        bytes.extracting(view.nameStart..<nameEnd(from: view.nameStart, to: view.nameEnd)), of: client,
        on: backend)
    {
      return .stall
    }
    let statement = statements.retain(view, in: bytes, reading: clients[Int(client.index)].reading)
    if view.nameStart == view.nameEnd {
      unnamedParseSent(client, statement)
      setUnnamed(client, statement)
      setUnnamed(statement, of: client, on: backend)
      beginRewriting()
      listenAgain(client, for: statement, on: backend)
      installCalled(by: statement, of: client, on: backend)
      backends[index].statements.unnamedSent()
      backends[index].ledger.sent(Expectation(.parse, StatementID.none.index))
      return finish(rewrittenThen: bytes, offset, header.length)
    }
    beginRewriting()
    let name = bytes.extracting(view.nameStart..<nameEnd(from: view.nameStart, to: view.nameEnd))
    if let existing = known(client, name, on: backend) {
      if backends[index].ledger.owesReady, !backends[index].ledger.isCopyingIn {
        statements.release(statement)
        return .stall
      }
      // The server refuses a second Parse of a name, for its text or else with 42P05; so it shall, once it has the
      // first under that name.
      statements.release(statement)
      if backends[index].ledger.status != .failed, !isReserved(name) {
        install(copiedBytes(in: name, from: 0, to: name.count), of: client, on: backend)
        backends[index].ledger.sent(Expectation(.duplicateParse))
        return finish(rewrittenThen: bytes, offset, header.length)
      }
      // In a failed transaction no text but ROLLBACK's gets so far.
      prepareIfMissing(existing, for: client, on: backend)
      rewritten.append(FrontendTag.parse)
      let lengthAt = rewritten.count
      appendInt32(0, to: &rewritten)
      appendBackendName(of: existing, to: &rewritten)
      append(bytes, from: view.queryStart, to: view.frameEnd)
      patchLength(at: lengthAt, in: &rewritten)
      // Expected to fail, so it changes no books: counted like a Bind, which is answered or skipped alike.
      backends[index].ledger.sent(Expectation(.duplicateParse))
      return .replace
    }
    if clients[Int(client.index)].prepared[copiedBytes(in: name, from: 0, to: name.count)] != nil {
      // One of SQL-level PREPARE has the name: the server refuses, in its own words.
      statements.release(statement)
      install(copiedBytes(in: name, from: 0, to: name.count), of: client, on: backend)
      backends[index].ledger.sent(Expectation(.duplicateParse))
      return finish(rewrittenThen: bytes, offset, header.length)
    }
    giveName(name, to: statement, of: client, on: backend)
    if mayHaveNames(client), !isReserved(name) {
      // What SQL's PREPARE has made is not known yet. Under the client's own name the server decides; then the
      // statement moves to the pool's.
      append(bytes, from: offset, to: offset + header.length)
      backends[index].ledger.sent(Expectation(.probeParse, statement.index))
      var writer = MessageWriter(reservingCapacity: 80)
      Front.appendClose(copiedBytes(in: name, from: 0, to: name.count), to: &writer)
      rewritten.append(contentsOf: writer.bytes)
      backends[index].ledger.sent(Expectation(.hiddenClose, StatementID.none.index))
      backends[index].statements.unnamedSent()
      if backends[index].statements.has(statement) { sendClose(statement, on: backend) }
      sendParse(statement, on: backend, hidden: true, isOwn: true)
      return .replace
    }
    listenAgain(client, for: statement, on: backend)
    // Parsed anew even when another client's Parse made it: what it stands for is decided now, as it is directly.
    if backends[index].statements.has(statement) { sendClose(statement, on: backend) }
    sendParse(statement, on: backend, hidden: false, isOwn: true)
    return .replace
  }

  /// The statement that the client calls so. It means what it meant when it was parsed; where it is not known how
  /// texts were read then, or are now, it is parsed anew as they are read now, and shared with nobody else.
  private mutating func known(
    _ client: ClientID, _ name: Span<UInt8>, on backend: BackendID
  ) -> StatementID? {
    guard let statement = names.statement(client, named: name) else { return nil }
    // While its own Parse is on its way, that decides whether the name stands for anything.
    if backends[Int(backend.index)].statements.isPending(statement) { return statement }
    let reading = clients[Int(client.index)].reading
    let own = statements.reading(of: statement)
    if own == reading || (readings.settings(of: own) != nil && readings.settings(of: reading) != nil) {
      return statement
    }
    let current = statements.retain(statement, reading: reading)
    if let old = names.define(client, name: name, current) { statements.release(old) }
    return current
  }

  private mutating func bind(
    _ client: ClientID, _ backend: BackendID, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int
  ) -> FrameTreatment {
    guard let view = BindView.read(in: bytes, at: offset, length: header.length) else {
      return unreadable(backend)
    }
    return bind(client, backend, view, length: header.length, bytes, offset)
  }

  /// - Parameters:
  ///   - view: of the frame's beginning at least, up to where its parameters begin.
  ///   - length: of the whole frame.
  mutating func bind(
    _ client: ClientID, _ backend: BackendID, _ view: BindView, length: Int, _ bytes: Span<UInt8>,
    _ offset: Int
  ) -> FrameTreatment {
    let index = Int(backend.index)
    if view.statementStart == view.statementEnd {
      clients[Int(client.index)].bound = .none
      if isUnnamedUncertain(on: backend) { return .stall }
      beginRewriting()
      restoreUnnamed(client, on: backend)
      let unnamed = names.unnamed(client)
      if listsUncertainly(client, unnamed, on: backend) { return .stall }
      if unnamed == .none || statements.mayLeaveState(unnamed) { backends[index].isDirty = true }
      if unnamed != .none, statements.usesSequences(unnamed) {
        clients[Int(client.index)].usesSequences = true
      }
      if unnamed != .none, statements.hasEffects(unnamed) {
        bindsEffects(client, statements.effects(of: unnamed), of: unnamed, view, bytes, backend)
      }
      backends[index].ledger.sent(Expectation(.bind, StatementID.none.index))
      return rewritten.isEmpty ? .forward : .replaceHead(0)
    }
    let name = bytes.extracting(
      view.statementStart..<nameEnd(from: view.statementStart, to: view.statementEnd))
    beginRewriting()
    let statement = known(client, name, on: backend)
    if isUncertain(statement, named: name, of: client, on: backend) { return .stall }
    if let statement, listsUncertainly(client, statement, on: backend) { return .stall }
    let isDescribed =
      view.portalStart == view.portalEnd && offset + length < bytes.count
      && bytes[offset + length] == FrontendTag.describe
    clients[Int(client.index)].bound = isDescribed ? statement ?? .none : .none
    if let statement {
      listenAgain(client, for: statement, on: backend)
      prepareIfMissing(statement, for: client, on: backend)
      if isDescribed { clients[Int(client.index)].boundName = names.number(of: name) }
      switch agreement(client, statement, named: name, on: backend) {
      case .agreed: break
      case .differs where clients[Int(client.index)].verified == statement:
        append(.changedPlan, isQuery: false, on: backend)
      case .differs:
        // It may have been parsed there before DDL, and the client told after it.
        if rewritten.isEmpty {
          sendClose(statement, on: backend)
          sendParse(statement, on: backend, hidden: true, isOwn: false)
        }
        clients[Int(client.index)].verified = statement
        askForDescription(of: statement, on: backend)
        return .hold
      case .unknown:
        askForDescription(of: statement, on: backend)
        return .hold
      }
      clients[Int(client.index)].verified = .none
      if statements.mayLeaveState(statement) { backends[index].isDirty = true }
      if statements.usesSequences(statement) { clients[Int(client.index)].usesSequences = true }
      if statements.hasEffects(statement) {
        let effects = statements.effects(of: statement)
        bindsEffects(client, effects, of: statement, view, bytes, backend)
        if effects.listsStatements, backends[index].guests.contains(where: { isEqual($0, name) }) {
          // It stands under the client's own name now.
          backends[index].ledger.sent(Expectation(.bind, StatementID.none.index))
          return .replaceHead(0)
        }
      }
    } else {
      backends[index].isDirty = true
      install(copiedBytes(in: name, from: 0, to: name.count), of: client, on: backend)
    }
    backends[index].ledger.sent(Expectation(.bind, (statement ?? .none).index))
    // An unknown name goes through as it is: the server says 26000, in its turn and its words.
    if statement == nil, !isReserved(name) { return rewritten.isEmpty ? .forward : .replaceHead(0) }
    let start = rewritten.count
    rewritten.append(FrontendTag.bind)
    let lengthAt = rewritten.count
    appendInt32(0, to: &rewritten)
    append(bytes, from: view.portalStart, to: view.portalEnd)
    rewritten.append(0)
    if let statement {
      appendBackendName(of: statement, to: &rewritten)
    } else {
      appendDisarmed(name)
    }
    // The parameters follow as they lie.
    let head = view.restStart - offset
    patch(length - 1 - head + rewritten.count - start, at: lengthAt, in: &rewritten)
    return .replaceHead(head)
  }

  private mutating func describe(
    _ client: ClientID, _ backend: BackendID, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int
  ) -> FrameTreatment {
    guard let view = TargetView.read(in: bytes, at: offset, length: header.length) else {
      return unreadable(backend)
    }
    let index = Int(backend.index)
    guard view.isStatement else {
      let bound = view.nameStart == view.nameEnd ? clients[Int(client.index)].bound : .none
      if bound != .none { clients[Int(client.index)].toTell.append(clients[Int(client.index)].boundName) }
      backends[index].ledger.sent(Expectation(.describe, bound.index))
      return .forward
    }
    beginRewriting()
    if view.nameStart == view.nameEnd {
      if isUnnamedUncertain(on: backend) { return .stall }
      restoreUnnamed(client, on: backend)
      backends[index].ledger.sent(Expectation(.describe, StatementID.none.index))
      return finish(rewrittenThen: bytes, offset, header.length)
    }
    let name = bytes.extracting(view.nameStart..<nameEnd(from: view.nameStart, to: view.nameEnd))
    let statement = known(client, name, on: backend)
    if isUncertain(statement, named: name, of: client, on: backend) { return .stall }
    if let statement {
      prepareIfMissing(statement, for: client, on: backend)
    } else {
      install(copiedBytes(in: name, from: 0, to: name.count), of: client, on: backend)
    }
    if statement != nil { willTell(client, name) }
    backends[index].ledger.sent(Expectation(.describe, (statement ?? .none).index))
    if statement == nil, !isReserved(name) { return finish(rewrittenThen: bytes, offset, header.length) }
    appendTarget(FrontendTag.describe, statement, else: name)
    return .replace
  }

  /// The server has an error for what it cannot read, and its session lives on.
  mutating func unreadable(_ backend: BackendID) -> FrameTreatment {
    backends[Int(backend.index)].ledger.sent(Expectation(.unreadable))
    return .forward
  }

  /// Where a statement's name ends for the server, which knows 63 bytes of it (NAMEDATALEN).
  func nameEnd(from start: Int, to end: Int) -> Int { min(end, start + 63) }
}
