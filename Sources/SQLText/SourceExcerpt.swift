/// The line of a text that an error is about, and a caret under the place.
package struct SourceExcerpt: Equatable, Sendable {
  /// Line of the source, from 1.
  package var line: Int
  /// Column of the source, from 1, in Unicode scalars.
  package var column: Int
  /// The line without its end. Tabs are kept, other control characters are replaced by U+FFFD, so that a
  /// script cannot steer the terminal. A long line is cut around the caret, `…` marking each cut.
  package var text: String
  /// As wide as what stands before the place, with the same tabs, then `^`.
  package var caret: String

  /// - Parameters:
  ///   - source: the text, or a statement out of it.
  ///   - offset: byte offset of the place in `source`; beyond its end means its end.
  ///   - origin: where `source` begins in the file; then `line` and `column` are the file's.
  ///   - width: the most scalars of a line that are shown, at least 20.
  package init(
    of source: Span<UInt8>, at offset: Int, from origin: SourcePosition = .start, width: Int = 100
  ) {
    let offset = min(max(offset, 0), source.count)
    let place = position(of: offset, in: source, from: origin)
    var start = offset
    // A place on the line's own end belongs to the line before it.
    if start > 0, start < source.count, source[start] == 0x0A, source[start - 1] == 0x0D { start -= 1 }
    let mark = start
    while start > 0, !source[start - 1].isNewline { start -= 1 }
    var end = mark
    while end < source.count, !source[end].isNewline { end += 1 }
    if start == 0, isByteOrderMark(in: source, at: 0), mark >= 3 { start = 3 }

    let before = SourceExcerpt.scalars(of: source, from: start, to: mark)
    let after = SourceExcerpt.scalars(of: source, from: mark, to: end)
    let width = max(width, 20)
    var shownBefore = before[...]
    var shownAfter = after[...]
    if before.count + after.count > width {
      // Two thirds of the room go to what leads to the place, more when less follows it.
      let lead = min(before.count, max(width * 2 / 3, width - after.count))
      shownBefore = before.suffix(lead)
      shownAfter = after.prefix(width - lead)
    }
    var text = String.UnicodeScalarView()
    if shownBefore.count < before.count { text.append("…") }
    text.append(contentsOf: shownBefore)
    var caret = String.UnicodeScalarView()
    caret.append(contentsOf: text.map { $0 == "\t" ? "\t" : " " })
    caret.append("^")
    text.append(contentsOf: shownAfter)
    if shownAfter.count < after.count { text.append("…") }

    line = place.line
    column = place.column
    self.text = String(text)
    self.caret = String(caret)
  }

  private static func scalars(of source: Span<UInt8>, from start: Int, to end: Int) -> [Unicode.Scalar] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(end - start)
    for index in start..<end { bytes.append(source[index]) }
    return String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
      switch scalar.value {
      case 0x09: scalar
      case 0..<0x20, 0x7F..<0xA0: "\u{FFFD}"
      default: scalar
      }
    }
  }
}
