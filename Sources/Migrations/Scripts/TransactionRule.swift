package import SQLText

/// Which statements PostgreSQL refuses inside a transaction block.
///
/// Flyway knows a part of this list; a script that it can run runs here, too. What only a catalogue can tell
/// (CLUSTER or REINDEX of a partitioned table, a CALL that commits) needs `executeInTransaction=false` in the
/// script's configuration. Source: PostgreSQL manual, the reference page of each statement.
package enum TransactionRule {
  /// - Parameter serverVersion: as libpq counts it, 150018.
  package static func canRunInTransaction(_ statement: ScriptStatement, serverVersion: Int) -> Bool {
    guard let first = statement.keywords.first, suspects.contains(first) else { return true }
    let words = StatementWords(statement.text.span)
    switch first {
    case "VACUUM": return false
    case "CREATE":
      if ["DATABASE", "TABLESPACE", "SUBSCRIPTION"].contains(words[1]) { return false }
      return !words.begin(["CREATE", "INDEX", "CONCURRENTLY"])
        && !words.begin(["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY"])
    case "DROP":
      if ["DATABASE", "TABLESPACE", "SUBSCRIPTION"].contains(words[1]) { return false }
      return !words.begin(["DROP", "INDEX", "CONCURRENTLY"])
    case "REINDEX":
      // REINDEX [(…)] [VERBOSE] INDEX | TABLE | SCHEMA | DATABASE | SYSTEM [CONCURRENTLY] name
      let outer = words.outside.filter { $0 != "VERBOSE" }
      let kind = outer.count > 1 ? outer[1] : ""
      return !["SCHEMA", "DATABASE", "SYSTEM"].contains(kind) && !outer.prefix(3).contains("CONCURRENTLY")
        && (!words.inside.contains("CONCURRENTLY") || words.containPair("CONCURRENTLY", "FALSE"))
    case "ALTER": return alterCanRunInTransaction(words, serverVersion)
    case "DISCARD": return words[1] != "ALL"
    case "CLUSTER": return !words.isOnly(["CLUSTER"]) && !words.isOnly(["CLUSTER", "VERBOSE"])
    case "COMMIT", "ROLLBACK": return words[1] != "PREPARED"
    case "REPACK": return !words.contain("CONCURRENTLY")
    default: return true
    }
  }

  /// Whether a statement ends the transaction that its script runs in.
  package static func endsTransaction(_ statement: ScriptStatement) -> Bool {
    switch statement.keywords.first {
    case "COMMIT", "END", "ABORT": true
    case "ROLLBACK": !statement.keywords.contains("TO") && !statement.keywords.contains("PREPARED")
    case "PREPARE": statement.keywords.dropFirst().first == "TRANSACTION"
    default: false  // every other statement
    }
  }

  private static func alterCanRunInTransaction(_ words: StatementWords, _ serverVersion: Int) -> Bool {
    switch words[1] {
    case "SYSTEM": return false
    case "TYPE": return serverVersion >= 120000 || !words.contain("ADD") || !words.contain("VALUE")
    case "DATABASE": return !words.contain("TABLESPACE")
    case "TABLE": return !(words.contain("DETACH") && words.contain("CONCURRENTLY"))
    case "SUBSCRIPTION":
      if words.inside.contains("FAILOVER") || words.inside.contains("TWO_PHASE") { return false }
      let touches = words.contain("PUBLICATION")
      return !touches || words.containPair("REFRESH", "FALSE")
    default: return true
    }
  }

  private static let suspects: Set<String> = [
    "VACUUM", "CREATE", "DROP", "REINDEX", "ALTER", "DISCARD", "CLUSTER", "COMMIT", "ROLLBACK", "REPACK",
  ]
}

/// The unquoted words at the head of a statement, those in parentheses too, in upper case.
struct StatementWords {
  private var words: [String] = []
  /// Those outside parentheses, and those in them.
  private(set) var outside: [String] = []
  private(set) var inside: [String] = []
  private var hasMore = false

  init(_ text: Span<UInt8>) {
    var lexer = Lexer()
    var depth = 0
    // No statement of the list hides its telling word farther back than this.
    for _ in 0..<32 {
      let token = lexer.next(in: text)
      if token.kind == .end { return }
      guard token.kind == .word else {
        if token.kind == .leftParen { depth += 1 }
        if token.kind == .rightParen { depth -= 1 }
        if token.kind == .quotedIdentifier || token.kind == .unicodeIdentifier { add("\"", depth) }
        continue
      }
      var word = ""
      for index in token.start..<token.end { word.unicodeScalars.append(Unicode.Scalar(text[index])) }
      add(word.uppercased(), depth)
    }
    hasMore = true
  }

  private mutating func add(_ word: String, _ depth: Int) {
    words.append(word)
    if depth == 0 { outside.append(word) } else { inside.append(word) }
  }

  subscript(_ index: Int) -> String { index < words.count ? words[index] : "" }

  func begin(_ start: [String]) -> Bool { words.starts(with: start) }
  func isOnly(_ all: [String]) -> Bool { !hasMore && words == all }
  /// The first word is the statement's own.
  func contain(_ word: String) -> Bool { words.dropFirst().contains(word) }
  func containPair(_ one: String, _ other: String) -> Bool {
    zip(words, words.dropFirst()).contains { $0 == one && $1 == other }
  }
}
