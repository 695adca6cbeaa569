package import PostgresWire

// Messages too long to be gathered go through as they come.

extension Sessions {
  /// The beginning of a Query that is not gathered. What it does to the session shows at its end: see
  /// ``streamed(_:_:isEnd:)``, to which every piece of its text is shown.
  package mutating func clientStreamsQuery(_ client: ClientID, to backend: BackendID) -> FrameTreatment {
    backends[Int(backend.index)].isDirty = true
    clients[Int(client.index)].watch = LongTextWatch()
    forgetUnnamed(client)
    setUnnamed(client, .none)
    setUnnamed(.none, of: client, on: backend)
    backends[Int(backend.index)].ledger.sent(Expectation(.query))
    return .forward
  }

  /// The beginning of a Parse that is not gathered: one of the unnamed statement, which so stays on this backend and
  /// keeps its client there. A named one is for all backends, and gathered.
  package mutating func clientStreamsParse(
    _ client: ClientID, to backend: BackendID, in bytes: Span<UInt8>, at offset: Int
  ) -> FrameTreatment {
    guard offset + FrameHeader.size < bytes.count, bytes[offset + FrameHeader.size] == 0 else {
      return .incomplete
    }
    pinLongText(client, on: backend)
    setUnnamed(client, .none)
    setUnnamed(.none, of: client, on: backend)
    unnamedParseSent(client, .none)
    backends[Int(backend.index)].statements.unnamedSent()
    backends[Int(backend.index)].ledger.sent(Expectation(.parse, StatementID.none.index))
    return .forward
  }

  /// The beginning of a Bind whose parameters follow as they come; ``FrameTreatment/incomplete`` while its names are
  /// not all there, and for one whose parameters name settings, which is gathered.
  package mutating func clientStreamsBind(
    _ client: ClientID, to backend: BackendID, _ header: FrameHeader, in bytes: Span<UInt8>, at offset: Int
  ) -> FrameTreatment {
    guard let view = BindView.readNames(in: bytes, at: offset) else { return .incomplete }
    let statement =
      view.statementStart == view.statementEnd
      ? names.unnamed(client)
      : names.statement(client, named: bytes.extracting(view.statementStart..<view.statementEnd)) ?? .none
    if statement != .none, !statements.effects(of: statement).settingParameters.isEmpty { return .incomplete }
    return bind(client, backend, view, length: header.length, bytes, offset)
  }

  /// A piece of a Query's text that goes through.
  package mutating func streamed(_ client: ClientID, _ bytes: Span<UInt8>, isEnd: Bool, on backend: BackendID)
  {
    clients[Int(client.index)].watch?.read(bytes)
    guard isEnd, var watch = clients[Int(client.index)].watch else { return }
    clients[Int(client.index)].watch = nil
    watch.end()
    if watch.isSuspect { pinLongText(client, on: backend) }
  }

  private mutating func pinLongText(_ client: ClientID, on backend: BackendID) {
    var effects = SessionEffects()
    effects.pin = .longText
    backends[Int(backend.index)].isDirty = true
    note(client, effects, text: [UInt8]("a text beyond what is gathered".utf8).span)
  }
}
