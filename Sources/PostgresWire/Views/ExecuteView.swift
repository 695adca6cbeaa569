/// Where the parts of an Execute message are. Offsets are absolute in the bytes that it was read from.
@usableFromInline
package struct ExecuteView: Equatable, Sendable {
  /// The portal's name; empty for the unnamed one.
  @usableFromInline package let portalStart: Int
  /// The offset of the zero byte behind the name.
  @usableFromInline package let portalEnd: Int
  /// How many rows to return at most; 0 and below: all of them.
  @usableFromInline package let maxRows: Int32

  @inlinable
  init(portalStart: Int, portalEnd: Int, maxRows: Int32) {
    self.portalStart = portalStart
    self.portalEnd = portalEnd
    self.maxRows = maxRows
  }

  /// The view of the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is
  /// malformed.
  @inlinable
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> ExecuteView? {
    guard let end = frameEnd(in: bytes, at: offset, length: length) else { return nil }
    let start = offset + FrameHeader.size
    guard let portalEnd = terminator(in: bytes, from: start, limit: end), portalEnd + 5 == end,
      let maxRows = readInt32(in: bytes, at: portalEnd + 1)
    else { return nil }
    return ExecuteView(portalStart: start, portalEnd: portalEnd, maxRows: maxRows)
  }
}
