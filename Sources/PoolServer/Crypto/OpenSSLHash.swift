import COpenSSL
package import PostgresWire

extension ScramHash {
  /// SHA-256, HMAC and PBKDF2 of OpenSSL's libcrypto, which libpq brings along anyway.
  ///
  /// Invariant of each closure: OpenSSL reads `count` bytes of the arrays and writes exactly 32 bytes.
  package static let openSSL = ScramHash(
    sha256: { SHA256Digest.of($0) },
    hmac: { SHA256Digest.hmac(key: $0, $1) },
    pbkdf2: { password, salt, iterations in
      var derived = [UInt8](repeating: 0, count: 32)
      let status = password.withUnsafeBytes { raw in
        PKCS5_PBKDF2_HMAC(
          raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(truncatingIfNeeded: raw.count),
          salt, Int32(truncatingIfNeeded: salt.count), Int32(truncatingIfNeeded: iterations), EVP_sha256(),
          32, &derived)
      }
      precondition(status == 1, "PBKDF2 failed, which only a lack of memory can cause")
      return derived
    })
}

/// Unguessable bytes (OpenSSL's generator, seeded by the kernel).
package func secureRandomBytes(_ count: Int) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: count)
  precondition(RAND_bytes(&bytes, Int32(truncatingIfNeeded: count)) == 1, "no randomness to be had")
  return bytes
}

/// A fresh nonce for SCRAM: 24 printable characters (RFC 5802, section 5.1).
package func scramNonce() -> String {
  String(decoding: Base64.encoded(secureRandomBytes(18)), as: UTF8.self)
}
