extension Lexer {
  /// The end of a number that begins at `start` with a digit, or with a `.` before a digit.
  ///
  /// What cannot belong to it is left for the next token; PostgreSQL from 15 on calls `1a` an error.
  func endOfNumber(in text: Span<UInt8>, from start: Int) -> Int {
    if text[start] == 0x30, start + 1 < text.count {
      let bits: Int? =
        switch text[start + 1] | 0x20 {
        case 0x78: 4
        case 0x6F: 3
        case 0x62: 1
        default: nil
        }
      if let bits {
        let end = endOfDigits(in: text, from: start + 2, bits: bits)
        if end > start + 2 { return end }
      }
    }
    var end = endOfDecimals(in: text, from: start)
    if end < text.count, text[end] == 0x2E, !(end + 1 < text.count && text[end + 1] == 0x2E) {
      end += 1
      if end < text.count, text[end].isDigit { end = endOfDecimals(in: text, from: end) }
    }
    if end < text.count, text[end] | 0x20 == 0x65 {
      var exponent = end + 1
      if exponent < text.count, text[exponent] == 0x2B || text[exponent] == 0x2D { exponent += 1 }
      if exponent < text.count, text[exponent].isDigit { end = endOfDecimals(in: text, from: exponent) }
    }
    return end
  }

  /// `.5`, `..` or `.`.
  func dot(in text: Span<UInt8>, at start: Int) -> Token {
    if start + 1 < text.count {
      if text[start + 1].isDigit {
        return Token(kind: .number, start: start, end: endOfNumber(in: text, from: start))
      }
      if text[start + 1] == 0x2E { return Token(kind: .operatorSymbol, start: start, end: start + 2) }
    }
    return Token(kind: .dot, start: start, end: start + 1)
  }

  /// `::`, `:=` or `:`.
  func colon(in text: Span<UInt8>, at start: Int) -> Token {
    if start + 1 < text.count, text[start + 1] == 0x3A || text[start + 1] == 0x3D {
      return Token(kind: .operatorSymbol, start: start, end: start + 2)
    }
    return Token(kind: .colon, start: start, end: start + 1)
  }

  /// The end of an operator: before a comment that begins in the run, and without a `+` or `-` at its end
  /// unless a character before it allows that: `=-1` is `=` and `-`, `@-` is one operator.
  /// Source: manual, 4.1.3 Operators.
  func endOfOperator(in text: Span<UInt8>, from start: Int) -> Int {
    var end = start
    var isSpecial = false
    while end < text.count, text[end].isOperator, end == start || !isCommentStart(in: text, at: end) {
      isSpecial = isSpecial || text[end].isSpecialOperator
      end += 1
    }
    if !isSpecial {
      while end > start + 1, text[end - 1] == 0x2B || text[end - 1] == 0x2D { end -= 1 }
    }
    return end
  }

  /// The end of `[0-9](_?[0-9])*`.
  private func endOfDecimals(in text: Span<UInt8>, from start: Int) -> Int {
    var end = start
    while end < text.count {
      if text[end].isDigit {
        end += 1
      } else if text[end] == 0x5F, end > start, end + 1 < text.count, text[end + 1].isDigit {
        end += 2
      } else {
        break
      }
    }
    return end
  }

  /// The end of `(_?[digit])+`, where a digit holds so many bits.
  private func endOfDigits(in text: Span<UInt8>, from start: Int, bits: Int) -> Int {
    func isDigit(_ byte: UInt8) -> Bool {
      bits == 4 ? byte.isDigit || (byte | 0x20) &- 0x61 < 6 : byte &- 0x30 < (1 << UInt8(bits))
    }
    var end = start
    while end < text.count {
      if isDigit(text[end]) {
        end += 1
      } else if text[end] == 0x5F, end + 1 < text.count, isDigit(text[end + 1]) {
        end += 2
      } else {
        break
      }
    }
    return end
  }
}
