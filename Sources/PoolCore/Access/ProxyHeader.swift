/// What a proxy in between says of the client it speaks for: the PROXY protocol, versions 1 (a line of text) and 2
/// (binary), in front of everything else that it sends.
///
/// Source: HAProxy, "The PROXY protocol", versions 1 & 2.
package enum ProxyHeader: Equatable, Sendable {
  /// More bytes are needed to tell.
  case incomplete
  /// There is none.
  case absent
  /// There is one, of `length` bytes, for a client at `address`; `nil`: the proxy speaks for itself (a health check),
  /// or for a client whose address is no IP address.
  case present(address: NetworkAddress?, length: Int)
  case malformed

  /// No header is longer than a version 2 header with 64 kB of additions; ours may have 4 kB of them.
  package static let longest = 16 + 4_096

  /// A line of version 1 has at most 107 bytes with its end.
  private static let longestLine = 107
  private static let signature: [UInt8] = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
  ]
  private static let word = Array("PROXY ".utf8)

  package static func read(in bytes: Span<UInt8>) -> ProxyHeader {
    if bytes.isEmpty { return .incomplete }
    if begins(bytes, signature) {
      return bytes.count < signature.count ? .incomplete : version2(bytes)
    }
    if begins(bytes, word) { return bytes.count < word.count ? .incomplete : version1(bytes) }
    return .absent
  }

  /// Whether the bytes, as far as they go, are those of `start`.
  private static func begins(_ bytes: Span<UInt8>, _ start: [UInt8]) -> Bool {
    for index in 0..<min(bytes.count, start.count) where bytes[index] != start[index] { return false }
    return true
  }

  private static func version1(_ bytes: Span<UInt8>) -> ProxyHeader {
    var end = 0
    while end < bytes.count, bytes[end] != 0x0A {
      end += 1
      if end >= longestLine { return .malformed }
    }
    guard end < bytes.count else { return .incomplete }
    guard bytes[end - 1] == 0x0D else { return .malformed }
    var line: [UInt8] = []
    for index in 0..<(end - 1) { line.append(bytes[index]) }
    guard let text = String(validating: line, as: UTF8.self) else { return .malformed }
    let fields = text.split(separator: " ", omittingEmptySubsequences: false)
    if fields.count >= 2, fields[1] == "UNKNOWN" { return .present(address: nil, length: end + 1) }
    guard fields.count == 6, fields[1] == "TCP4" || fields[1] == "TCP6",
      let source = NetworkAddress(fields[2]), NetworkAddress(fields[3]) != nil,
      fields[2].contains(":") == (fields[1] == "TCP6"), fields[3].contains(":") == (fields[1] == "TCP6"),
      isPort(fields[4]), isPort(fields[5])
    else { return .malformed }
    return .present(address: source, length: end + 1)
  }

  private static func isPort(_ text: Substring) -> Bool {
    (1...5).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
      && UInt16(text) != nil
  }

  private static func version2(_ bytes: Span<UInt8>) -> ProxyHeader {
    guard bytes.count >= 16 else { return .incomplete }
    let size = Int(bytes[14]) << 8 | Int(bytes[15])
    let (version, command) = (bytes[12] >> 4, bytes[12] & 15)
    guard version == 2, command <= 1, 16 + size <= longest else { return .malformed }
    let family = bytes[13] >> 4
    let needed = family == 1 ? 12 : family == 2 ? 36 : 0
    guard family <= 3, bytes[13] & 15 <= 2, command == 0 || size >= needed else { return .malformed }
    guard bytes.count >= 16 + size else { return .incomplete }
    // LOCAL: what stands there is to be ignored.
    guard command == 1, needed > 0 else { return .present(address: nil, length: 16 + size) }
    var address: [UInt8] = []
    for index in 16..<(family == 1 ? 20 : 32) { address.append(bytes[index]) }
    return .present(address: NetworkAddress(bytes: address), length: 16 + size)
  }
}
