/// Where the command tag in a CommandComplete message is, for example `INSERT 0 1`. Offsets are absolute in
/// the bytes that it was read from.
@usableFromInline
package struct CommandTagView: Equatable, Sendable {
  @usableFromInline package let textStart: Int
  /// The offset of the zero byte behind the tag.
  @usableFromInline package let textEnd: Int

  @inlinable
  init(textStart: Int, textEnd: Int) {
    self.textStart = textStart
    self.textEnd = textEnd
  }

  /// The view of the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is
  /// malformed.
  @inlinable
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> CommandTagView? {
    guard let end = frameEnd(in: bytes, at: offset, length: length) else { return nil }
    let start = offset + FrameHeader.size
    guard let textEnd = terminator(in: bytes, from: start, limit: end), textEnd + 1 == end else { return nil }
    return CommandTagView(textStart: start, textEnd: textEnd)
  }

  /// Whether the tag is exactly `words`. Allocates nothing for words of up to 15 bytes.
  @inlinable
  package func says(_ words: String, in bytes: Span<UInt8>) -> Bool {
    guard textStart >= 0, textEnd <= bytes.count, textEnd - textStart == words.utf8.count else {
      return false
    }
    let wanted = words.utf8Span.span
    for offset in wanted.indices where bytes[textStart + offset] != wanted[offset] { return false }
    return true
  }

  /// How many rows the command touched: the number that ends the tag. Nil when the tag ends in none (`BEGIN`)
  /// or in one of more than 18 digits.
  @inlinable
  package func rowCount(in bytes: Span<UInt8>) -> Int? {
    guard textStart >= 0, textEnd <= bytes.count else { return nil }
    var position = textEnd
    var count = 0
    var scale = 1
    while position > textStart {
      let byte = bytes[position - 1]
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { break }
      guard textEnd - position < 18 else { return nil }
      count += Int(byte - UInt8(ascii: "0")) * scale
      scale *= 10
      position -= 1
    }
    return position < textEnd ? count : nil
  }
}
