/// A server's NegotiateProtocolVersion: it serves an older minor version, or does not know an option.
///
/// Source: PostgreSQL manual, "Message Formats", NegotiateProtocolVersion.
package struct ProtocolNegotiation: Equatable, Sendable {
  /// The newest minor version of protocol 3 that the server serves.
  package var newestMinor: Int

  /// The `_pq_.` options that the server does not know.
  package var unrecognized: [String]

  package init(newestMinor: Int, unrecognized: [String]) {
    self.newestMinor = newestMinor
    self.unrecognized = unrecognized
  }

  /// The message in the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is
  /// malformed or speaks of another major version.
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> ProtocolNegotiation? {
    guard let end = frameEnd(in: bytes, at: offset, length: length), length >= FrameHeader.size + 8,
      let version = readUInt32(in: bytes, at: offset + FrameHeader.size), version >> 16 == 3,
      let count = readUInt32(in: bytes, at: offset + FrameHeader.size + 4)
    else { return nil }
    var unrecognized: [String] = []
    var position = offset + FrameHeader.size + 8
    while unrecognized.count < Int(count) {
      guard let nameEnd = terminator(in: bytes, from: position, limit: end) else { return nil }
      unrecognized.append(copiedText(in: bytes, from: position, to: nameEnd))
      position = nameEnd + 1
    }
    guard position == end else { return nil }
    return ProtocolNegotiation(newestMinor: Int(version & 0xffff), unrecognized: unrecognized)
  }
}
