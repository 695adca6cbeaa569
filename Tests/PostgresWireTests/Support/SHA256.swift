import PostgresWire

/// SHA-256 after FIPS 180-4, for the tests only: slow and plain.
struct SHA256 {
  private static let constants: [UInt32] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
  ]

  private var state: [UInt32] = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ]
  private var pending: [UInt8] = []
  private var count = 0

  static func hash(_ data: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    hash.update(data)
    return hash.finished()
  }

  mutating func update(_ data: [UInt8]) {
    count += data.count
    pending += data
    var start = 0
    while pending.count - start >= 64 {
      compress(pending, start)
      start += 64
    }
    pending.removeFirst(start)
  }

  consuming func finished() -> [UInt8] {
    let bits = UInt64(count) * 8
    var padding: [UInt8] = [0x80]
    padding += Array(repeating: 0, count: (119 - pending.count) % 64)
    for shift in stride(from: 56, through: 0, by: -8) {
      padding.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
    }
    update(padding)
    return state.flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> UInt32($0)) } }
  }

  private mutating func compress(_ data: [UInt8], _ start: Int) {
    func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 - count) }
    var words = [UInt32](repeating: 0, count: 64)
    for index in 0..<16 {
      let at = start + 4 * index
      words[index] =
        UInt32(data[at]) << 24 | UInt32(data[at + 1]) << 16 | UInt32(data[at + 2]) << 8 | UInt32(data[at + 3])
    }
    for index in 16..<64 {
      let (early, late) = (words[index - 15], words[index - 2])
      let one = rotated(early, 7) ^ rotated(early, 18) ^ early >> 3
      let two = rotated(late, 17) ^ rotated(late, 19) ^ late >> 10
      words[index] = words[index - 16] &+ one &+ words[index - 7] &+ two
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    for index in 0..<64 {
      let one = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
      let first = h &+ one &+ (e & f ^ ~e & g) &+ Self.constants[index] &+ words[index]
      let zero = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)
      let second = zero &+ (a & b ^ a & c ^ b & c)
      (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
    }
    for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] = state[index] &+ word }
  }
}

/// HMAC-SHA-256 (RFC 2104) with the key's two pads hashed once, which halves the work of PBKDF2.
struct HMAC {
  private var inner = SHA256()
  private var outer = SHA256()

  init(key: [UInt8]) {
    var block = key.count > 64 ? SHA256.hash(key) : key
    block += Array(repeating: 0, count: 64 - block.count)
    inner.update(block.map { $0 ^ 0x36 })
    outer.update(block.map { $0 ^ 0x5c })
  }

  func hash(_ data: [UInt8]) -> [UInt8] {
    var (inner, outer) = (inner, outer)
    inner.update(data)
    outer.update(inner.finished())
    return outer.finished()
  }
}

extension ScramHash {
  /// The hashes in plain Swift. PBKDF2 makes the one block that SCRAM asks for (RFC 8018).
  static let plain = ScramHash(
    sha256: { SHA256.hash($0) },
    hmac: { key, data in HMAC(key: key).hash(data) },
    pbkdf2: { password, salt, iterations in
      let hmac = HMAC(key: password)
      var block = hmac.hash(salt + [0, 0, 0, 1])
      var result = block
      for _ in 1..<max(2, iterations) where iterations > 1 {
        block = hmac.hash(block)
        for index in result.indices { result[index] ^= block[index] }
      }
      return result
    })
}
