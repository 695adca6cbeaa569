/// Where the parts of a Parse message are. Offsets are absolute in the bytes that it was read from; an end
/// is the offset of the zero byte behind the text.
@usableFromInline
package struct ParseView: Equatable, Sendable {
  /// The prepared statement's name; empty for the unnamed one.
  @usableFromInline package let nameStart: Int
  @usableFromInline package let nameEnd: Int
  @usableFromInline package let queryStart: Int
  @usableFromInline package let queryEnd: Int
  /// The offset of the first parameter type, behind the count.
  @usableFromInline package let typesStart: Int
  /// How many parameter types (OIDs of four bytes) follow: 0…65,535.
  @usableFromInline package let typeCount: Int
  @usableFromInline package let frameEnd: Int

  @inlinable
  init(nameStart: Int, nameEnd: Int, queryEnd: Int, typeCount: Int, frameEnd: Int) {
    self.nameStart = nameStart
    self.nameEnd = nameEnd
    queryStart = nameEnd + 1
    self.queryEnd = queryEnd
    typesStart = queryEnd + 3
    self.typeCount = typeCount
    self.frameEnd = frameEnd
  }

  /// The view of the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is
  /// malformed: a text without its end, or a count that does not match the bytes that are there.
  @inlinable
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> ParseView? {
    guard let end = PostgresWire.frameEnd(in: bytes, at: offset, length: length) else { return nil }
    let nameStart = offset + FrameHeader.size
    guard let nameEnd = terminator(in: bytes, from: nameStart, limit: end),
      let queryEnd = terminator(in: bytes, from: nameEnd + 1, limit: end),
      end - queryEnd >= 3,
      let count = readUInt16(in: bytes, at: queryEnd + 1),
      queryEnd + 3 + Int(count) * 4 == end
    else { return nil }
    return ParseView(
      nameStart: nameStart, nameEnd: nameEnd, queryEnd: queryEnd, typeCount: Int(count), frameEnd: end)
  }
}
