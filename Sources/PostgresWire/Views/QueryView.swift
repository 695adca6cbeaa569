/// Where the parts of a Query message are. Offsets are absolute in the bytes that it was read from.
@usableFromInline
package struct QueryView: Equatable, Sendable {
  @usableFromInline package let textStart: Int
  /// The offset of the zero byte behind the text, which is the last byte of the frame.
  @usableFromInline package let textEnd: Int

  @inlinable
  init(textStart: Int, textEnd: Int) {
    self.textStart = textStart
    self.textEnd = textEnd
  }

  /// The view of the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is
  /// malformed: PostgreSQL, too, refuses bytes behind the terminator.
  @inlinable
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> QueryView? {
    guard let end = frameEnd(in: bytes, at: offset, length: length) else { return nil }
    let start = offset + FrameHeader.size
    guard let textEnd = terminator(in: bytes, from: start, limit: end), textEnd + 1 == end else { return nil }
    return QueryView(textStart: start, textEnd: textEnd)
  }
}
