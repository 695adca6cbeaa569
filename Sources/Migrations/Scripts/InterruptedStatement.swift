package import SQLText

/// What can be found out about a statement that was cut off.
package enum InterruptedStatement: Sendable, Equatable {
  /// `CREATE INDEX CONCURRENTLY`: an index of this name on this table (as text for `to_regclass`) tells.
  case indexBuild(name: String, table: String)
  /// `DROP INDEX CONCURRENTLY` of one index, as text for `to_regclass`.
  case indexDrop(name: String)
  /// It opened a transaction, which is gone: it runs again.
  case transactionStart
  /// It ended the transaction in which the record of its start was made. The record is there, so it did.
  case transactionEnd
  /// Only a person can tell; what to look at.
  case unknown(check: String)

  package init(_ statement: ScriptStatement) {
    let words = statement.keywords
    func begins(_ start: String...) -> Bool { words.starts(with: start) }
    if begins("CREATE", "INDEX", "CONCURRENTLY") || begins("CREATE", "UNIQUE", "INDEX", "CONCURRENTLY"),
      let build = Self.build(statement)
    {
      self = build
    } else if begins("DROP", "INDEX", "CONCURRENTLY"), let drop = Self.drop(statement) {
      self = drop
    } else {
      switch words.first {
      case "BEGIN", "START": self = .transactionStart
      case "COMMIT" where words.count < 2 || words[1] != "PREPARED", "END": self = .transactionEnd
      default: self = .unknown(check: Self.check(words))
      }
    }
  }

  private static func check(_ words: [String]) -> String {
    switch words.first {
    case "INSERT", "COPY", "UPDATE", "DELETE", "MERGE", "TRUNCATE": "whether its rows are as it leaves them"
    case "VACUUM", "ANALYZE", "CLUSTER", "CHECKPOINT": "nothing: it may run again"
    case "CREATE": "whether what it creates is there"
    case "DROP": "whether what it drops is gone"
    case "ALTER": "whether the change is there"
    case "REINDEX":
      "for indexes it left half built: SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid; drop those"
        + " that end in _ccnew or _ccold"
    case "CALL", "DO": "what it committed by itself before it was cut off"
    default: "whether it took effect"
    }
  }

  // MARK: - Indexes

  private static func build(_ statement: ScriptStatement) -> InterruptedStatement? {
    var words = Reader(statement.text)
    words.skip(["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", "IF", "NOT", "EXISTS"])
    // Without a name the server makes one up.
    guard !words.isAt("ON"), let name = words.name(), name.parts == 1 else { return nil }
    guard words.isAt("ON") else { return nil }
    words.skip(["ON", "ONLY"])
    guard let table = words.name() else { return nil }
    return .indexBuild(name: name.last, table: table.text)
  }

  private static func drop(_ statement: ScriptStatement) -> InterruptedStatement? {
    var words = Reader(statement.text)
    words.skip(["DROP", "INDEX", "CONCURRENTLY", "IF", "EXISTS"])
    guard let name = words.name() else { return nil }
    return words.isAt(.comma) ? nil : .indexDrop(name: name.text)
  }

  /// Reads words and names off the head of a statement.
  private struct Reader {
    let text: [UInt8]
    private var lexer: Lexer
    private var token: Token

    init(_ text: [UInt8]) {
      self.text = text
      var lexer = Lexer()
      token = lexer.next(in: text.span)
      self.lexer = lexer
    }

    private mutating func advance() {
      let bytes = text
      token = lexer.next(in: bytes.span)
    }

    private var word: String { String(decoding: text[token.start..<token.end], as: UTF8.self) }

    mutating func skip(_ words: Set<String>) {
      while token.kind == .word, words.contains(word.uppercased()) { advance() }
    }

    func isAt(_ keyword: String) -> Bool { token.kind == .word && word.uppercased() == keyword }
    func isAt(_ kind: TokenKind) -> Bool { token.kind == kind }

    /// `a`, `"A"`, `s.a`: as written, and the last part as the catalogue has it.
    mutating func name() -> (text: String, last: String, parts: Int)? {
      var whole = ""
      var parts = 0
      while true {
        let last: String
        switch token.kind {
        case .word: last = String(word.map { $0.isASCII ? Character($0.lowercased()) : $0 })
        case .quotedIdentifier:
          var inner: [UInt8] = []
          var index = token.start + 1
          while index < token.end - 1 {
            inner.append(text[index])
            index += text[index] == 0x22 ? 2 : 1
          }
          last = String(decoding: inner, as: UTF8.self)
        default: return nil
        }
        whole += word
        parts += 1
        advance()
        guard token.kind == .dot else { return (whole, last, parts) }
        whole += "."
        advance()
      }
    }
  }
}
