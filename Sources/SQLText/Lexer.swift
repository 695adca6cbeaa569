/// PostgreSQL's lexical rules over bytes: each call of ``next(in:)`` gives the next token.
///
/// The text is not kept: the same text, or the same with more at its end, is passed to every call. Nothing is
/// allocated, since the pool lets every simple query pass through here.
/// Source: PostgreSQL 15 manual, 4.1 Lexical Structure; src/backend/parser/scan.l.
package struct Lexer: Sendable {
  /// Byte offset where the next token, or the white space before it, begins.
  package var offset: Int
  /// The server setting: when off, backslashes escape in `'…'` too.
  package var standardConformingStrings: Bool

  /// - Parameters:
  ///   - offset: a token boundary to start from; from 0 to the length of the text.
  ///   - standardConformingStrings: the server setting, on since PostgreSQL 9.1.
  package init(offset: Int = 0, standardConformingStrings: Bool = true) {
    self.offset = offset
    self.standardConformingStrings = standardConformingStrings
  }

  /// The next token; white space and comments before it are skipped.
  ///
  /// At the end of the text the answer is `.end`, again and again. What is opened and never closed reaches to
  /// the end of the text and carries the opening offset in `start`.
  package mutating func next(in text: Span<UInt8>) -> Token {
    var start = offset
    while start < text.count {
      let byte = text[start]
      // The two most frequent cases first: a chain of well predicted branches beats a jump table here.
      if byte.isIdentifierStart {
        let token = wordOrPrefixedString(in: text, at: start, first: byte)
        offset = token.end
        return token
      } else if byte.isSpace {
        start += 1
      } else if byte == 0x2D, isCommentStart(in: text, at: start) {
        start = endOfLineComment(in: text, from: start + 2)
      } else if byte == 0x2F, isCommentStart(in: text, at: start) {
        guard let end = endOfBlockComment(in: text, from: start + 2) else {
          return unterminated(.unterminatedComment, from: start, in: text)
        }
        start = end
      } else {
        let token = token(in: text, at: start, first: byte)
        offset = token.end
        return token
      }
    }
    offset = start
    return Token(kind: .end, start: start, end: start)
  }

  /// The token that begins at `start` with the byte `first`, which is no letter.
  @inline(__always)
  private func token(in text: Span<UInt8>, at start: Int, first: UInt8) -> Token {
    switch first {
    case 0x3B: return single(.semicolon, start)
    case 0x28: return single(.leftParen, start)
    case 0x29: return single(.rightParen, start)
    case 0x2C: return single(.comma, start)
    case 0x5B: return single(.leftBracket, start)
    case 0x5D: return single(.rightBracket, start)
    case 0x27:
      return quotedString(.string, in: text, at: start, quote: start, backslashes: !standardConformingStrings)
    case 0x22: return quotedIdentifier(.quotedIdentifier, in: text, at: start, quote: start)
    case 0x24: return dollar(in: text, at: start)
    case 0x30...0x39:
      return Token(kind: .number, start: start, end: endOfNumber(in: text, from: start))
    case 0x2E: return dot(in: text, at: start)
    case 0x3A: return colon(in: text, at: start)
    default:
      if first.isOperator {
        return Token(kind: .operatorSymbol, start: start, end: endOfOperator(in: text, from: start))
      }
      return single(.other, start)
    }
  }

  /// A word, unless its first letter announces a string: `E'` `B'` `X'` `N'` `U&'` `U&"`, in either case.
  @inline(__always)
  private func wordOrPrefixedString(in text: Span<UInt8>, at start: Int, first: UInt8) -> Token {
    let second = start + 1
    if second < text.count {
      if text[second] == 0x27 {
        switch first | 0x20 {
        case 0x65:
          return quotedString(.escapeString, in: text, at: start, quote: second, backslashes: true)
        case 0x62, 0x78:
          return bitString(in: text, at: start, quote: second)
        case 0x6E:
          return quotedString(
            .string, in: text, at: start, quote: second, backslashes: !standardConformingStrings)
        default: break
        }
      } else if text[second] == 0x26, first | 0x20 == 0x75, start + 2 < text.count {
        if text[start + 2] == 0x27 {
          return quotedString(.unicodeString, in: text, at: start, quote: start + 2, backslashes: false)
        }
        if text[start + 2] == 0x22 {
          return quotedIdentifier(.unicodeIdentifier, in: text, at: start, quote: start + 2)
        }
      }
    }
    var end = second
    while end < text.count, text[end].isIdentifierPart { end += 1 }
    return Token(kind: .word, start: start, end: end)
  }

  @inline(__always)
  private func single(_ kind: TokenKind, _ start: Int) -> Token {
    Token(kind: kind, start: start, end: start + 1)
  }

  /// Moves to the end of the text.
  private mutating func unterminated(_ kind: TokenKind, from start: Int, in text: Span<UInt8>) -> Token {
    offset = text.count
    return Token(kind: kind, start: start, end: text.count)
  }
}
