/// A place in a text file.
package struct SourcePosition: Equatable, Hashable, Sendable {
  /// From 1. `\n`, `\r\n` and a lone `\r` end lines.
  package var line: Int
  /// From 1, in Unicode scalars. A byte order mark at the start of the text has no column.
  package var column: Int
  /// From 0, in bytes.
  package var offset: Int

  package init(line: Int, column: Int, offset: Int) {
    self.line = line
    self.column = column
    self.offset = offset
  }

  /// The first byte of a text.
  package static let start = SourcePosition(line: 1, column: 1, offset: 0)
}

/// The place of a byte of a text.
///
/// - Parameters:
///   - offset: from 0 to the length of the text; beyond means its end.
///   - origin: where the text itself begins in a larger one, for a statement out of a script.
package func position(
  of offset: Int, in text: Span<UInt8>, from origin: SourcePosition = .start
) -> SourcePosition {
  let offset = min(max(offset, 0), text.count)
  // The second byte of `\r\n` still belongs to the line that it ends.
  let splitsLineEnd =
    offset > 0 && offset < text.count && text[offset] == 0x0A && text[offset - 1] == 0x0D
  var counter = PositionCounter(at: origin)
  counter.advance(over: text, from: 0, to: splitsLineEnd ? offset - 1 : offset)
  var position = counter.position
  if splitsLineEnd {
    position.column += 1
    position.offset += 1
  }
  return position
}

/// The byte offset of a character, counted from 1 as the server counts the position of an error in a
/// statement (protocol, 55.8: field `P`, in characters). Beyond the end: the length of the text.
package func byteOffset(ofCharacter number: Int, in text: Span<UInt8>) -> Int {
  var seen = 0
  var index = 0
  while index < text.count {
    if text[index] & 0xC0 != 0x80 {
      seen += 1
      if seen >= number { return index }
    }
    index += 1
  }
  return text.count
}

/// Counts lines and columns over bytes that pass once, in pieces of any size.
struct PositionCounter: Sendable {
  private(set) var position: SourcePosition
  private var isAfterCarriageReturn = false

  init(at position: SourcePosition = .start) {
    self.position = position
  }

  mutating func advance(over text: Span<UInt8>, from start: Int, to end: Int) {
    var line = position.line
    var column = position.column
    var afterReturn = isAfterCarriageReturn
    var index = start
    if position.offset == 0, start + 3 <= end, isByteOrderMark(in: text, at: start) { index += 3 }
    while index < end {
      let byte = text[index]
      index += 1
      if byte >= 0x20 {
        // Only the first byte of a scalar counts.
        if byte & 0xC0 != 0x80 { column += 1 }
        afterReturn = false
      } else if byte == 0x0A {
        if !afterReturn {
          line += 1
          column = 1
        }
        afterReturn = false
      } else {
        afterReturn = byte == 0x0D
        if afterReturn {
          line += 1
          column = 1
        } else {
          column += 1
        }
      }
    }
    position = SourcePosition(line: line, column: column, offset: position.offset + max(0, end - start))
    isAfterCarriageReturn = afterReturn
  }
}

/// Whether the UTF-8 byte order mark stands at `start`.
func isByteOrderMark(in text: Span<UInt8>, at start: Int) -> Bool {
  start + 3 <= text.count && text[start] == 0xEF && text[start + 1] == 0xBB && text[start + 2] == 0xBF
}
