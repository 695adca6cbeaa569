import SQLText

/// What a text's leading words say about the transaction block that it runs in. For texts that were not carried out:
/// where would they have left their client?
package struct TransactionReading: Equatable, Sendable {
  /// What one statement, or all of a text, does to the block.
  package enum Step: Equatable, Sendable {
    /// Nothing, as far as the text goes.
    case none
    /// BEGIN, or an end AND CHAIN.
    case begins
    case commits
    case rollsBack

    package var ends: Bool { self == .commits || self == .rollsBack }
  }

  /// What the text's first statement does.
  package private(set) var first = Step.none
  /// Where all of it leaves the client.
  package private(set) var last = Step.none
  /// How many statements it has.
  package private(set) var count = 0
  /// It is one SELECT, INSERT, UPDATE, DELETE or MERGE, which may be sent again when it is certain that nothing of
  /// it was committed. Not one that ends backends: the next one would go, too.
  package private(set) var isRepeatable = false

  package var isEmpty: Bool { count == 0 }

  /// COMMIT or ROLLBACK and nothing else.
  package var isOnlyEnd: Bool { count == 1 && first.ends }

  package init() {}

  package static func read(_ text: Span<UInt8>) -> TransactionReading {
    var reading = TransactionReading()
    var lexer = Lexer(offset: 0, standardConformingStrings: true)
    var isPlain = false
    var endsBackends = false
    while true {
      var token = lexer.next(in: text)
      if token.kind == .end { break }
      if token.kind == .semicolon { continue }
      reading.count += 1
      isPlain = ["select", "insert", "update", "delete", "merge"].contains { isKeyword(token, $0, in: text) }
      var words: [Token] = []
      while token.kind != .end, token.kind != .semicolon {
        if token.kind == .word {
          if words.count < mostWords { words.append(token) }
          if isKeyword(token, "pg_terminate_backend", in: text) { endsBackends = true }
        } else if words.isEmpty {
          // A statement that begins otherwise, with a parenthesis say, is none of transaction control.
          words.append(token)
        }
        token = lexer.next(in: text)
      }
      let step = step(words, text)
      if reading.count == 1 { reading.first = step }
      if step != .none { reading.last = step }
      if token.kind == .end { break }
    }
    reading.isRepeatable = reading.count == 1 && isPlain && !endsBackends
    return reading
  }

  /// `ROLLBACK WORK AND NO CHAIN`.
  private static var mostWords: Int { 5 }

  private static func step(_ words: [Token], _ text: Span<UInt8>) -> Step {
    guard let first = words.first else { return .none }
    func says(_ place: Int, _ word: String) -> Bool {
      place < words.count && isKeyword(words[place], word, in: text)
    }
    if isKeyword(first, "begin", in: text) { return .begins }
    if isKeyword(first, "start", in: text) { return says(1, "transaction") ? .begins : .none }
    // Refused or not, it ends its block.
    if isKeyword(first, "prepare", in: text) { return says(1, "transaction") ? .commits : .none }
    let commits = isKeyword(first, "commit", in: text) || isKeyword(first, "end", in: text)
    guard commits || isKeyword(first, "rollback", in: text) || isKeyword(first, "abort", in: text) else {
      return .none
    }
    let next = says(1, "work") || says(1, "transaction") ? 2 : 1
    // ROLLBACK TO a savepoint, and the second phase of two.
    if says(next, "to") || says(1, "prepared") { return .none }
    if says(next, "and"), says(next + 1, "chain") { return .begins }
    return commits ? .commits : .rollsBack
  }
}
