/// Where the names in a Bind message are. Offsets are absolute in the bytes that it was read from; an end is
/// the offset of the zero byte behind the text.
///
/// The parameters are not looked at: the server checks them, and a fault in them costs the client a message
/// and not the connection.
@usableFromInline
package struct BindView: Equatable, Sendable {
  /// The portal's name; empty for the unnamed one.
  @usableFromInline package let portalStart: Int
  @usableFromInline package let portalEnd: Int
  /// The prepared statement's name; empty for the unnamed one.
  @usableFromInline package let statementStart: Int
  @usableFromInline package let statementEnd: Int
  /// The formats, values and result formats: everything behind the names.
  @usableFromInline package let restStart: Int
  @usableFromInline package let frameEnd: Int

  @inlinable
  init(portalStart: Int, portalEnd: Int, statementEnd: Int, frameEnd: Int) {
    self.portalStart = portalStart
    self.portalEnd = portalEnd
    statementStart = portalEnd + 1
    self.statementEnd = statementEnd
    restStart = statementEnd + 1
    self.frameEnd = frameEnd
  }

  /// The view of what has come of a frame whose tag byte is at `offset`; nil until its names are there.
  /// ``frameEnd`` is where the bytes end.
  package static func readNames(in bytes: Span<UInt8>, at offset: Int) -> BindView? {
    let portalStart = offset + FrameHeader.size
    guard portalStart < bytes.count,
      let portalEnd = terminator(in: bytes, from: portalStart, limit: bytes.count),
      let statementEnd = terminator(in: bytes, from: portalEnd + 1, limit: bytes.count)
    else { return nil }
    return BindView(
      portalStart: portalStart, portalEnd: portalEnd, statementEnd: statementEnd, frameEnd: bytes.count)
  }

  /// The view of the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is
  /// malformed: a name without its end, or no room for the three counts that follow.
  @inlinable
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> BindView? {
    guard let end = PostgresWire.frameEnd(in: bytes, at: offset, length: length) else { return nil }
    let portalStart = offset + FrameHeader.size
    guard let portalEnd = terminator(in: bytes, from: portalStart, limit: end),
      let statementEnd = terminator(in: bytes, from: portalEnd + 1, limit: end),
      end - statementEnd > 6
    else { return nil }
    return BindView(
      portalStart: portalStart, portalEnd: portalEnd, statementEnd: statementEnd, frameEnd: end)
  }
}
