/// The cryptography under SCRAM-SHA-256, brought by the caller so that this module links none.
package struct ScramHash: Sendable {
  /// SHA-256: 32 bytes.
  package let sha256: @Sendable (_ data: [UInt8]) -> [UInt8]

  /// HMAC-SHA-256: 32 bytes.
  package let hmac: @Sendable (_ key: [UInt8], _ data: [UInt8]) -> [UInt8]

  /// PBKDF2 with HMAC-SHA-256 and 32 bytes of output, RFC 5802's `Hi`. The slow one, on purpose: about a
  /// millisecond for 4,096 iterations.
  package let pbkdf2: @Sendable (_ password: [UInt8], _ salt: [UInt8], _ iterations: Int) -> [UInt8]

  package init(
    sha256: @escaping @Sendable (_ data: [UInt8]) -> [UInt8],
    hmac: @escaping @Sendable (_ key: [UInt8], _ data: [UInt8]) -> [UInt8],
    pbkdf2: @escaping @Sendable (_ password: [UInt8], _ salt: [UInt8], _ iterations: Int) -> [UInt8]
  ) {
    self.sha256 = sha256
    self.hmac = hmac
    self.pbkdf2 = pbkdf2
  }

  /// The client's and the server's key for a prepared password. Source: RFC 5802, section 3.
  func keys(password: [UInt8], salt: [UInt8], iterations: Int) -> ScramKeys {
    let salted = pbkdf2(password, salt, iterations)
    return ScramKeys(
      clientKey: hmac(salted, Array("Client Key".utf8)), serverKey: hmac(salted, Array("Server Key".utf8)))
  }
}

/// What a password becomes under one salt and iteration count. Whoever has the client's key can log in where
/// the server's secret has the same salt and count: keep it as well as the password.
package struct ScramKeys: Equatable, Sendable {
  package let clientKey: [UInt8]
  package let serverKey: [UInt8]

  package init(clientKey: [UInt8], serverKey: [UInt8]) {
    self.clientKey = clientKey
    self.serverKey = serverKey
  }
}

/// Keys, and what they were derived under beside the password.
package struct DerivedKeys: Equatable, Sendable {
  package let salt: [UInt8]
  package let iterations: Int
  package let keys: ScramKeys

  package init(salt: [UInt8], iterations: Int, keys: ScramKeys) {
    self.salt = salt
    self.iterations = iterations
    self.keys = keys
  }
}

/// Whether two secrets are equal, in a time that does not say where they differ.
package func isEqualInConstantTime(_ one: [UInt8], _ other: [UInt8]) -> Bool {
  guard one.count == other.count else { return false }
  var difference: UInt8 = 0
  for index in one.indices { difference |= one[index] ^ other[index] }
  return difference == 0
}

/// Byte by byte exclusive or; both sides have the length of a hash.
func exclusiveOr(_ one: [UInt8], _ other: [UInt8]) -> [UInt8] {
  zip(one, other).map { $0 ^ $1 }
}
