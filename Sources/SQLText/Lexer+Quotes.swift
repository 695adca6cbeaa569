extension Lexer {
  /// A string whose opening quote is at `quote`; `''` inside is a quote.
  func quotedString(
    _ kind: TokenKind, in text: Span<UInt8>, at start: Int, quote: Int, backslashes: Bool
  ) -> Token {
    var opening = quote
    while true {
      guard let end = endOfQuoted(in: text, from: opening + 1, quote: 0x27, backslashes: backslashes) else {
        return Token(kind: .unterminatedString, start: start, end: text.count)
      }
      guard kind == .escapeString, case .quote(let at) = stringContinuation(in: text, from: end) else {
        return Token(kind: kind, start: start, end: end)
      }
      opening = at
    }
  }

  /// A bit string ends at the first quote: nothing is doubled in it.
  func bitString(in text: Span<UInt8>, at start: Int, quote: Int) -> Token {
    var end = quote + 1
    while end < text.count {
      if text[end] == 0x27 { return Token(kind: .bitString, start: start, end: end + 1) }
      end += 1
    }
    return Token(kind: .unterminatedString, start: start, end: end)
  }

  /// An identifier whose opening `"` is at `quote`; `""` inside is a quote.
  func quotedIdentifier(_ kind: TokenKind, in text: Span<UInt8>, at start: Int, quote: Int) -> Token {
    guard let end = endOfQuoted(in: text, from: quote + 1, quote: 0x22, backslashes: false) else {
      return Token(kind: .unterminatedIdentifier, start: start, end: text.count)
    }
    return Token(kind: kind, start: start, end: end)
  }

  /// What a `$` begins: a parameter, a dollar quote, or nothing.
  func dollar(in text: Span<UInt8>, at start: Int) -> Token {
    var end = start + 1
    if end < text.count, text[end].isDigit {
      while end < text.count, text[end].isDigit { end += 1 }
      return Token(kind: .parameter, start: start, end: end)
    }
    guard let body = endOfDollarTag(in: text, at: start) else {
      return Token(kind: .other, start: start, end: start + 1)
    }
    let length = body - start
    end = body
    while end + length <= text.count {
      if text[end] == 0x24, isSame(in: text, start, end, length: length) {
        return Token(kind: .dollarString, start: start, end: end + length)
      }
      end += 1
    }
    return Token(kind: .unterminatedDollar, start: start, end: text.count)
  }

  /// The offset after the second `$` of the tag whose first one is at `start`; nil when there is no tag.
  func endOfDollarTag(in text: Span<UInt8>, at start: Int) -> Int? {
    var end = start + 1
    guard end < text.count else { return nil }
    if text[end].isIdentifierStart {
      while end < text.count, text[end].isTagPart { end += 1 }
    }
    guard end < text.count, text[end] == 0x24 else { return nil }
    return end + 1
  }

  /// Whether a closed `E'…'` goes on.
  enum Continuation {
    case none
    /// On a further line, with the quote at this offset.
    case quote(at: Int)
    /// Only white space and line comments follow; the text ends before it is known.
    case unknown
  }

  /// Strings that only white space with a line end parts are one string, so a second part of `E'…'` takes
  /// backslashes too (manual, 4.1.2.1; `quotecontinue` of scan.l, where line comments count as white space).
  func stringContinuation(in text: Span<UInt8>, from start: Int) -> Continuation {
    var index = start
    var sawNewline = false
    while index < text.count {
      let byte = text[index]
      if byte.isSpace {
        sawNewline = sawNewline || byte.isNewline
        index += 1
      } else if byte == 0x27 {
        return sawNewline ? .quote(at: index) : .none
      } else if byte == 0x2D {
        guard index + 1 < text.count else { return .unknown }
        guard text[index + 1] == 0x2D else { return .none }
        index = endOfLineComment(in: text, from: index)
      } else {
        return .none
      }
    }
    return .unknown
  }

  /// The offset after the closing quote, for text that begins after the opening one.
  @inline(__always)
  private func endOfQuoted(in text: Span<UInt8>, from start: Int, quote: UInt8, backslashes: Bool) -> Int? {
    var index = start
    while true {
      if backslashes {
        while index < text.count, text[index] != quote { index += text[index] == 0x5C ? 2 : 1 }
      } else {
        while index < text.count, text[index] != quote { index += 1 }
      }
      guard index < text.count else { return nil }
      index += 1
      guard index < text.count, text[index] == quote else { return index }
      index += 1
    }
  }

  @inline(__always)
  private func isSame(in text: Span<UInt8>, _ first: Int, _ second: Int, length: Int) -> Bool {
    var index = 0
    while index < length {
      if text[first + index] != text[second + index] { return false }
      index += 1
    }
    return true
  }
}
