/// What the server asks of a client that logs in.
///
/// Source: PostgreSQL manual, "Message Formats", the Authentication… messages.
package enum AuthenticationRequest: Equatable, Sendable {
  /// The login succeeded.
  case ok
  case cleartextPassword
  /// The salt has 4 bytes.
  case md5Password(salt: [UInt8])
  /// The SASL mechanisms that the server offers, in its order of preference.
  case sasl(mechanisms: [String])
  case saslContinue([UInt8])
  case saslFinal([UInt8])
  /// A method that this tool does not serve, by its code: 2 Kerberos V5, 7 and 8 GSSAPI, 9 SSPI, …
  case other(code: UInt32)

  /// The request in the complete frame of `length` bytes whose tag byte is at `offset`, or nil when it is
  /// malformed.
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> AuthenticationRequest? {
    guard let end = frameEnd(in: bytes, at: offset, length: length), length >= FrameHeader.size + 4,
      let code = readUInt32(in: bytes, at: offset + FrameHeader.size)
    else { return nil }
    let bodyStart = offset + FrameHeader.size + 4
    switch code {
    case 0:
      return bodyStart == end ? .ok : nil
    case 3:
      return bodyStart == end ? .cleartextPassword : nil
    case 5:
      return end - bodyStart == 4 ? .md5Password(salt: copiedBytes(in: bytes, from: bodyStart, to: end)) : nil
    case 10:
      return mechanisms(in: bytes, from: bodyStart, to: end).map { .sasl(mechanisms: $0) }
    case 11:
      return .saslContinue(copiedBytes(in: bytes, from: bodyStart, to: end))
    case 12:
      return .saslFinal(copiedBytes(in: bytes, from: bodyStart, to: end))
    default:  // an open set: the server's choice
      return .other(code: code)
    }
  }

  private static func mechanisms(in bytes: Span<UInt8>, from start: Int, to end: Int) -> [String]? {
    var mechanisms: [String] = []
    var position = start
    while let nameEnd = terminator(in: bytes, from: position, limit: end) {
      if nameEnd == position { return position + 1 == end ? mechanisms : nil }
      mechanisms.append(copiedText(in: bytes, from: position, to: nameEnd))
      position = nameEnd + 1
    }
    return nil
  }
}
