package import PostgresWire
import SQLText

/// Reads what is typed at the console.
package enum ConsoleParser {
  /// The commands of a text, between semicolons; without any, none.
  /// - Throws: what is wrong with the first one that is wrong, as the client is to be told.
  package static func commands(in text: [UInt8]) throws(ErrorFields) -> [ConsoleCommand] {
    var commands: [ConsoleCommand] = []
    var lexer = Lexer()
    var words: [Word] = []
    var start = 0
    while true {
      let token = lexer.next(in: text.span)
      switch token.kind {
      case .end, .semicolon:
        if !words.isEmpty {
          let whole = String(decoding: text[start..<words[words.count - 1].end], as: UTF8.self)
          let shown = whole.count > longestShown ? whole.prefix(longestShown) + "…" : whole
          commands.append(try command(words, shown))
          guard commands.count <= mostCommands else {
            throw ErrorFields(
              severity: .error, sqlState: "54000", message: "more than \(mostCommands) commands at once")
          }
        }
        if token.kind == .end { return commands }
        words = []
      default:  // all other tokens are parts of a command, right or wrong
        if words.isEmpty { start = token.start }
        words.append(Word(token, in: text))
      }
    }
  }

  /// Characters of a command in an error.
  private static let longestShown = 80
  /// In one text: each may answer with as many rows as there are clients.
  private static let mostCommands = 100

  /// A token, as far as commands know any.
  private struct Word {
    enum Kind { case bare, quoted, string, number, symbol }

    let kind: Kind
    /// Without quotes.
    let text: String
    let end: Int

    init(_ token: Token, in bytes: [UInt8]) {
      let raw = String(decoding: bytes[token.start..<token.end], as: UTF8.self)
      end = token.end
      switch token.kind {
      case .word: (kind, text) = (.bare, raw)
      case .quotedIdentifier: (kind, text) = (.quoted, Word.unquoted(raw, "\""))
      case .string: (kind, text) = (.string, Word.unquoted(raw, "'"))
      case .number: (kind, text) = (.number, raw)
      default: (kind, text) = (.symbol, raw)  // nothing that any command takes, but `=`
      }
    }

    private static func unquoted(_ raw: String, _ quote: Character) -> String {
      guard raw.count >= 2, raw.first == quote else { return raw }
      var text = ""
      var isDoubled = false
      for character in raw.dropFirst().dropLast() {
        isDoubled = character == quote && !isDoubled
        if !isDoubled { text.append(character) }
      }
      return text
    }

    /// In lower case; empty for what is no bare word.
    var keyword: String { kind == .bare ? lowercasedASCII(text) : "" }
    /// A database, a setting, a value.
    var isName: Bool { kind == .bare || kind == .quoted || kind == .string }
    var isValue: Bool { isName || kind == .number }
  }

  private static func command(_ words: [Word], _ shown: String) throws(ErrorFields) -> ConsoleCommand {
    let rest = Array(words.dropFirst())
    switch words[0].keyword {
    case "show": return try show(rest, shown)
    case "select":
      if rest.count == 1, rest[0].text == "1" { return .one }
      return try show(rest, shown)
    case "set", "reset": return try set(words, shown)
    case "begin", "start": return .begin
    case "commit", "end": return .commit
    case "rollback", "abort": return .rollback
    case "discard", "deallocate", "unlisten":
      return .ignored(tag: rest.reduce(words[0].keyword) { "\($0) \($1.keyword)" }.uppercased(), isSet: false)
    default: return .order(try order(words[0].keyword, rest, shown))  // an open set: it is a person who types
    }
  }

  private static func show(_ words: [Word], _ shown: String) throws(ErrorFields) -> ConsoleCommand {
    let name = words.map { $0.kind == .quoted ? lowercasedASCII($0.text) : $0.keyword }.joined(separator: " ")
    if words.count == 1, let view = ConsoleView(rawValue: name) { return .show(view) }
    if let setting = sessionSettings.first(where: { $0.name == name }) {
      return .sessionSetting(name: setting.name, value: setting.value)
    }
    if name == "transaction isolation level" {
      return .sessionSetting(name: "transaction_isolation", value: "read committed")
    }
    guard words.count == 1 else { throw invalid(shown) }
    throw ErrorFields(
      severity: .error, sqlState: "42601", message: "invalid command \"\(shown)\"",
      hint: "SHOW takes one of "
        + ConsoleView.allCases.map { $0.rawValue.uppercased() }.sorted().joined(separator: ", ") + ".")
  }

  /// What a driver may look at or set by itself once it is in. Source: what psycopg, libpq programs, pgJDBC and lib/pq
  /// do.
  private static let sessionSettings: [(name: String, value: String)] = [
    ("client_encoding", "UTF8"), ("server_encoding", "UTF8"), ("datestyle", "ISO, MDY"),
    ("timezone", "GMT"), ("standard_conforming_strings", "on"), ("extra_float_digits", "1"),
    ("application_name", ""), ("default_transaction_isolation", "read committed"),
    ("transaction_isolation", "read committed"), ("transaction_read_only", "off"),
    ("default_transaction_read_only", "off"), ("intervalstyle", "postgres"),
    ("statement_timeout", "0"), ("search_path", ""),
  ]

  private static func set(_ words: [Word], _ shown: String) throws(ErrorFields) -> ConsoleCommand {
    var rest = words.dropFirst()
    if let first = rest.first?.keyword, ["session", "local"].contains(first) { rest = rest.dropFirst() }
    guard let key = rest.first, key.isName else { throw invalid(shown) }
    let name = lowercasedASCII(key.text)
    if ["transaction", "characteristics", "names", "time"].contains(name)
      || sessionSettings.contains(where: { $0.name == name })
    {
      return .ignored(tag: words[0].keyword.uppercased(), isSet: true)
    }
    rest = rest.dropFirst()
    guard words[0].keyword == "set", rest.count == 2, let between = rest.first,
      between.text == "=" || between.keyword == "to", let value = rest.last, value.isValue
    else { throw invalid(shown, hint: "As in SET borrow_timeout = '3s'.") }
    return .order(.set(key: name, value: value.text))
  }

  private static func order(
    _ keyword: String, _ rest: [Word], _ shown: String
  ) throws(ErrorFields) -> ConsoleOrder {
    guard rest.count <= 1, rest.allSatisfy(\.isValue) else { throw invalid(shown) }
    let argument = rest.first?.text
    func named() throws(ErrorFields) -> String {
      guard let argument else {
        throw ErrorFields(
          severity: .error, sqlState: "42601", message: "\(keyword.uppercased()) needs a database",
          hint: "SHOW DATABASES lists them.")
      }
      return argument
    }
    switch (keyword, argument) {
    case ("pause", _): return .pause(argument)
    case ("resume", _): return .resume(argument)
    case ("reconnect", _): return .reconnect(argument)
    case ("kill", _): return .kill(argument)
    case ("wait_close", _): return .waitClose(argument)
    case ("disable", _): return .disable(try named())
    case ("enable", _): return .enable(try named())
    case ("kill_client", let text?):
      // SHOW CLIENTS has the number twice, as `id` and in hexadecimal as `ptr`.
      let number = text.hasPrefix("0x") ? UInt32(text.dropFirst(2), radix: 16) : UInt32(text)
      guard let number else { throw invalid(shown, hint: "The client's id stands in SHOW CLIENTS.") }
      return .killClient(number)
    case ("kill_client", nil): throw invalid(shown, hint: "The client's id stands in SHOW CLIENTS.")
    case ("reload", nil): return .reload
    case ("suspend", nil): return .suspend
    case ("shutdown", nil): return .shutdown(.immediate)
    case ("shutdown", let how?):
      switch lowercasedASCII(how) {
      case "wait_for_servers": return .shutdown(.afterTransactions)
      case "wait_for_clients": return .shutdown(.afterClients)
      default: throw invalid(shown, hint: "SHUTDOWN takes WAIT_FOR_SERVERS, WAIT_FOR_CLIENTS or nothing.")
      }
    default: throw invalid(shown)  // an open set
    }
  }

  private static func invalid(_ shown: String, hint: String? = nil) -> ErrorFields {
    ErrorFields(
      severity: .error, sqlState: "42601", message: "invalid command \"\(shown)\"",
      hint: hint ?? "This is the pool's console, not a database; SHOW HELP lists its commands.")
  }
}
