/// Reads the attributes of a SCRAM message from left to right: `r=…,s=…,i=…`.
///
/// Source: RFC 5802, section 7.
struct ScramAttributes {
  /// No honest message comes near it: PostgreSQL's own stay below 300 bytes.
  static let maximumMessageLength = 4_096

  private let message: [UInt8]
  private let name: ScramError.MessageName
  private(set) var position = 0

  init(_ message: [UInt8], _ name: ScramError.MessageName) throws(ScramError) {
    guard message.count <= Self.maximumMessageLength, !message.contains(0) else {
      throw .malformed(name, field: "at most \(Self.maximumMessageLength) bytes of text")
    }
    self.message = message
    self.name = name
  }

  var isAtEnd: Bool { position == message.count }

  /// The byte that comes next, or nil at the end.
  var next: UInt8? { position < message.count ? message[position] : nil }

  /// Steps over `byte`, which must come next.
  mutating func expect(_ byte: Unicode.Scalar) throws(ScramError) {
    guard next == UInt8(ascii: byte) else { throw malformed("'\(byte)'") }
    position += 1
  }

  /// The value of the attribute `key`, which must come next. The comma behind it is not taken.
  mutating func value(of key: Unicode.Scalar) throws(ScramError) -> [UInt8] {
    if next == UInt8(ascii: "m"), key != "m" { throw .mandatoryExtension }
    guard next == UInt8(ascii: key), position + 1 < message.count, message[position + 1] == UInt8(ascii: "=")
    else { throw malformed("\(key)=") }
    position += 2
    return takeValue()
  }

  /// Steps over extensions: attributes of other letters, each with a comma in front, up to the end or to the
  /// attribute `key`. The comma in front of `key` is taken.
  mutating func skipExtensions(upTo key: Unicode.Scalar?) throws(ScramError) {
    while !isAtEnd {
      try expect(",")
      if let key, next == UInt8(ascii: key) { return }
      guard let letter = next, isLetter(letter) else { throw malformed("an attribute") }
      position += 1
      try expect("=")
      _ = takeValue()
    }
    if let key { throw malformed("\(key)=") }
  }

  func expectEnd() throws(ScramError) {
    guard isAtEnd else { throw malformed("the end") }
  }

  func malformed(_ field: String) -> ScramError { .malformed(name, field: field) }

  /// A nonce: at least one printable character, no comma.
  mutating func nonce() throws(ScramError) -> [UInt8] {
    let nonce = try value(of: "r")
    guard !nonce.isEmpty, nonce.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw malformed("a printable nonce")
    }
    return nonce
  }

  /// The bytes behind the base64 in the attribute `key`.
  mutating func base64(of key: Unicode.Scalar) throws(ScramError) -> [UInt8] {
    guard let data = Base64.decoded(try value(of: key)) else { throw malformed("base64 in \(key)=") }
    return data
  }

  private mutating func takeValue() -> [UInt8] {
    let start = position
    while let byte = next, byte != UInt8(ascii: ",") { position += 1 }
    return Array(message[start..<position])
  }

  private func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }
}
