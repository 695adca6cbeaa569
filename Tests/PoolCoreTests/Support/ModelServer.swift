import PoolCore
import PostgresWire

/// A message from the model server, as far as tests compare it: the tag, and what matters of its content (an error's
/// SQLSTATE, a row's value, a command tag, a transaction status).
struct ModelReply: Equatable, Sendable, CustomStringConvertible {
  var tag: UInt8
  var text = ""
  var description: String { String(UnicodeScalar(tag)) + (text.isEmpty ? "" : ":" + text) }
}

/// PostgresMain's message loop in small: it consumes frontend messages one by one and answers as the server does,
/// with `ignore_till_sync`, copy mode, implicit transactions, settings that follow them, and prepared statements.
///
/// Sources: PostgreSQL 15 `tcop/postgres.c` (PostgresMain, SocketBackend), `commands/copyfromparse.c`.
struct ModelServer: Sendable {
  enum Copy: Equatable, Sendable { case simple([String]), extended }

  /// What RESET goes back to: the startup packet's over the server's own.
  let startup: [String: String]
  var settings: [String: String]
  var prepared: [String: String] = [:]
  var status = TransactionStatus.idle
  private(set) var ignoresTillSync = false
  private(set) var copy: Copy?
  private(set) var isBatchOpen = false
  var inbox: [UInt8] = []
  var outbox: [ModelReply] = []

  private var position = 0
  private var portal: (text: String, parameters: [String])?
  private var rows: Int32 = 0
  /// What a rollback goes back to; set while a transaction is open, implicit or not.
  private var snapshot: [String: String]?

  static let defaults = ["work_mem": "4MB", "datestyle": "ISO", "application_name": "none"]

  init(startup: [String: String] = [:]) {
    self.startup = Self.defaults.merging(startup) { $1 }
    settings = self.startup
  }

  /// Nothing to read that it would not ignore, nothing to say, no transaction, no batch, no COPY: whoever comes
  /// finds it as if it were new.
  var isAtRest: Bool {
    readsOnlyLateData && outbox.isEmpty && status == .idle && !ignoresTillSync && copy == nil
      && !isBatchOpen
  }

  /// What is left of a COPY that failed is read and ignored.
  private var readsOnlyLateData: Bool {
    var at = position
    while case .frame(let header) = FrameHeader.read(in: inbox.span, at: at) {
      switch header.tag {
      case FrontendTag.copyData, FrontendTag.copyDone, FrontendTag.copyFail, FrontendTag.flush:
        at += header.length
      default: return false
      }
    }
    return at == inbox.count
  }

  /// Consumes one message. False when there is none.
  mutating func step() -> Bool {
    guard case .frame(let header) = FrameHeader.read(in: inbox.span, at: position),
      position + header.length <= inbox.count
    else { return false }
    let offset = position
    position += header.length
    if copy != nil {
      copyMessage(header.tag, offset, header.length)
    } else if header.tag == FrontendTag.sync {
      sync()
    } else if !ignoresTillSync {
      message(header.tag, offset, header.length)
    }
    if position == inbox.count {
      inbox.removeAll()
      position = 0
    }
    return true
  }

  // MARK: The main loop

  private mutating func sync() {
    ignoresTillSync = false
    isBatchOpen = false
    endStatement()
    ready()
  }

  private mutating func message(_ tag: UInt8, _ offset: Int, _ length: Int) {
    let bytes = inbox
    let span = bytes.span
    switch tag {
    case FrontendTag.query:
      guard let view = QueryView.read(in: span, at: offset, length: length) else { return broken() }
      prepared[""] = nil
      isBatchOpen = false
      run(copiedText(in: span, from: view.textStart, to: view.textEnd).split(separator: ";").map(String.init))
    case FrontendTag.functionCall:
      isBatchOpen = false
      begin()
      if status == .failed {
        error("25P02", extended: false)
      } else {
        reply(BackendTag.functionCallResponse)
        endStatement()
      }
      ready()
    case FrontendTag.parse, FrontendTag.bind, FrontendTag.describe, FrontendTag.execute, FrontendTag.close:
      isBatchOpen = true
      begin()
      extended(tag, offset, length)
    case FrontendTag.flush, FrontendTag.copyData, FrontendTag.copyDone, FrontendTag.copyFail: return
    default: broken()
    }
  }

