/// What has been seen of one statement: enough to know where it ends and of what kind it is.
///
/// All offsets count from the start of the script.
struct StatementScan: Sendable {
  /// The first token that is not a comment; nil: nothing to run so far.
  private(set) var firstToken: Int?
  private(set) var keywords: [String] = []
  private(set) var isCopyFromStdin = false
  private(set) var hasParameter = false
  /// The open parentheses, the innermost last.
  private(set) var parentheses: [Int] = []
  /// The open `BEGIN ATOMIC`.
  private(set) var atomicBlock: Int?

  /// How many `END` are missing: one for BEGIN ATOMIC, one for each CASE in it.
  private var missingEnds = 0
  private var isCopy = false
  private var previous = Previous.other
  private var previousStart = 0
  private var previousEnd = 0

  /// What the token before means for the next one.
  private enum Previous {
    case begin, from, `as`, dot, keyword, other
  }

  /// A semicolon here ends the statement.
  var isAtTopLevel: Bool { parentheses.isEmpty && missingEnds == 0 }

  /// - Parameter origin: the offset of the first byte of `text`.
  mutating func take(_ token: Token, in text: Span<UInt8>, origin: Int) {
    let start = origin + token.start
    if firstToken == nil {
      // Flyway takes a no-break space for white space; for PostgreSQL it is a letter.
      if isNoBreakSpace(token, in: text) { return }
      firstToken = start
      isCopy = isKeyword(token, "COPY", in: text)
    }
    var meaning = Previous.other
    switch token.kind {
    case .leftParen: parentheses.append(start)
    case .rightParen: _ = parentheses.popLast()
    case .word: meaning = takeWord(token, in: text)
    case .parameter: hasParameter = true
    case .dot:
      // What stands before a dot was the qualifier of a name.
      if previous == .keyword, previousEnd == start { keywords.removeLast() }
      meaning = .dot
    default: break
    }
    previous = meaning
    previousStart = start
    previousEnd = origin + token.end
  }

  private mutating func takeWord(_ token: Token, in text: Span<UInt8>) -> Previous {
    if missingEnds > 0 {
      // Behind a dot and behind AS, any keyword is a name.
      if previous != .dot, previous != .as {
        if isKeyword(token, "CASE", in: text) { missingEnds += 1 }
        if isKeyword(token, "END", in: text) { missingEnds -= 1 }
        if missingEnds == 0 { atomicBlock = nil }
      }
      return isKeyword(token, "AS", in: text) ? .as : .other
    }
    guard parentheses.isEmpty, previous != .dot else { return .other }
    if previous == .begin, isKeyword(token, "ATOMIC", in: text), isRoutine {
      missingEnds = 1
      atomicBlock = previousStart
      return .other
    }
    if isCopy, previous == .from, isKeyword(token, "STDIN", in: text) { isCopyFromStdin = true }
    let isCollected = keywords.count < ScriptStatement.maximumKeywords && collect(token, in: text)
    if isKeyword(token, "BEGIN", in: text) { return .begin }
    if isKeyword(token, "FROM", in: text) { return .from }
    return isCollected ? .keyword : .other
  }

  /// `CREATE [OR REPLACE] FUNCTION | PROCEDURE`: the only statements with a body of SQL statements.
  private var isRoutine: Bool {
    guard keywords.count >= 2, keywords[0] == "CREATE" else { return false }
    let isReplace = keywords.count >= 4 && keywords[1] == "OR" && keywords[2] == "REPLACE"
    let kind = keywords[isReplace ? 3 : 1]
    return kind == "FUNCTION" || kind == "PROCEDURE"
  }

  private mutating func collect(_ token: Token, in text: Span<UInt8>) -> Bool {
    var letters: [UInt8] = []
    letters.reserveCapacity(token.end - token.start)
    for index in token.start..<token.end {
      let byte = text[index]
      guard byte.isASCIILetter || byte == 0x5F else { return false }
      letters.append(byte.isASCIILetter ? byte & 0xDF : byte)
    }
    keywords.append(String(decoding: letters, as: UTF8.self))
    return true
  }

  private func isNoBreakSpace(_ token: Token, in text: Span<UInt8>) -> Bool {
    guard token.kind == .word else { return false }
    var index = token.start
    while index < token.end {
      guard index + 1 < token.end, text[index] == 0xC2, text[index + 1] == 0xA0 else { return false }
      index += 2
    }
    return true
  }
}
