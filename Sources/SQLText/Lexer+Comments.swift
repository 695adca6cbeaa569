extension Lexer {
  /// Whether `--` or `/*` stands at `start`.
  @inline(__always)
  func isCommentStart(in text: Span<UInt8>, at start: Int) -> Bool {
    guard start + 1 < text.count else { return false }
    return switch text[start] {
    case 0x2D: text[start + 1] == 0x2D
    case 0x2F: text[start + 1] == 0x2A
    default: false
    }
  }

  /// The offset of the line end, which is not part of the comment, or of the end of the text.
  func endOfLineComment(in text: Span<UInt8>, from start: Int) -> Int {
    var end = start
    while end < text.count, !text[end].isNewline { end += 1 }
    return end
  }

  /// The offset after the `*/` that closes a comment whose `/*` ends before `start`; comments nest.
  func endOfBlockComment(in text: Span<UInt8>, from start: Int) -> Int? {
    var depth = 1
    var index = start
    while index + 1 < text.count {
      let byte = text[index]
      if byte == 0x2A, text[index + 1] == 0x2F {
        index += 2
        depth -= 1
        if depth == 0 { return index }
      } else if byte == 0x2F, text[index + 1] == 0x2A {
        index += 2
        depth += 1
      } else {
        index += 1
      }
    }
    return nil
  }
}
