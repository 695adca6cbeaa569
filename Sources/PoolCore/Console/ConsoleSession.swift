package import PostgresWire

/// A client at the console: what its messages mean, in either protocol, and what it is answered.
///
/// Pure: messages come in, commands that need the pool go out, their outcomes come back. What the client is to be sent
/// gathers in ``takeOutput()``.
package struct ConsoleSession: Sendable {
  /// What to do after a message or an outcome.
  package enum Step: Equatable, Sendable {
    /// Look at the next message.
    case next
    /// Run this; ``finished(_:)`` follows, and no message before it.
    case run(ConsoleCommand)
    /// The client leaves.
    case end
    /// What came is no message of a client.
    case violation
  }

  /// What became of a command.
  package enum Outcome: Sendable {
    case table(ConsoleTable)
    case done
    case notice(ErrorFields)
    case failure(ErrorFields)
  }

  private struct Portal {
    let command: ConsoleCommand?
    /// Per column: whether the client wants the type's binary form.
    let isBinary: [Bool]
    /// Rows that are still to be sent, once it has run.
    var rows: ArraySlice<[ConsoleCell]>?
  }

  private enum Work {
    case none
    /// A Query, and what of it comes after the command under way.
    case query(ArraySlice<ConsoleCommand>)
    case execute(portal: [UInt8], maxRows: Int)
  }

  package let rights: ConsoleRights
  private let user: String
  private var writer = MessageWriter()
  private var work = Work.none
  private var underWay: ConsoleCommand?
  private var status = TransactionStatus.idle
  private var statements: [[UInt8]: ConsoleCommand?] = [:]
  private var portals: [[UInt8]: Portal] = [:]
  /// An error in a batch: all up to its Sync is dropped.
  private var isSkipping = false
  /// Statements and portals that one client may have.
  private static let mostNames = 1_000

  package init(_ rights: ConsoleRights, user: String) {
    self.rights = rights
    self.user = user
  }

  /// A command is under way.
  package var isBusy: Bool { underWay != nil }

  package mutating func takeOutput() -> [UInt8] {
    defer { writer.bytes = [] }
    return writer.bytes
  }

  // MARK: Messages

  /// A whole message: its tag byte is at `offset`.
  package mutating func received(
    _ header: FrameHeader, in bytes: Span<UInt8>, at offset: Int
  ) -> Step {
    if header.tag == FrontendTag.terminate { return .end }
    if isSkipping, header.tag != FrontendTag.sync { return .next }
    switch header.tag {
    case FrontendTag.query:
      guard let view = QueryView.read(in: bytes, at: offset, length: header.length) else { return .violation }
      return query(copiedBytes(in: bytes, from: view.textStart, to: view.textEnd))
    case FrontendTag.parse:
      guard let view = ParseView.read(in: bytes, at: offset, length: header.length) else { return .violation }
      parse(
        copiedBytes(in: bytes, from: view.nameStart, to: view.nameEnd),
        copiedBytes(in: bytes, from: view.queryStart, to: view.queryEnd))
    case FrontendTag.bind:
      guard let view = BindView.read(in: bytes, at: offset, length: header.length) else { return .violation }
      bind(view, in: bytes)
    case FrontendTag.describe, FrontendTag.close:
      guard let view = TargetView.read(in: bytes, at: offset, length: header.length) else {
        return .violation
      }
      let name = copiedBytes(in: bytes, from: view.nameStart, to: view.nameEnd)
      if header.tag == FrontendTag.describe {
        describe(name, isStatement: view.isStatement)
      } else {
        if view.isStatement { statements[name] = nil } else { portals[name] = nil }
        writer.closeComplete()
      }
    case FrontendTag.execute:
      guard let view = ExecuteView.read(in: bytes, at: offset, length: header.length) else {
        return .violation
      }
      return execute(copiedBytes(in: bytes, from: view.portalStart, to: view.portalEnd), Int(view.maxRows))
    case FrontendTag.sync:
      isSkipping = false
      // Portals live as long as their transaction.
      if status == .idle { portals = [:] }
      writer.readyForQuery(status)
    case FrontendTag.functionCall:
      writer.errorResponse(
        ErrorFields(severity: .error, sqlState: "0A000", message: "the console calls no functions"))
      writer.readyForQuery(status)
    case FrontendTag.flush, FrontendTag.copyData, FrontendTag.copyDone, FrontendTag.copyFail: break
    default: return .violation  // tags are an open set
    }
    return .next
  }

  private mutating func query(_ text: [UInt8]) -> Step {
    // As at a server, a Query ends what the unnamed statement was.
    statements[[]] = nil
    portals[[]] = nil
    do throws(ErrorFields) {
      let commands = try ConsoleParser.commands(in: text)
      guard !commands.isEmpty else {
        writer.emptyQueryResponse()
        writer.readyForQuery(status)
        return .next
      }
      return run(commands[...])
    } catch {
      return failQuery(error)
    }
  }

  /// Goes on with a Query up to the next command that the pool must run.
  private mutating func run(_ commands: ArraySlice<ConsoleCommand>) -> Step {
    var rest = commands
    while let command = rest.popFirst() {
      if let refusal = refusal(of: command) { return failQuery(refusal) }
      if let outcome = answer(to: command) {
        write(outcome, of: command)
        continue
      }
      work = .query(rest)
      underWay = command
      return .run(command)
    }
    writer.readyForQuery(status)
    return .next
  }

  private mutating func failQuery(_ error: ErrorFields) -> Step {
    fail(error)
    writer.readyForQuery(status)
    return .next
  }

  private mutating func fail(_ error: ErrorFields) {
    writer.errorResponse(error)
    if status == .inTransaction { status = .failed }
  }

  // MARK: Outcomes

  /// The command that was to be run has been.
  package mutating func finished(_ outcome: Outcome) -> Step {
    guard let command = underWay else { return .next }
    underWay = nil
    let work = self.work
    self.work = .none
    switch work {
    case .none: return .next
    case .query(let rest):
      if case .failure(let error) = outcome { return failQuery(error) }
      write(outcome, of: command)
      return run(rest)
    case .execute(let name, let maxRows):
      writeExecuted(outcome, of: command, name, maxRows)
      return .next
    }
  }

  /// Of a Query: description, rows and all.
  private mutating func write(_ outcome: Outcome, of command: ConsoleCommand) {
    switch outcome {
    case .table(let table):
      describe(table.columns, isBinary: [])
      for row in table.rows { write(row, isBinary: []) }
    case .notice(let notice): writer.noticeResponse(notice)
    case .done, .failure: break
    }
    writer.commandComplete(tag: command.tag)
  }

  private mutating func writeExecuted(
    _ outcome: Outcome, of command: ConsoleCommand, _ name: [UInt8], _ maxRows: Int
  ) {
    switch outcome {
    case .table(let table):
      portals[name]?.rows = table.rows[...]
      return sendRows(of: name, command, maxRows)
    case .failure(let error):
      fail(error)
      isSkipping = true
      return
    case .notice(let notice): writer.noticeResponse(notice)
    case .done: break
    }
    writer.commandComplete(tag: command.tag)
  }

  private mutating func sendRows(of name: [UInt8], _ command: ConsoleCommand, _ maxRows: Int) {
    guard let portal = portals[name], var rows = portal.rows else { return }
    var sent = 0
    while maxRows <= 0 || sent < maxRows, let row = rows.popFirst() {
      write(row, isBinary: portal.isBinary)
      sent += 1
    }
    portals[name]?.rows = rows
    if rows.isEmpty {
      writer.commandComplete(tag: command.tag)
    } else {
      writer.portalSuspended()
    }
  }

  // MARK: What needs no pool

  private func refusal(of command: ConsoleCommand) -> ErrorFields? {
    if status == .failed, command != .commit, command != .rollback {
      return ErrorFields(
        severity: .error, sqlState: "25P02",
        message: "current transaction is aborted, commands ignored until end of transaction block")
    }
    guard case .order(let order) = command, rights != .admin else { return nil }
    return ErrorFields(
      severity: .error, sqlState: "42501", message: "permission denied for \(order.tag): admin access needed",
      hint: "admin_users of the pool must name \"\(user)\".")
  }

  /// `nil`: the pool must run it.
  private mutating func answer(to command: ConsoleCommand) -> Outcome? {
    switch command {
    case .sessionSetting(_, let value): return .table(ConsoleTable(command.columns ?? [], [[.text(value)]]))
    case .one: return .table(ConsoleTable(command.columns ?? [], [[.number(1)]]))
    case .ignored(_, let isSet):
      guard isSet else { return .done }
      return .notice(
        ErrorFields(severity: .notice, sqlState: "00000", message: "SET ignored: this is the pool's console"))
    case .begin:
      status = .inTransaction
      return .done
    case .commit, .rollback:
      status = .idle
      portals = [:]
      return .done
    case .show(.help): return .notice(ConsoleHelp.notice)
    case .show, .order: return nil
    }
  }

  // MARK: The extended protocol

  private mutating func parse(_ name: [UInt8], _ text: [UInt8]) {
    do throws(ErrorFields) {
      guard name.isEmpty || statements[name] == nil else {
        throw ErrorFields(
          severity: .error, sqlState: "42P05",
          message: "prepared statement \"\(String(decoding: name, as: UTF8.self))\" already exists")
      }
      guard statements.count < Self.mostNames else {
        throw ErrorFields(
          severity: .error, sqlState: "53400", message: "too many prepared statements at the console")
      }
      let commands = try ConsoleParser.commands(in: text)
      guard commands.count <= 1 else {
        throw ErrorFields(
          severity: .error, sqlState: "42601",
          message: "cannot insert multiple commands into a prepared statement")
      }
      statements.updateValue(commands.first, forKey: name)
      writer.parseComplete()
    } catch {
      failBatch(error)
    }
  }

  private mutating func failBatch(_ error: ErrorFields) {
    fail(error)
    isSkipping = true
  }

  private mutating func bind(_ view: BindView, in bytes: Span<UInt8>) {
    let name = copiedBytes(in: bytes, from: view.statementStart, to: view.statementEnd)
    let portal = copiedBytes(in: bytes, from: view.portalStart, to: view.portalEnd)
    guard let command = statements[name] else { return failBatch(Self.noStatement(name)) }
    guard portals.count < Self.mostNames else {
      return failBatch(
        ErrorFields(severity: .error, sqlState: "53400", message: "too many portals at the console"))
    }
    // Formats of parameters, which there must be none of, then the parameters.
    let formats = readUInt16(in: bytes, at: view.restStart).map { Int($0) } ?? 0
    let countAt = view.restStart + 2 + 2 * formats
    guard let count = readUInt16(in: bytes, at: countAt), count == 0 else {
      return failBatch(
        ErrorFields(
          severity: .error, sqlState: "08P01", message: "the console's commands take no parameters",
          hint: "Write the value into the command."))
    }
    let columns = command?.columns?.count ?? 0
    guard let isBinary = Self.resultFormats(in: bytes, at: countAt + 2, columns: columns) else {
      return failBatch(
        ErrorFields(
          severity: .error, sqlState: "08P01",
          message: "bind message has result formats that do not fit the \(columns) columns"))
    }
    portals[portal] = Portal(command: command, isBinary: isBinary)
    writer.bindComplete()
  }

  /// None: all text; one: all alike; else one for each column.
  private static func resultFormats(in bytes: Span<UInt8>, at offset: Int, columns: Int) -> [Bool]? {
    guard let count = readUInt16(in: bytes, at: offset) else { return nil }
    guard count > 0 else { return [Bool](repeating: false, count: columns) }
    var formats: [Bool] = []
    for number in 0..<Int(count) {
      guard let code = readUInt16(in: bytes, at: offset + 2 + 2 * number), code < 2 else { return nil }
      formats.append(code == 1)
    }
    if count == 1 { return [Bool](repeating: formats[0], count: columns) }
    return formats.count == columns ? formats : nil
  }

  private mutating func describe(_ name: [UInt8], isStatement: Bool) {
    if isStatement {
      guard let command = statements[name] else { return failBatch(Self.noStatement(name)) }
      writer.parameterDescription(types: [])
      describe(command, isBinary: [])
    } else {
      guard let portal = portals[name] else { return failBatch(Self.noPortal(name)) }
      describe(portal.command, isBinary: portal.isBinary)
    }
  }

  private mutating func describe(_ command: ConsoleCommand?, isBinary: [Bool]) {
    guard let columns = command?.columns else { return writer.noData() }
    describe(columns, isBinary: isBinary)
  }

  private mutating func execute(_ name: [UInt8], _ maxRows: Int) -> Step {
    guard let portal = portals[name] else {
      failBatch(Self.noPortal(name))
      return .next
    }
    guard let command = portal.command else {
      writer.emptyQueryResponse()
      return .next
    }
    if portal.rows != nil {
      sendRows(of: name, command, maxRows)
      return .next
    }
    if let refusal = refusal(of: command) {
      failBatch(refusal)
      return .next
    }
    if let outcome = answer(to: command) {
      writeExecuted(outcome, of: command, name, maxRows)
      return .next
    }
    work = .execute(portal: name, maxRows: maxRows)
    underWay = command
    return .run(command)
  }

  private static func noStatement(_ name: [UInt8]) -> ErrorFields {
    let name = String(decoding: name, as: UTF8.self)
    return ErrorFields(
      severity: .error, sqlState: "26000",
      message: name.isEmpty
        ? "unnamed prepared statement does not exist" : "prepared statement \"\(name)\" does not exist")
  }

  private static func noPortal(_ name: [UInt8]) -> ErrorFields {
    ErrorFields(
      severity: .error, sqlState: "34000",
      message: "portal \"\(String(decoding: name, as: UTF8.self))\" does not exist")
  }

  // MARK: Rows

  private mutating func describe(_ columns: [ConsoleColumn], isBinary: [Bool]) {
    writer.message(BackendTag.rowDescription) { message in
      message.uint16(UInt16(clamping: columns.count))
      for (number, column) in columns.enumerated() {
        message.text(column.name)
        message.uint32(0)  // no table
        message.uint16(0)  // no column of a table
        message.uint32(column.kind.typeOID)
        message.uint16(UInt16(bitPattern: column.kind.typeSize))
        message.int32(-1)  // no type modifier
        message.uint16(number < isBinary.count && isBinary[number] ? 1 : 0)
      }
    }
  }

  private mutating func write(_ row: [ConsoleCell], isBinary: [Bool]) {
    writer.message(BackendTag.dataRow) { message in
      message.uint16(UInt16(clamping: row.count))
      for (number, cell) in row.enumerated() {
        message.value(cell.bytes(isBinary: number < isBinary.count && isBinary[number]))
      }
    }
  }
}
