import PostgresWire

// pg_prepared_statements lists what a client has prepared, and nothing of other clients' or the pool's. A backend holds
// both, under names of the pool's. So for a statement that reads the list all are dropped, and the client's own are made
// under its own names; the others come back where they are needed next.

extension Sessions {
  /// It reads the list, of which not all is known yet.
  func listsUncertainly(_ client: ClientID, _ statement: StatementID, on backend: BackendID) -> Bool {
    statement != .none && statements.hasEffects(statement)
      && statements.effects(of: statement).listsStatements && isListUncertain(client, on: backend)
  }

  /// Whether the transaction has failed, or what the client has prepared, is being answered.
  func isListUncertain(_ client: ClientID, on backend: BackendID) -> Bool {
    return backends[Int(backend.index)].ledger.owesReady
      || (clients[Int(client.index)].isAsking && clients[Int(client.index)].asked.contains(.names))
  }

  /// What stands in front of a statement that reads the list goes into ``rewritten``.
  mutating func showOwnStatements(_ client: ClientID, on backend: BackendID) {
    let index = Int(backend.index)
    // The statement will be refused.
    guard backends[index].ledger.status != .failed else { return }
    let prepared = clients[Int(client.index)].prepared
    if clients[Int(client.index)].marks.contains(.names) {
      // What its transaction has prepared is known to this backend only.
      for name in prepared.keys { install(name, of: client, on: backend) }
      return
    }
    var writer = MessageWriter(reservingCapacity: 256)
    var count = Front.appendDeallocateAll(to: &writer)
    for (name, statement) in prepared {
      Front.appendInstall(name, prepare: statement.text, to: &writer)
      count += Front.installCount
    }
    if !prepared.isEmpty {
      Front.appendClose(Front.installName, to: &writer)
      count += 1
    }
    rewritten.append(contentsOf: writer.bytes)
    let named = names.all(of: client).filter { prepared[$0.name] == nil && !isReserved($0.name.span) }
    for (name, statement) in named { statements.appendParse(statement, named: name, to: &rewritten) }
    backends[index].ledger.sent(Expectation(.front, UInt32(count + named.count)))
    backends[index].statements.outdatedAll()
    backends[index].needsPreparation = true
    backends[index].guests = prepared.keys + named.map(\.name)
    backends[index].doubtfulGuests = []
    clients[Int(client.index)].marks.insert(.names)
  }
}
