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
    case .forward, .swallow, .completed, .frontDone, .looked, .described, .unasked, .violation:
      return verdict
    case .ready:
      if backends[index].ledger.takeQueryInBatch() {
        backends[index].statements.unnamedEnded()
        unnamedParsed(backends[index].owner)
      }
    case .named: nameChanged(backends[index].owner)
    case .unnamedClosed:
      backends[index].statements.unnamedEnded()
      unnamedParsed(backends[index].owner)
    case .prepared(let statement, let isClients):
      if statement != .none {
        backends[index].statements.prepared(statement)
        parsed(statement, for: backends[index].owner)
        if isClients { nameChanged(backends[index].owner) }
      } else {
        backends[index].statements.unnamedEnded()
        if isClients { unnamedParsed(backends[index].owner) }
      }
    case .unprepared(let statement):
      if statement != .none {
        backends[index].statements.closed(statement)
        forgetIfGone(statement, on: backend)
      } else {
        backends[index].statements.unnamedEnded()
      }
    case .failed, .frontFailed:
      let owner = backends[index].owner
      if owner != .none { clients[Int(owner.index)].toTell = [] }
      backends[index].describing = nil
      if backends[index].ledger.takeDroppedFront() { frontDropped(on: backend) }
      let hasFailedParse = backends[index].ledger.hasFailedParse
      undo(backends[index].ledger.takeDropped(), hasFailedParse: hasFailedParse, on: backend)
    }
    return verdict
  }

  /// These were never carried out.
  /// - Parameter hasFailedParse: the first of them is a Parse that was, and failed.
  mutating func undo(_ dropped: [Expectation], hasFailedParse: Bool, on backend: BackendID) {
    let owner = backends[Int(backend.index)].owner
    for (place, expectation) in dropped.enumerated() where isUnnamed(expectation) {
      undoUnnamed(expectation, hasFailed: hasFailedParse && place == 0, on: backend)
    }
    // The last first: a name that was given, closed and given again is what it was before all that.
    var place = dropped.count { changesName($0) }
    for expectation in dropped.reversed() where !isUnnamed(expectation) {
      if changesName(expectation) {
        place -= 1
        nameNotChanged(owner, place: place)
      }
      if expectation.kind != .close, expectation.kind != .probeParse { undo(expectation, on: backend) }
    }
  }

  /// Among what was skipped may have been the preparation of the pool's own statements, and guests.
  private mutating func frontDropped(on backend: BackendID) {
    let index = Int(backend.index)
    backends[index].needsPreparation = true
    backends[index].doubtfulGuests += backends[index].guests
    backends[index].guests = []
  }

  /// Whether it is about the unnamed statement, which a Query replaces, too.
  private func isUnnamed(_ expectation: Expectation) -> Bool {
    switch expectation.kind {
    case .query: true
    case .close: expectation.payload == ClosePayload.unnamed
    default: StatementID(expectation.payload) == .none
    }
  }

  /// Whether one of the client's names hangs on it; see ``NameChange``.
  private func changesName(_ expectation: Expectation) -> Bool {
    switch expectation.kind {
    case .parse, .probeParse, .close: !isUnnamed(expectation)
    default: false
    }
  }

  private mutating func undoUnnamed(_ expectation: Expectation, hasFailed: Bool, on backend: BackendID) {
    let index = Int(backend.index)
    backends[index].statements.unnamedEnded()
    switch expectation.kind {
    case .parse, .close, .query: unnamedDropped(backends[index].owner, hasFailed: hasFailed)
    default: break  // the pool's own
    }
    // One that is on its way behind it, in a later batch, has the last word.
    if backends[index].statements.isUnnamedPending { return }
    // The unnamed statement's Parse or Close did not happen: what stands there is not known.
    setUnnamed(.none, of: .none, on: backend)
  }

  private mutating func undo(_ expectation: Expectation, on backend: BackendID) {
    let statement = StatementID(expectation.payload)
    backends[Int(backend.index)].statements.parseEnded(statement)
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
    backends[Int(backend.index)].doubtfulGuests = []
    clients[Int(client.index)].prepared = [:]
    forgetTaken(of: client)
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
