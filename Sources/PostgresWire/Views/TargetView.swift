/// What a Describe or a Close message is about. Offsets are absolute in the bytes that it was read from.
@usableFromInline
package struct TargetView: Equatable, Sendable {
  /// "S" for a prepared statement, "P" for a portal.
  @usableFromInline package let kind: UInt8
  @usableFromInline package let nameStart: Int
  /// The offset of the zero byte behind the name.
  @usableFromInline package let nameEnd: Int

  @inlinable package var isStatement: Bool { kind == UInt8(ascii: "S") }

  @inlinable
  init(kind: UInt8, nameStart: Int, nameEnd: Int) {
    self.kind = kind
    self.nameStart = nameStart
    self.nameEnd = nameEnd
  }

  /// The view of the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is
  /// malformed: another kind, a name without its end, bytes behind it.
  @inlinable
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> TargetView? {
    guard let end = frameEnd(in: bytes, at: offset, length: length) else { return nil }
    let kindAt = offset + FrameHeader.size
    guard kindAt < end, bytes[kindAt] == UInt8(ascii: "S") || bytes[kindAt] == UInt8(ascii: "P"),
      let nameEnd = terminator(in: bytes, from: kindAt + 1, limit: end), nameEnd + 1 == end
    else { return nil }
    return TargetView(kind: bytes[kindAt], nameStart: kindAt + 1, nameEnd: nameEnd)
  }
}
