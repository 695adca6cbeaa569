import PostgresWire

// Parse gives a name and Close takes it, unless an error before it in its batch makes the server skip it. What comes
// behind is decided at once within the same batch, which is skipped alike; in a later one it waits for the answer.

/// A change of a client's name that the server has not answered yet.
struct NameChange: Sendable {
  enum Kind: Sendable { case given, taken }
  var kind: Kind
  var name: [UInt8]
  /// What the name was given to, or stood for. Of a taken one kept in use; none for one of SQL's PREPARE, and for what
  /// DEALLOCATE ALL has dropped meanwhile.
  var statement: StatementID
  /// Of a taken one.
  var told: Description?
  var prepared: PreparedBySQL?
  /// The batch on its backend.
  var batch: UInt32
}

extension Sessions {
  mutating func close(
    _ client: ClientID, _ backend: BackendID, _ header: FrameHeader, _ bytes: Span<UInt8>, _ offset: Int
  ) -> FrameTreatment {
    guard let view = TargetView.read(in: bytes, at: offset, length: header.length) else {
      return unreadable(backend)
    }
    guard view.isStatement else {
      backends[Int(backend.index)].ledger.sent(Expectation(.close))
      return .forward
    }
    if view.nameStart == view.nameEnd {
      unnamedParseSent(client, .none)
      setUnnamed(client, .none)
      setUnnamed(.none, of: client, on: backend)
      backends[Int(backend.index)].statements.unnamedSent()
      backends[Int(backend.index)].ledger.sent(Expectation(.close, ClosePayload.unnamed))
      return .forward
    }
    let name = bytes.extracting(view.nameStart..<nameEnd(from: view.nameStart, to: view.nameEnd))
    if isUncertain(name, of: client, on: backend) { return .stall }
    let isKnown = takeName(name, of: client, on: backend)
    backends[Int(backend.index)].ledger.sent(
      Expectation(.close, isKnown ? ClosePayload.named : ClosePayload.nothing))
    if isReserved(name) {
      rewritten.removeAll(keepingCapacity: true)
      appendTarget(FrontendTag.close, nil, else: name)
      return .replace
    }
    // The statement stays on the backend for others. The client's own name exists there at most for the sake of
    // SQL-level statements; else closing it is answered with CloseComplete and does nothing.
    if hasGuests(backend) { clients[Int(client.index)].marks.insert(.names) }
    return .forward
  }

  /// The name stands for nothing from now on. False when it did not before.
  private mutating func takeName(
    _ name: Span<UInt8>, of client: ClientID, on backend: BackendID
  ) -> Bool {
    let told = names.told(client, named: name)
    let statement = names.close(client, name: name)
    let bytes = copiedBytes(in: name, from: 0, to: name.count)
    let prepared =
      clients[Int(client.index)].prepared.isEmpty
      ? nil : clients[Int(client.index)].prepared.removeValue(forKey: bytes)
    guard statement != nil || prepared != nil else { return false }
    clients[Int(client.index)].naming.append(
      NameChange(
        kind: .taken, name: bytes, statement: statement ?? .none, told: told, prepared: prepared,
        batch: backends[Int(backend.index)].statements.batch))
    return true
  }

  /// The client's Parse that is being sent gives the statement its name.
  mutating func giveName(
    _ name: Span<UInt8>, to statement: StatementID, of client: ClientID, on backend: BackendID
  ) {
    if let old = names.define(client, name: name, statement) { statements.release(old) }
    clients[Int(client.index)].naming.append(
      NameChange(
        kind: .given, name: copiedBytes(in: name, from: 0, to: name.count), statement: statement,
        batch: backends[Int(backend.index)].statements.batch))
  }

  /// The server has carried out the first change on its way.
  mutating func nameChanged(_ client: ClientID) {
    guard client != .none, !clients[Int(client.index)].naming.isEmpty else { return }
    let change = clients[Int(client.index)].naming.removeFirst()
    if change.kind == .taken, change.statement != .none { statements.release(change.statement) }
  }

