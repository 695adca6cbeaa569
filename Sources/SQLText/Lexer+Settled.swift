extension Lexer {
  /// Whether the token stays what it is whatever follows the text: the question for text that still arrives.
  ///
  /// No token needs more than three bytes behind it (`1` before `e+5`), but for those named here.
  /// Most have a separator behind them, which settles them at once.
  func isSettled(_ token: Token, in text: Span<UInt8>) -> Bool {
    switch token.kind {
    case .semicolon, .leftParen, .rightParen, .leftBracket, .rightBracket, .comma, .dollarString, .bitString:
      return true
    case .unterminatedString, .unterminatedIdentifier, .unterminatedDollar, .unterminatedComment, .end:
      return false
    case .escapeString:
      if case .unknown = stringContinuation(in: text, from: token.end) { return false }
      return true
    case .other:
      // A lone `$` may open a dollar quote whose tag is not complete.
      guard text[token.start] == 0x24 else { return true }
      var end = token.end
      while end < text.count, text[end].isTagPart { end += 1 }
      return end < text.count
    case .operatorSymbol:
      // `+` at the end of an operator depends on the whole run.
      var end = token.end
      while end < text.count, text[end].isOperator { end += 1 }
      return end < text.count
    case .word, .quotedIdentifier, .unicodeIdentifier, .string, .unicodeString, .number, .parameter, .dot,
      .colon:
      return token.end + 3 <= text.count || isSeparator(in: text, at: token.end)
    }
  }

  /// Whether a byte stands at `index` that no token in front of it can take in.
  private func isSeparator(in text: Span<UInt8>, at index: Int) -> Bool {
    guard index < text.count else { return false }
    return switch text[index] {
    case 0x28, 0x29, 0x2C, 0x3B: true
    default: text[index].isSpace
    }
  }
}
