import PostgresWire
import Testing

@Suite("SCRAM verifiers")
struct ScramVerifierTests {
  /// Made by PostgreSQL 15: `CREATE ROLE … PASSWORD …`, then `SELECT rolpassword FROM pg_authid`.
  static let recorded: [(password: String, text: String)] = [
    (
      "pencil",
      "SCRAM-SHA-256$4096:6w/u0kqFZm5aek3sk5Jw8A==$"
        + "uzTSojLJMotIUZM4tG8m2U5e//eREFSJj/Ov9BKnYpI=:GnKjmMKDBYi7jv3ZK5flU0pWxLvz+NfeMSxDNd1Kp5Y="
    ),
    (
      "pässwörd",
      "SCRAM-SHA-256$4096:wvfPPlTRXHgtaT1AiTVA9A==$"
        + "hjRCbUlZe0+aeXnOb91D6Sk5BwMvqYYA0TT1oEd7v9Q=:z9S7CV4x+Oe7OzXDxQPq4MkGbWgDk4go5g1yw5UpOFc="
    ),
    (
      "a\u{A0}b",
      "SCRAM-SHA-256$4096:Lv15qPKE2SwjPaEGHd/22g==$"
        + "r9GxVG5RPUtJ3YzUOcK/dYGAAjeaUkdZtdhgHyTU/7M=:oD/+ImtIevsiFASN5cyZBFDcqmpTRE8hFJNf7MA54/E="
    ),
    (
      "soft\u{AD}hyphen\u{E9}",
      "SCRAM-SHA-256$4096:cA4ZrktfmJucZ3pfgd9hrg==$"
        + "Zl4sOJw5RD5ySxdnTRfX2AO9UjH6GkWuSYWf8ROndWE=:hL13QlWYKTAOFfwuHrAhADRdcrk7lc89jcc6pq9nP34="
    ),
    (
      "grin\u{1F600}\u{200D}",
      "SCRAM-SHA-256$4096:s6VSMcisAzjJnXReW9nQuw==$"
        + "9ubUbTAHccFM/1qBGHj0WYt0OOPz+32mf/S9LkTBaD4=:N/eHE/2BNJ3drN45qWDlsfuiiVDIdlR+cwy1VbJ9P5Q="
    ),
    (
      "fl\u{200E}t\u{AD}",
      "SCRAM-SHA-256$4096:mK9zHEKsNlTurypSvCssbg==$"
        + "fulgBp8L4S0o1Jt+xsSUuzoY0bJM7Yv2XY0K/Z2XzXw=:Ri5L9wihYhV6OMJZNEqDVY2FbZQnLfYwwkna+ptdX8A="
    ),
    (
      "\u{AD}\u{200D}",
      "SCRAM-SHA-256$4096:fu/+F/Hli/QYsE1fueVaeQ==$"
        + "j+TiV3/6q6bhcjqu+6PXssJ/6ygDPtHse9CcIaWdPpI=:s9W7RKridpQDms2TtSNv+KdKjJHFTd5JQ8YQGUnyENE="
    ),
    (
      "ideographic\u{3000}space\u{E8}",
      "SCRAM-SHA-256$4096:pKcKmXr0UVzc0IizIYwtHA==$"
        + "weya2SF8POueDLQ01iD1AehrTi4GnzihVMiip+uVq6A=:YbtsJ/2X9181BYuB0PovDH3n3qwhHnfioAicqhgPrWI="
    ),
    (
      "\u{4E2D}\u{6587}\u{FE0F}",
      "SCRAM-SHA-256$4096:iwGJfv/drxBKoRS6o5YOSw==$"
        + "fp+FRrSaOMjXPLGq/aFX84anHvXX3IlAaN1osYRfPi0=:idsSkq5bZ9NTBN8JBSKeG0vSIDHlOSSwD5jmfiUNjFs="
    ),
  ]

  @Test("PostgreSQL's own verifiers are made from the same passwords and salts", arguments: recorded)
  func recordedVerifiers(password: String, text: String) throws {
    let recorded = try #require(ScramVerifier(text))
    let made = try ScramVerifier(
      password: password, salt: recorded.salt, iterations: recorded.iterations, hash: .plain)
    #expect(made == recorded)
    #expect(made.text == text)
  }

  @Test(
    "anything but PostgreSQL's text form is refused",
    arguments: [
      "", "md5a6343a68d964ca596d9752250d54bb8a", "SCRAM-SHA-256", "SCRAM-SHA-256$", "SCRAM-SHA-256$4096:AAAA",
      "scram-sha-256$1:AAAA$KEY:KEY", "SCRAM-SHA-256$0:AAAA$KEY:KEY", "SCRAM-SHA-256$2147483648:AAAA$KEY:KEY",
      "SCRAM-SHA-256$x:AAAA$KEY:KEY", "SCRAM-SHA-256$1:$KEY:KEY", "SCRAM-SHA-256$1:AAA$KEY:KEY",
      "SCRAM-SHA-256$1:AAAA$KEY", "SCRAM-SHA-256$1:AAAA$KEY:AAAA", "SCRAM-SHA-256$1:AAAA$KEY:KEY:KEY",
      "SCRAM-SHA-256$1:AAAA$KEY:KEY$", "SCRAM-SHA-256$1:AAAA$KEY:KEY ",
    ])
  func malformed(text: String) {
    let key = String(repeating: "A", count: 43) + "="
    #expect(
      ScramVerifier(text.split(separator: "KEY", omittingEmptySubsequences: false).joined(separator: key))
        == nil)
  }

  @Test("iterations below 1 and above a million are not computed", arguments: [0, -1, 1_000_001, Int.max])
  func iterations(count: Int) {
    #expect(throws: ScramError.iterationsOutOfRange) {
      try ScramVerifier(password: "x", salt: [1], iterations: count, hash: .plain)
    }
  }
}

@Suite("Base64")
struct Base64Tests {
  /// Source: RFC 4648, section 10.
  @Test(
    "the RFC's examples in both directions",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func examples(plain: String, encoded: String) {
    #expect(Base64.encoded(ascii(plain)) == ascii(encoded))
    #expect(Base64.decoded(encoded.utf8) == ascii(plain))
  }

  @Test("every byte survives")
  func everyByte() {
    let bytes = Array(UInt8.min...UInt8.max)
    #expect(Base64.decoded(Base64.encoded(bytes)) == bytes)
  }

  @Test(
    "only what an encoder makes is decoded",
    arguments: [
      "Z", "Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", " Zm9", "Zm-_",
      "Z\0==",
    ])
  func strict(text: String) {
    #expect(Base64.decoded(text.utf8) == nil)
  }
}

@Suite("The tests' own hashes")
struct HashTests {
  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  @Test("SHA-256 as in FIPS 180-4's examples")
  func sha256() {
    #expect(
      hex(SHA256.hash(ascii("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(hex(SHA256.hash([])) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(
      hex(SHA256.hash(ascii("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")))
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
  }

  @Test("HMAC as in RFC 4231, test case 2")
  func hmac() {
    #expect(
      hex(HMAC(key: ascii("Jefe")).hash(ascii("what do ya want for nothing?")))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  }
}
