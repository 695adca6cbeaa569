/// The five bytes in front of every message after start-up: the tag and the length.
///
/// Source: PostgreSQL manual, "Frontend/Backend Protocol", "Message Flow".
@usableFromInline
package struct FrameHeader: Equatable, Sendable {
  /// Which message: see ``FrontendTag`` and ``BackendTag``. The same byte means different things by
  /// direction.
  @usableFromInline package var tag: UInt8

  /// The whole frame in bytes: the tag byte and the length on the wire, which counts itself. At least 5.
  @usableFromInline package var length: Int

  @inlinable
  package init(tag: UInt8, length: Int) {
    self.tag = tag
    self.length = length
  }

  /// Bytes of a header: tag and length word.
  @inlinable package static var size: Int { 5 }

  /// The largest length word that is believed: PostgreSQL allocates at most 0x3fffffff bytes for a message,
  /// and the word counts its own four. A larger one is a lie or not this protocol.
  @inlinable package static var maximumWireLength: UInt32 { 0x3fff_ffff + 4 }

  /// Looks at the header at `offset`; nothing is consumed and nothing behind the header is touched.
  @inlinable
  package static func read(in bytes: Span<UInt8>, at offset: Int) -> FrameHeaderResult {
    guard offset >= 0 else { return .malformed }
    guard bytes.count - offset >= size, let wireLength = readUInt32(in: bytes, at: offset + 1) else {
      return .incomplete
    }
    guard wireLength >= 4, wireLength <= maximumWireLength else { return .malformed }
    return .frame(FrameHeader(tag: bytes[offset], length: Int(wireLength) + 1))
  }
}

/// What a look at the next header found.
@usableFromInline
package enum FrameHeaderResult: Equatable, Sendable {
  /// A header. The frame's body may still be on its way.
  case frame(FrameHeader)

  /// Fewer than five bytes: come back with more.
  case incomplete

  /// The length word is below 4 or above ``FrameHeader/maximumWireLength``: the stream cannot be followed
  /// any further.
  case malformed
}
