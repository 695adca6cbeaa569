import COpenSSL

/// SHA-256 and HMAC by an algorithm that is looked up once: OpenSSL's own ways for a single call look it up each time,
/// which costs more than hashing a short text.
enum SHA256Digest {
  private static let size = 32
  private static let blockSize = 64

  /// Never changed once fetched, so all threads may use it; kept for the process's life.
  private nonisolated(unsafe) static let algorithm: OpaquePointer? = EVP_MD_fetch(nil, "SHA256", nil)

  static func of(_ data: [UInt8]) -> [UInt8] {
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    return hash(data, [], context)
  }

  /// Source: RFC 2104, section 2.
  static func hmac(key: [UInt8], _ data: [UInt8]) -> [UInt8] {
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    let short = key.count > blockSize ? hash(key, [], context) : key
    var block = [UInt8](repeating: inner, count: blockSize)
    for index in short.indices { block[index] ^= short[index] }
    let innerHash = hash(block, data, context)
    for index in block.indices { block[index] ^= inner ^ outer }
    defer { OPENSSL_cleanse(&block, blockSize) }
    return hash(block, innerHash, context)
  }

  private static let inner: UInt8 = 0x36
  private static let outer: UInt8 = 0x5C

  /// Of both texts, one behind the other.
  /// Invariant: OpenSSL reads `count` bytes of the arrays and writes exactly 32 bytes.
  private static func hash(_ head: [UInt8], _ tail: [UInt8], _ context: OpaquePointer?) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: size)
    let isDone =
      EVP_DigestInit_ex(context, algorithm, nil) == 1 && EVP_DigestUpdate(context, head, head.count) == 1
      && (tail.isEmpty || EVP_DigestUpdate(context, tail, tail.count) == 1)
      && EVP_DigestFinal_ex(context, &digest, nil) == 1
    // Never a digest of zeros, which would be known to everybody.
    precondition(isDone, "SHA-256 failed, which only a lack of memory can cause")
    return digest
  }
}
