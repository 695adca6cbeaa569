/// What `shouldExecute` in a script's configuration says: `true`, `false`, `A==B`, `A!=B`, joined by `&&` and `||`,
/// with parentheses. Placeholders have been replaced. Source: Flyway's manual, script configuration.
package struct ScriptCondition: Sendable, Equatable {
  /// As written, placeholders replaced.
  package let text: String
  package let holds: Bool

  /// - Throws: `MigrationError.unreadableCondition`.
  package init(_ text: String) throws(MigrationError) {
    var reader = Reader(text)
    guard let value = reader.either(), reader.isAtEnd else { throw .unreadableCondition(text) }
    self.text = text
    holds = value
  }

  private enum Token: Equatable {
    case word(String)
    case equal, unequal, and, or, open, close
  }

  /// A value at each level, or nil when the text is none.
  private struct Reader {
    private var tokens: [Token] = []
    private var position = 0

    init(_ text: String) {
      let symbols: [(String, Token)] = [
        ("==", .equal), ("!=", .unequal), ("&&", .and), ("||", .or), ("(", .open), (")", .close),
      ]
      var word = ""
      func finished() -> [Token] {
        let trimmed = PropertiesFile.trim(word)
        return trimmed.isEmpty ? [] : [.word(trimmed)]
      }
      var rest = text[...]
      while let character = rest.first {
        if let (symbol, token) = symbols.first(where: { rest.hasPrefix($0.0) }) {
          tokens += finished() + [token]
          word = ""
          rest = rest.dropFirst(symbol.count)
        } else {
          word.append(character)
          rest = rest.dropFirst()
        }
      }
      tokens += finished()
    }

    var isAtEnd: Bool { position == tokens.count }

    private mutating func take(_ token: Token) -> Bool {
      guard position < tokens.count, tokens[position] == token else { return false }
      position += 1
      return true
    }

    /// A literal; nothing at all is one too, for a placeholder without text.
    private mutating func word() -> String {
      guard position < tokens.count, case .word(let text) = tokens[position] else { return "" }
      position += 1
      return text
    }

    mutating func either() -> Bool? {
      guard var value = both() else { return nil }
      while take(.or) {
        guard let next = both() else { return nil }
        value = value || next
      }
      return value
    }

    private mutating func both() -> Bool? {
      guard var value = single() else { return nil }
      while take(.and) {
        guard let next = single() else { return nil }
        value = value && next
      }
      return value
    }

    private mutating func single() -> Bool? {
      if take(.open) {
        guard let value = either(), take(.close) else { return nil }
        return value
      }
      let left = word()
      if take(.equal) { return left == word() }
      if take(.unequal) { return left != word() }
      switch left.lowercased() {
      case "true": return true
      case "false": return false
      default: return nil  // a word alone says neither
      }
    }
  }
}