  private mutating func extended(_ tag: UInt8, _ offset: Int, _ length: Int) {
    let bytes = inbox
    let span = bytes.span
    switch tag {
    case FrontendTag.parse:
      guard let view = ParseView.read(in: span, at: offset, length: length) else { return broken() }
      let name = copiedText(in: span, from: view.nameStart, to: view.nameEnd)
      let text = copiedText(in: span, from: view.queryStart, to: view.queryEnd)
      if name.isEmpty { prepared[""] = nil }
      if text == "bad" { return error("42601", extended: true) }
      if status == .failed, !endsTransaction(text) { return error("25P02", extended: true) }
      if !name.isEmpty, prepared[name] != nil { return error("42P05", extended: true) }
      prepared[name] = text
      reply(BackendTag.parseComplete)
    case FrontendTag.bind:
      guard let view = BindView.read(in: span, at: offset, length: length) else { return broken() }
      let name = copiedText(in: span, from: view.statementStart, to: view.statementEnd)
      guard let text = prepared[name] else { return error("26000", extended: true) }
      if status == .failed, !endsTransaction(text) { return error("25P02", extended: true) }
      portal = (text, parameters(view.restStart))
      reply(BackendTag.bindComplete)
    case FrontendTag.describe:
      guard let view = TargetView.read(in: span, at: offset, length: length) else { return broken() }
      guard view.isStatement else {
        return portal == nil ? error("34000", extended: true) : reply(BackendTag.rowDescription)
      }
      let name = copiedText(in: span, from: view.nameStart, to: view.nameEnd)
      guard prepared[name] != nil else { return error("26000", extended: true) }
      if status == .failed { return error("25P02", extended: true) }
      reply(BackendTag.parameterDescription)
      reply(BackendTag.noData)
    case FrontendTag.execute:
      guard let portal else { return error("34000", extended: true) }
      execute(portal.text, portal.parameters, extended: true)
    default:
      guard let view = TargetView.read(in: span, at: offset, length: length) else { return broken() }
      if view.isStatement { prepared[copiedText(in: span, from: view.nameStart, to: view.nameEnd)] = nil }
      reply(BackendTag.closeComplete)
    }
  }

  /// The values of a Bind without format codes.
  private func parameters(_ start: Int) -> [String] {
    let bytes = inbox
    let span = bytes.span
    var values: [String] = []
    var at = start + 4
    for _ in 0..<Int(readUInt16(in: span, at: start + 2) ?? 0) {
      guard let length = readInt32(in: span, at: at) else { break }
      values.append(copiedText(in: span, from: at + 4, to: at + 4 + Int(length)))
      at += 4 + Int(length)
    }
    return values
  }

  // MARK: Statements

  /// The statements of a simple Query, up to a COPY, which goes on when its data has ended.
  private mutating func run(_ statements: [String]) {
    begin()
    if statements.isEmpty { reply(BackendTag.emptyQueryResponse) }
    for (index, text) in statements.enumerated() {
      if text == "bad" {
        error("42601", extended: false)
        return ready()
      }
      if text == "COPY t FROM STDIN", status != .failed {
        reply(BackendTag.copyInResponse)
        copy = .simple(Array(statements.dropFirst(index + 1)))
        return
      }
      if !execute(text, [], extended: false) { return ready() }
    }
    endStatement()
    ready()
  }

