import PostgresWire
import SQLText

// Statements by their names: SQL's PREPARE, EXECUTE and DEALLOCATE, and the protocol's Parse, Bind and Close, know
// the same ones.
//
// On a backend, a client's protocol-level statements stand under names of the pool's. Those of SQL-level PREPARE
// stand under the client's own, as guests: they are closed when the backend changes hands, and made anew wherever
// the client calls one. For SQL's sake a protocol-level statement becomes a guest, too. What there is after a
// transaction with PREPARE or DEALLOCATE is asked of the server: neither is undone by a rollback, both may fail.

extension Sessions {
  /// Statements that the text calls by name are there before it comes. What stands in front is in ``rewritten``.
  mutating func callNames(_ client: ClientID, _ effects: SessionEffects, on backend: BackendID) {
    for name in effects.names {
      // One that shall only go need not be what it was: its tables may be gone.
      install(name, of: client, on: backend, asDummy: !effects.executed.contains(name))
      var known = clients[Int(client.index)].prepared[name]?.effects
      if known == nil, let statement = names.statement(client, named: name.span),
        statements.hasEffects(statement)
      {
        known = statements.effects(of: statement)
      }
      if var known, effects.executed.contains(name) {
        // `EXECUTE p('work_mem', '9MB')`: what it sets is among values that nobody reads.
        if !known.settingParameters.isEmpty { known.pins(.settingByFunction) }
        touch(client, known)
      }
    }
    if effects.listsStatements { showOwnStatements(client, on: backend) }
    // Refused in a failed transaction.
    if backends[Int(backend.index)].ledger.status == .failed { return }
    for name in effects.deallocated {
      clients[Int(client.index)].prepared[name] = nil
      // Its name may be given anew in the same transaction.
      if let statement = names.close(client, name: name.span) {
        clients[Int(client.index)].deallocated.append(DeallocatedName(name: name, statement: statement))
      }
    }
  }

  /// Something stands, or may, under a client's own name.
  func hasGuests(_ backend: BackendID) -> Bool {
    !backends[Int(backend.index)].guests.isEmpty || !backends[Int(backend.index)].doubtfulGuests.isEmpty
  }

  /// What the client calls so stands under this name on the backend, unless it does already or is not known: then
  /// the server says so in its own words.
  /// - Parameter asDummy: that there is something of this name is enough.
  mutating func install(
    _ name: [UInt8], of client: ClientID, on backend: BackendID, asDummy: Bool = false
  ) {
    let index = Int(backend.index)
    guard backends[index].ledger.status != .failed, !backends[index].guests.contains(name),
      !isReserved(name.span)
    else { return }
    var writer = MessageWriter(reservingCapacity: 256)
    let preparation: Int
    let count: Int
    let isKnown =
      clients[Int(client.index)].prepared[name] != nil || names.statement(client, named: name.span) != nil
    if asDummy, isKnown {
      preparation = appendPreparation(on: backend)
      Front.appendDummy(name, to: &writer)
      rewritten.append(contentsOf: writer.bytes)
      count = 2
    } else if let prepared = clients[Int(client.index)].prepared[name] {
      preparation = appendPreparation(on: backend)
      Front.appendInstall(name, prepare: prepared.text, to: &writer)
      rewritten.append(contentsOf: writer.bytes)
      count = Front.installCount
    } else if let statement = names.statement(client, named: name.span) {
      preparation = appendPreparation(on: backend)
      Front.appendClose(name, to: &writer)
      rewritten.append(contentsOf: writer.bytes)
      statements.appendParse(statement, named: name, to: &rewritten)
      count = 2
    } else {
      // A function may have prepared it unseen, for a client before this one.
      if backends[index].hadOthers, !mayHaveNames(client) {
        Front.appendClose(name, to: &writer)
        rewritten.append(contentsOf: writer.bytes)
        backends[index].ledger.sent(Expectation(.front, 1))
      }
      return
    }
    backends[index].guests.append(name)
    backends[index].ledger.sent(Expectation(.front, UInt32(count + preparation)))
    // If it fails, the guest is not there.
    clients[Int(client.index)].marks.insert(.names)
  }

