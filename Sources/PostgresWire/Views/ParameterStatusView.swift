/// Where the parts of a ParameterStatus message are. Offsets are absolute in the bytes that it was read from;
/// an end is the offset of the zero byte behind the text.
@usableFromInline
package struct ParameterStatusView: Equatable, Sendable {
  @usableFromInline package let nameStart: Int
  @usableFromInline package let nameEnd: Int
  @usableFromInline package let valueStart: Int
  @usableFromInline package let valueEnd: Int

  @inlinable
  init(nameStart: Int, nameEnd: Int, valueEnd: Int) {
    self.nameStart = nameStart
    self.nameEnd = nameEnd
    valueStart = nameEnd + 1
    self.valueEnd = valueEnd
  }

  /// The view of the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is
  /// malformed.
  @inlinable
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> ParameterStatusView? {
    guard let end = frameEnd(in: bytes, at: offset, length: length) else { return nil }
    let start = offset + FrameHeader.size
    guard let nameEnd = terminator(in: bytes, from: start, limit: end),
      let valueEnd = terminator(in: bytes, from: nameEnd + 1, limit: end), valueEnd + 1 == end
    else { return nil }
    return ParameterStatusView(nameStart: start, nameEnd: nameEnd, valueEnd: valueEnd)
  }
}
