import PostgresWire

/// Unguessable bytes, some hundred at a time: each draw from OpenSSL's generator costs as much as a small query.
/// What was given out is forgotten here.
struct RandomReserve {
  private var bytes: [UInt8] = []
  private static let size = 512

  mutating func take(_ count: Int) -> [UInt8] {
    guard count <= Self.size else { return secureRandomBytes(count) }
    if bytes.count < count { bytes = secureRandomBytes(Self.size) }
    let taken = Array(bytes[(bytes.count - count)...])
    for index in (bytes.count - count)..<bytes.count { bytes[index] = 0 }
    bytes.removeLast(count)
    return taken
  }

  mutating func number() -> UInt32 { take(4).reduce(0) { $0 << 8 | UInt32($1) } }

  /// A fresh nonce for SCRAM, as ``scramNonce()``.
  mutating func nonce() -> String { String(decoding: Base64.encoded(take(18)), as: UTF8.self) }
}