  /// The server has not carried out the change of this place: the name is what it was before.
  mutating func nameNotChanged(_ client: ClientID, place: Int) {
    guard client != .none, place < clients[Int(client.index)].naming.count else { return }
    let change = clients[Int(client.index)].naming.remove(at: place)
    let standsFor = names.statement(client, named: change.name.span)
    if change.kind == .given {
      guard standsFor == change.statement, let old = names.close(client, name: change.name.span) else {
        return
      }
      return statements.release(old)
    }
    if let prepared = change.prepared, clients[Int(client.index)].prepared[change.name] == nil {
      clients[Int(client.index)].prepared[change.name] = prepared
    }
    guard change.statement != .none else { return }
    guard standsFor == nil else { return statements.release(change.statement) }
    _ = names.define(client, name: change.name.span, change.statement)
    if let told = change.told {
      names.tell(client, names.number(of: change.name.span), change.statement, told)
    }
  }

  /// All that the client has prepared is gone: no Close that is skipped brings anything back.
  mutating func forgetTaken(of client: ClientID) {
    for place in clients[Int(client.index)].naming.indices
    where clients[Int(client.index)].naming[place].kind == .taken {
      let statement = clients[Int(client.index)].naming[place].statement
      if statement != .none { statements.release(statement) }
      clients[Int(client.index)].naming[place].statement = .none
      clients[Int(client.index)].naming[place].prepared = nil
    }
  }

  // MARK: What waits for an answer

  /// Whether what the client calls so depends on an earlier batch that is not answered yet.
  func isUncertain(_ name: Span<UInt8>, of client: ClientID, on backend: BackendID) -> Bool {
    isUncertain(names.statement(client, named: name), named: name, of: client, on: backend)
  }

  /// The same where the name has been looked up. Within COPY data nothing may wait: the server waits for that.
  func isUncertain(
    _ statement: StatementID?, named name: Span<UInt8>, of client: ClientID, on backend: BackendID
  ) -> Bool {
    let index = Int(backend.index)
    if backends[index].ledger.isCopyingIn { return false }
    if let statement, backends[index].statements.isUncertain(statement) { return true }
    // What would be put in front of it fails in a transaction that has failed.
    if mustPrecede(statement, named: name, of: client, on: backend), backends[index].ledger.owesReady {
      return true
    }
    guard clients[Int(client.index)].hasDetails else { return false }
    let batch = backends[index].statements.batch
    for change in clients[Int(client.index)].naming where change.batch != batch {
      if isEqual(change.name, name) { return true }
    }
    return false
  }

  func isEqual(_ known: [UInt8], _ name: Span<UInt8>) -> Bool {
    known.count == name.count && known.indices.allSatisfy { known[$0] == name[$0] }
  }

  /// SQL calls the name, and the backend does not know it yet, or the statement is to be parsed under other settings.
  private func mustPrecede(
    _ statement: StatementID?, named name: Span<UInt8>, of client: ClientID, on backend: BackendID
  ) -> Bool {
    if let statement, !backends[Int(backend.index)].statements.has(statement),
      otherReading(of: statement, for: client) != nil
    {
      return true
    }
    if !clients[Int(client.index)].hasDetails || clients[Int(client.index)].prepared.isEmpty { return false }
    let bytes = copiedBytes(in: name, from: 0, to: name.count)
    return clients[Int(client.index)].prepared[bytes] != nil
      && !backends[Int(backend.index)].guests.contains(bytes)
  }
}

/// What a Close takes with it, as the ledger notes it.
enum ClosePayload {
  static let nothing: UInt32 = 0
  /// The first of ``ClientSession/naming``.
  static let named: UInt32 = 1
  /// The client's unnamed statement.
  static let unnamed: UInt32 = 2
}
