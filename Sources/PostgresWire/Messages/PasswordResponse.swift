/// A client's answer to an authentication request. All share one tag; what was asked says how to read it.
///
/// Source: PostgreSQL manual, "Message Formats": PasswordMessage, SASLInitialResponse, SASLResponse.
package enum PasswordResponse {
  /// The password in a PasswordMessage, or nil when the frame is malformed.
  package static func password(in bytes: Span<UInt8>, at offset: Int, length: Int) -> [UInt8]? {
    guard let view = QueryView.read(in: bytes, at: offset, length: length) else { return nil }
    return copiedBytes(in: bytes, from: view.textStart, to: view.textEnd)
  }

  /// The chosen mechanism and the first message of a SASLInitialResponse (nil: the client has none), or nil
  /// when the frame is malformed: the response's length must match the bytes that are there.
  package static func saslInitialResponse(
    in bytes: Span<UInt8>, at offset: Int, length: Int
  ) -> (mechanism: String, response: [UInt8]?)? {
    guard let end = frameEnd(in: bytes, at: offset, length: length) else { return nil }
    let start = offset + FrameHeader.size
    guard let nameEnd = terminator(in: bytes, from: start, limit: end), end - nameEnd >= 5,
      let size = readInt32(in: bytes, at: nameEnd + 1), size >= -1,
      nameEnd + 5 + max(0, Int(size)) == end
    else { return nil }
    return (
      copiedText(in: bytes, from: start, to: nameEnd),
      size < 0 ? nil : copiedBytes(in: bytes, from: nameEnd + 5, to: end)
    )
  }

  /// What PostgreSQL says of a SASLInitialResponse that cannot be read.
  package static func fault(ofInitialResponse bytes: Span<UInt8>, at offset: Int, length: Int) -> String {
    guard let end = frameEnd(in: bytes, at: offset, length: length),
      let nameEnd = terminator(in: bytes, from: offset + FrameHeader.size, limit: end)
    else { return "invalid string in message" }
    guard end - nameEnd >= 5, let size = readInt32(in: bytes, at: nameEnd + 1), size >= -1,
      nameEnd + 5 + max(0, Int(size)) <= end
    else { return "insufficient data left in message" }
    return "invalid message format"
  }

  /// The data of a SASLResponse, or nil when the frame is malformed.
  package static func saslResponse(in bytes: Span<UInt8>, at offset: Int, length: Int) -> [UInt8]? {
    guard let end = frameEnd(in: bytes, at: offset, length: length) else { return nil }
    return copiedBytes(in: bytes, from: offset + FrameHeader.size, to: end)
  }
}
