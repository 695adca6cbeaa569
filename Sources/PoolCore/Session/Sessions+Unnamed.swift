import PostgresWire

// The unnamed statement: each client has one of its own, which a Parse or a simple Query replaces.

extension Sessions {
  /// It belongs to the client: on a backend where another's stands, or none, it is parsed again first.
  mutating func restoreUnnamed(_ client: ClientID, on backend: BackendID) {
    let index = Int(backend.index)
    let wanted = names.unnamed(client)
    if backends[index].statements.unnamed == wanted, backends[index].statements.unnamedOwner == client {
      return
    }
    if wanted == .none {
      // Another's may stand there: without it the server says 26000, as it would directly.
      rewritten.append(FrontendTag.close)
      appendInt32(6, to: &rewritten)
      rewritten.append(UInt8(ascii: "S"))
      rewritten.append(0)
      backends[index].ledger.sent(Expectation(.hiddenClose, StatementID.none.index))
    } else {
      installCalled(by: wanted, of: client, on: backend)
      statements.appendUnnamedParse(wanted, to: &rewritten)
      backends[index].ledger.sent(Expectation(.hiddenParse, StatementID.none.index))
    }
    backends[index].statements.unnamedSent()
    setUnnamed(wanted, of: client, on: backend)
  }

  mutating func setUnnamed(_ client: ClientID, _ statement: StatementID) {
    let old = names.setUnnamed(client, statement)
    if old != .none { statements.release(old) }
  }

  /// The books say so; kept in use, so that its number cannot come to mean another text meanwhile.
  mutating func setUnnamed(_ statement: StatementID, of owner: ClientID, on backend: BackendID) {
    let index = Int(backend.index)
    let old = backends[index].statements.unnamed
    if statement != .none { statements.retain(statement) }
    if old != .none { statements.release(old) }
    backends[index].statements.unnamed = statement
    backends[index].statements.unnamedOwner = owner
  }

  // MARK: What a skipped Parse leaves

  /// The client's Parse of it is on its way. Should the server skip it, what it has parsed last stands.
  mutating func unnamedParseSent(_ client: ClientID, _ statement: StatementID) {
    if statement != .none { statements.retain(statement) }
    clients[Int(client.index)].unnamedSent.append(statement)
  }

  /// The first of those that are on their way has been answered.
  mutating func unnamedParsed(_ client: ClientID) {
    let index = Int(client.index)
    guard client != .none, index < clients.count, !clients[index].unnamedSent.isEmpty else { return }
    let old = clients[index].unnamedParsed
    clients[index].unnamedParsed = clients[index].unnamedSent.removeFirst()
    if old != .none { statements.release(old) }
  }

  /// It was not: it has failed, which drops the one before it, too, or was skipped, which does not.
  mutating func unnamedDropped(_ client: ClientID, hasFailed: Bool) {
    let index = Int(client.index)
    guard client != .none, index < clients.count, !clients[index].unnamedSent.isEmpty else { return }
    let dropped = clients[index].unnamedSent.removeFirst()
    if dropped != .none { statements.release(dropped) }
    if hasFailed { forgetUnnamed(client) }
    guard clients[index].unnamedSent.isEmpty else { return }
    let parsed = clients[index].unnamedParsed
    if parsed != .none { statements.retain(parsed) }
    setUnnamed(client, parsed)
  }

  /// A Query or Close is on its way, which drops what was parsed.
  mutating func forgetUnnamed(_ client: ClientID) {
    let parsed = clients[Int(client.index)].unnamedParsed
    if parsed != .none { statements.release(parsed) }
    clients[Int(client.index)].unnamedParsed = .none
  }

  /// The client is gone, or its backend with all that was on its way.
  mutating func dropUnnamedSent(of client: ClientID) {
    for statement in clients[Int(client.index)].unnamedSent where statement != .none {
      statements.release(statement)
    }
    clients[Int(client.index)].unnamedSent = []
    forgetUnnamed(client)
  }

  /// Whether the unnamed statement does so.
  func isUnnamedUncertain(on backend: BackendID) -> Bool {
    backends[Int(backend.index)].statements.isUnnamedUncertain
      && !backends[Int(backend.index)].ledger.isCopyingIn
  }
}