  /// SQL's PREPARE or DEALLOCATE has run, and the server has not told yet what there is now.
  func mayHaveNames(_ client: ClientID) -> Bool {
    return clients[Int(client.index)].marks.contains(.names)
      || (clients[Int(client.index)].isAsking && clients[Int(client.index)].asked.contains(.names))
  }

  /// The server has told which statements stand under names of the client's.
  mutating func adoptNames(_ client: ClientID, _ backend: BackendID) {
    let index = Int(client.index)
    // More has been sent meanwhile: the next answer knows of that, too.
    if clients[index].marks.contains(.names) { return }
    var there: [[UInt8]] = []
    for row in backends[Int(backend.index)].lookedRows where row.kind == .names {
      guard row.columns.count == 3, let name = row.columns[0], let text = row.columns[1] else { continue }
      there.append(name)
      guard row.columns[2] == [UInt8(ascii: "t")], clients[index].prepared[name] == nil else { continue }
      guard let text = prepareText(named: name, in: text) else {
        pin(client, .preparedStatement)
        continue
      }
      var effects = SessionEffects.scan(text.span)
      effects.marks.remove(.names)
      effects.names = []
      clients[index].prepared[name] = PreparedBySQL(text: text, effects: effects)
    }
    // One that is doubtful was perhaps never made here: it stays the client's.
    for name in backends[Int(backend.index)].guests where !there.contains(name) {
      clients[index].prepared[name] = nil
    }
    backends[Int(backend.index)].guests = there
    backends[Int(backend.index)].doubtfulGuests = []
    for gone in clients[index].deallocated {
      let (name, statement) = (gone.name, gone.statement)
      // A DEALLOCATE that failed has left it as it was, unless something else has the name by now.
      if there.contains(name), clients[index].prepared[name] == nil,
        names.statement(client, named: name.span) == nil
      {
        if let old = names.define(client, name: name.span, statement) { statements.release(old) }
      } else {
        statements.release(statement)
      }
    }
    clients[index].deallocated = []
  }

  /// The PREPARE of this name among the statements of a text.
  private func prepareText(named name: [UInt8], in text: [UInt8]) -> [UInt8]? {
    let span = text.span
    var scanner = EffectScanner(standardConformingStrings: true)
    var found: [UInt8]?
    while true {
      let first = scanner.lexer.next(in: span)
      if first.kind == .end { return found }
      if first.kind == .semicolon { continue }
      let isPrepare = isKeyword(first, "prepare", in: span)
      var token = scanner.lexer.next(in: span)
      let isNamed = isPrepare && scanner.statementName(token, span) == name
      while !scanner.isEnd(token) { token = scanner.lexer.next(in: span) }
      if isNamed { found = Array(text[first.start..<token.start]) }
    }
  }

  // MARK: What a Bind brings

  /// The bound statement touches the session. What stands in front of the Bind is in ``rewritten``.
  mutating func bindsEffects(
    _ client: ClientID, _ effects: SessionEffects, of statement: StatementID, _ view: BindView,
    _ bytes: Span<UInt8>, _ backend: BackendID
  ) {
    if let refusal = refusal(client, effects) { return append(refusal, isQuery: false, on: backend) }
    var effects = effects
    for number in effects.settingParameters {
      guard let name = parameter(number, of: view, in: bytes) else { continue }
      effects.sets(lowercasedASCII(String(decoding: name, as: UTF8.self)))
    }
    if !effects.names.isEmpty || effects.listsStatements { callNames(client, effects, on: backend) }
    note(client, effects, text: statements.text(of: statement).span)
  }