  @discardableResult
  private mutating func execute(_ text: String, _ parameters: [String], extended: Bool) -> Bool {
    if status == .failed, !endsTransaction(text) { return fails("25P02", extended) }
    let words = text.split(separator: " ").map(String.init)
    switch words.first {
    case nil: reply(BackendTag.emptyQueryResponse)
    case "fail": return fails("22012", extended)
    case "BEGIN":
      if status == .idle { status = .inTransaction }
      reply(BackendTag.commandComplete, "BEGIN")
    case "COMMIT", "ROLLBACK":
      if words[0] == "ROLLBACK" || status == .failed, let snapshot { settings = snapshot }
      status = .idle
      snapshot = settings
      reply(BackendTag.commandComplete, words[0])
    case "SET":
      settings[words[1].lowercased()] = words[3].filter { $0 != "'" }
      reply(BackendTag.commandComplete, "SET")
    case "RESET" where words[1] == "ALL":
      settings = startup
      reply(BackendTag.commandComplete, "RESET")
    case "RESET":
      if let value = startup[words[1].lowercased()] { settings[words[1].lowercased()] = value }
      reply(BackendTag.commandComplete, "RESET")
    case "DISCARD" where words[1] == "ALL":
      if status != .idle { return fails("25001", extended) }
      settings = startup
      prepared = prepared.filter { $0.key.isEmpty }
      reply(BackendTag.commandComplete, "DISCARD ALL")
    case "DEALLOCATE":
      prepared = prepared.filter { $0.key.isEmpty }
      reply(BackendTag.commandComplete, "DEALLOCATE ALL")
    case "COPY":
      reply(BackendTag.copyInResponse)
      copy = .extended
    case "SHOW": row(settings[words[1].lowercased()] ?? "", extended)
    case "SELECT" where words[1].hasPrefix("pg_catalog.set_config"):
      let isUnchanged = parameters.count == 3 && settings[parameters[0]] == parameters[2]
      let value = isUnchanged ? parameters[2] : parameters[1]
      settings[parameters[0]] = value
      row(value, extended)
    case "SELECT" where words[1].hasPrefix("pg_catalog.current_setting"):
      row(settings[parameters[0]] ?? "", extended)
    case "SELECT" where words.count > 2 && words[2] == "statement,":
      for (name, text) in prepared.sorted(by: { $0.key < $1.key })
      where !name.isEmpty && !name.hasPrefix("dbtool_") {
        reply(BackendTag.dataRow, "\(name)|\(text)|f")
      }
      reply(BackendTag.commandComplete, "SELECT")
    case "SELECT": row(words.dropFirst().joined(separator: " "), extended)
    default: reply(BackendTag.commandComplete, text)
    }
    return true
  }

  private mutating func row(_ value: String, _ extended: Bool) {
    if !extended { reply(BackendTag.rowDescription) }
    reply(BackendTag.dataRow, value)
    reply(BackendTag.commandComplete, "SELECT 1")
  }

  private func endsTransaction(_ text: String) -> Bool { text == "COMMIT" || text == "ROLLBACK" }

  // MARK: COPY

  private mutating func copyMessage(_ tag: UInt8, _ offset: Int, _ length: Int) {
    switch tag {
    case FrontendTag.copyData:
      if inbox[offset + FrameHeader.size] == UInt8(ascii: "!") { copyFails("22P04") }
    case FrontendTag.copyFail: copyFails("57014")
    case FrontendTag.copyDone:
      let ended = copy
      copy = nil
      reply(BackendTag.commandComplete, "COPY 1")
      if case .simple(let rest) = ended {
        if rest.isEmpty {
          endStatement()
          ready()
        } else {
          run(rest)
        }
      }
    case FrontendTag.flush, FrontendTag.sync: return
    default: broken()
    }
  }

  private mutating func copyFails(_ state: String) {
    let ended = copy
    copy = nil
    error(state, extended: ended == .extended)
    if ended != .extended { ready() }
  }

  // MARK: Transactions and replies

  private mutating func begin() { if snapshot == nil { snapshot = settings } }

  private mutating func endStatement() { if status == .idle { snapshot = nil } }

  private mutating func fails(_ state: String, _ extended: Bool) -> Bool {
    error(state, extended: extended)
    return false
  }

  private mutating func error(_ state: String, extended: Bool) {
    reply(BackendTag.errorResponse, state)
    portal = nil
    if let snapshot { settings = snapshot }
    if status == .idle { snapshot = nil } else { status = .failed }
    if extended { ignoresTillSync = true }
  }

  private mutating func ready() {
    if status == .idle { portal = nil }
    reply(BackendTag.readyForQuery, String(UnicodeScalar(status.rawValue)))
  }

  private mutating func broken() { reply(BackendTag.errorResponse, "08P01") }

  private mutating func reply(_ tag: UInt8, _ text: String = "") {
    outbox.append(ModelReply(tag: tag, text: text))
  }
}
