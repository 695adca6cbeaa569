package import PostgresWire

// What becomes of each message on its way from a backend to the client that holds it.

extension Sessions {
  /// A message came from the backend. The books are kept here; the verdict says who gets it.
  package mutating func backendSent(
    _ backend: BackendID, _ tag: UInt8, status: TransactionStatus?
  ) -> ReplyVerdict {
    let index = Int(backend.index)
    if tag == BackendTag.errorResponse, backends[index].ledger.isLooking { backends[index].lookFailed = true }
    let verdict = backends[index].ledger.received(tag, status: status)
    switch verdict {
    case .forward, .swallow, .completed, .ready, .frontDone, .looked, .described, .unasked, .violation:
      return verdict
    case .prepared(let statement, let isClients):
      if statement != .none {
        backends[index].statements.prepared(statement)
        parsed(statement, for: backends[index].owner)
      } else {
        backends[index].statements.unnamedPending -= 1
        if isClients { unnamedParsed(backends[index].owner) }
      }
    case .unprepared(let statement):
      if statement != .none {
        backends[index].statements.closed(statement)
        forgetIfGone(statement, on: backend)
      } else {
        backends[index].statements.unnamedPending -= 1
      }
    case .failed, .frontFailed:
      let owner = backends[index].owner
      if owner != .none { clients[Int(owner.index)].toTell = [] }
      backends[index].describing = nil
      let hasFailedParse = backends[index].ledger.hasFailedParse
      for (place, expectation) in backends[index].ledger.takeDropped().enumerated() {
        dropped(expectation, hasFailed: hasFailedParse && place == 0, on: backend)
      }
    }
    return verdict
  }

  mutating func dropped(_ expectation: Expectation, hasFailed: Bool, on backend: BackendID) {
    let statement = StatementID(expectation.payload)
    let owner = backends[Int(backend.index)].owner
    if expectation.kind == .probeParse {
      if owner != .none, names.undefine(owner, statement) { statements.release(statement) }
      return
    }
    guard statement != .none else {
      backends[Int(backend.index)].statements.unnamedPending -= 1
      if expectation.kind == .parse { unnamedDropped(owner, hasFailed: hasFailed) }
      // One that is on its way behind it, in a later batch, has the last word.
      if backends[Int(backend.index)].statements.unnamedPending > 0 { return }
      // The unnamed statement's Parse or Close did not happen: what stands there is not known.
      setUnnamed(.none, of: .none, on: backend)
      return
    }
    backends[Int(backend.index)].statements.parseEnded(statement)
    // A Parse that failed or was skipped has named nothing.
    if expectation.kind == .parse, owner != .none, names.undefine(owner, statement) {
      statements.release(statement)
    }
    forgetIfGone(statement, on: backend)
  }

  private mutating func forgetIfGone(_ statement: StatementID, on backend: BackendID) {
    if backends[Int(backend.index)].statements.takeGone(statement) { statements.release(statement) }
  }

  /// A CommandComplete whose tag tells that all prepared statements are gone: the front's own, too.
  package mutating func statementsDropped(_ client: ClientID, _ backend: BackendID, discardsAll: Bool) {
    // What was sent behind that command and is not answered yet still comes.
    let books = backends[Int(backend.index)].statements
    for statement in names.closeAll(client, except: { books.isPending($0) }) { statements.release(statement) }
    for statement in backends[Int(backend.index)].statements.dropAll() { statements.release(statement) }
    backends[Int(backend.index)].needsPreparation = true
    backends[Int(backend.index)].guests = []
    clients[Int(client.index)].prepared = [:]
    guard discardsAll else { return }
    clients[Int(client.index)].usesSequences = false
    if !clients[Int(client.index)].channels.isEmpty {
      clients[Int(client.index)].channels = []
      clients[Int(client.index)].hasNewChannels = true
    }
    // What it discards is not all that pins.
    var pins = clients[Int(client.index)].pins
    for reason in PinReason.allCases where reason.canBeCleaned || reason == .preparedStatement {
      pins.remove(reason)
    }
    setPins(client, pins)
  }

  // MARK: What the client has been told

  /// A ParameterStatus came while the client holds the backend: must it be told? True when the value is another
  /// than what it was told last.
  ///
  /// What the client is told follows it: a function may have set it unseen.
  package mutating func parameterReported(
    _ client: ClientID, _ view: ParameterStatusView, in bytes: Span<UInt8>, common: [ReportedParameter]
  ) -> Bool {
    guard isNews(client, view, in: bytes, common: common) else { return false }
    let name = lowercasedASCII(copiedText(in: bytes, from: view.nameStart, to: view.nameEnd))
    if !Self.unsettable.contains(name), !clients[Int(client.index)].touched.contains(name) {
      var effects = SessionEffects()
      effects.settings = [name]
      let resets = clients[Int(client.index)].reset
      touch(client, effects)
      clients[Int(client.index)].reset = resets
    }
    return true
  }

  /// What is reported and nobody sets.
  private static let unsettable: Set<String> = [
    "is_superuser", "in_hot_standby", "integer_datetimes", "server_encoding", "server_version",
  ]

  private mutating func isNews(
    _ client: ClientID, _ view: ParameterStatusView, in bytes: Span<UInt8>, common: [ReportedParameter]
  ) -> Bool {
    let index = Int(client.index)
    for entry in clients[index].told.indices
    where equals(clients[index].told[entry].name, bytes, view.nameStart, view.nameEnd) {
      if equals(clients[index].told[entry].value, bytes, view.valueStart, view.valueEnd) { return false }
      clients[index].told[entry].value = copiedBytes(in: bytes, from: view.valueStart, to: view.valueEnd)
      return true
    }
    for entry in common.indices where equals(common[entry].name, bytes, view.nameStart, view.nameEnd) {
      if equals(common[entry].value, bytes, view.valueStart, view.valueEnd) { return false }
    }
    clients[index].told.append(
      ReportedParameter(
        name: copiedBytes(in: bytes, from: view.nameStart, to: view.nameEnd),
        value: copiedBytes(in: bytes, from: view.valueStart, to: view.valueEnd)))
    return true
  }

  private func equals(_ known: [UInt8], _ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard known.count == end - start else { return false }
    for offset in 0..<known.count where known[offset] != bytes[start + offset] { return false }
    return true
  }
}