  /// The value of a Bind's parameter, counted from 1; `nil` for NULL and for what is not there.
  private func parameter(_ number: Int, of view: BindView, in bytes: Span<UInt8>) -> [UInt8]? {
    guard let formats = readUInt16(in: bytes, at: view.restStart) else { return nil }
    var offset = view.restStart + 2 + 2 * Int(formats)
    guard let count = readUInt16(in: bytes, at: offset), number > 0, number <= Int(count) else { return nil }
    offset += 2
    for current in 1...number {
      guard offset + 4 <= view.frameEnd, let length = readInt32(in: bytes, at: offset) else { return nil }
      offset += 4
      if length < 0 {
        if current == number { return nil }
        continue
      }
      guard offset + Int(length) <= view.frameEnd else { return nil }
      if current == number { return copiedBytes(in: bytes, from: offset, to: offset + Int(length)) }
      offset += Int(length)
    }
    return nil
  }

  // MARK: Pins

  /// As ``touch(_:_:)``, and keeps the beginning of the statement that pins its client, without its literals.
  mutating func note(_ client: ClientID, _ effects: SessionEffects, text: Span<UInt8>) {
    let wasPinned = !clients[Int(client.index)].pins.isEmpty
    touch(client, effects)
    guard !wasPinned, pins(effects) else { return }
    clients[Int(client.index)].pinnedBy = String(StatementDigest(text).text.prefix(80))
  }

  /// Why a statement must not run: it would pin its client, and so many are pinned that it must not; or it calls
  /// one of the pool's own statements. `nil` when it may.
  func refusal(_ client: ClientID, _ effects: SessionEffects) -> Refusal? {
    if pins(effects), pinnedCount + pinnedElsewhere >= maxPinned, clients[Int(client.index)].pins.isEmpty,
      !clients[Int(client.index)].keepsBackend
    {
      return .pins
    }
    for name in effects.names where isReserved(name.span) { return .name }
    return nil
  }

  private func pins(_ effects: SessionEffects) -> Bool {
    effects.pin != nil || (pinsSettings && !effects.settings.isEmpty)
  }

  /// What the server says of a prepared statement that DDL has given other columns.
  static let changedPlan = "cached plan must not change result type"

  enum Refusal {
    case pins, name, memory, changedPlan

    /// In the statement's place, one that fails with the reason: whatever transaction is open fails as it would.
    var text: String {
      switch self {
      case .pins:
        """
        DO $refusal$BEGIN RAISE EXCEPTION USING ERRCODE = '53300', \
        MESSAGE = 'too many clients keep a database connection for their sessions'' state', \
        HINT = 'Temporary tables, held cursors, session-level advisory locks and their like need one. \
        Use them within a transaction, or raise max_pinned_percent.'; END$refusal$
        """
      case .memory:
        """
        DO $refusal$BEGIN RAISE EXCEPTION USING ERRCODE = '53200', \
        MESSAGE = 'the texts of prepared statements take too much of the pool''s memory', \
        HINT = 'Close statements that are not used, or send values as parameters.'; END$refusal$
        """
      case .changedPlan:
        """
        DO $refusal$BEGIN RAISE EXCEPTION USING ERRCODE = '0A000', MESSAGE = '\(Sessions.changedPlan)'; \
        END$refusal$
        """
      case .name:
        """
        DO $refusal$BEGIN RAISE EXCEPTION USING ERRCODE = '26000', \
        MESSAGE = 'prepared statements whose names begin with dbtool_ are the pool''s own'; END$refusal$
        """
      }
    }
  }

  mutating func append(_ refusal: Refusal, isQuery: Bool, on backend: BackendID = .none) {
    var writer = MessageWriter(reservingCapacity: 512)
    if isQuery {
      writer.query(refusal.text)
    } else {
      let name = "dbtool_refusal"
      writer.close(statement: name)
      writer.parse(name: name, query: refusal.text, types: [])
      writer.bind(portal: "", statement: name)
      writer.execute(portal: "", maxRows: 0)
      let index = Int(backend.index)
      // Closed and parsed unseen; what fails in the Execute is for the client, and the server skips the rest.
      backends[index].ledger.sent(Expectation(.hiddenClose, StatementID.none.index))
      backends[index].ledger.sent(Expectation(.hiddenParse, StatementID.none.index))
      backends[index].statements.unnamedSent()
      backends[index].statements.unnamedSent()
      backends[index].ledger.sent(Expectation(.refusal))
    }
    rewritten.append(contentsOf: writer.bytes)
  }
}
