import PostgresWire

// Putting a statement on a backend that lacks it, and taking away what is too much.

extension Sessions {
  /// The Parse goes into ``rewritten`` and on the books.
  /// - Parameters:
  ///   - hidden: the client does not see what comes of it.
  ///   - isOwn: the client has given the statement its name by it.
  mutating func sendParse(
    _ statement: StatementID, on backend: BackendID, hidden: Bool, isOwn: Bool
  ) {
    let index = Int(backend.index)
    installCalled(by: statement, of: backends[index].owner, on: backend)
    statements.appendParse(statement, to: &rewritten)
    if !backends[index].statements.isKnown(statement) { statements.retain(statement) }
    backends[index].statements.parseSent(statement, isOwn: isOwn)
    backends[index].ledger.sent(Expectation(hidden ? .hiddenParse : .parse, statement.index))
    if let victim = backends[index].statements.toEvict(limit: maxStatements) {
      sendClose(victim, on: backend)
    }
  }

  /// What `EXECUTE name` returns is what the statement of that name does: it must be there when it is parsed.
  mutating func installCalled(
    by statement: StatementID, of client: ClientID, on backend: BackendID
  ) {
    guard client != .none, statements.hasEffects(statement) else { return }
    for called in statements.effects(of: statement).executed { install(called, of: client, on: backend) }
  }

  mutating func sendClose(_ statement: StatementID, on backend: BackendID) {
    statements.appendClose(statement, to: &rewritten)
    backends[Int(backend.index)].statements.closeSent(statement)
    backends[Int(backend.index)].ledger.sent(Expectation(.hiddenClose, statement.index))
  }

  mutating func prepareIfMissing(
    _ statement: StatementID, for client: ClientID, on backend: BackendID
  ) {
    if backends[Int(backend.index)].statements.use(statement) { return }
    // Closing what is not there is no error; parsing what is there would be one.
    if backends[Int(backend.index)].statements.has(statement) { sendClose(statement, on: backend) }
    guard let (then, now) = otherReading(of: statement, for: client),
      backends[Int(backend.index)].ledger.status != .failed
    else { return sendParse(statement, on: backend, hidden: true, isOwn: false) }
    // A literal date keeps the meaning that it had under the DateStyle of then.
    let names = Set(then.map(\.name) + now.map(\.name)).sorted()
    sendSettings(names, from: then, on: backend)
    sendParse(statement, on: backend, hidden: true, isOwn: false)
    sendSettings(names, from: now, on: backend)
  }

  /// The settings that decided how the statement's text was read, and those that do now, where they differ.
  func otherReading(
    of statement: StatementID, for client: ClientID
  ) -> (then: [SettingsImage.Setting], now: [SettingsImage.Setting])? {
    let (own, current) = (statements.reading(of: statement), clients[Int(client.index)].reading)
    guard own != current, let then = readings.settings(of: own), let now = readings.settings(of: current),
      then != now
    else { return nil }
    return (then, now)
  }

  /// Settings of these names become what a list says, or their defaults, without a word to the client.
  private mutating func sendSettings(
    _ names: [String], from list: [SettingsImage.Setting], on backend: BackendID
  ) {
    var writer = MessageWriter(reservingCapacity: 96 * names.count)
    for name in names { Front.appendSet(name, list.first { $0.name == name }?.value, to: &writer) }
    let preparation = appendPreparation(on: backend)
    rewritten.append(contentsOf: writer.bytes)
    backends[Int(backend.index)].ledger.sent(Expectation(.front, UInt32(preparation + names.count)))
  }
}
