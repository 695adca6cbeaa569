import PostgresWire
import Testing

@Suite("Stored passwords") struct StoredPasswordTests {
  @Test(
    "what only begins like a stored form is a plain password",
    arguments: [
      "", "md5", "md5secret", "md5" + String(repeating: "A", count: 32),
      "md5" + String(repeating: "0", count: 31), "md5" + String(repeating: "0", count: 33), "SCRAM-SHA-256$",
      "SCRAM-SHA-256$4096:c2FsdA==$AA==:AA==", "SCRAM-SHA-256",
    ])
  func plain(text: String) {
    #expect(StoredPassword(text) == .plain(text))
  }

  @Test("an md5 hash and a SCRAM verifier are known by their form")
  func stored() throws {
    let hash = "0123456789abcdef0123456789abcdef"
    #expect(StoredPassword("md5" + hash) == .md5(hash))
    let verifier = try ScramVerifier(password: "x", salt: [1, 2, 3], iterations: 2, hash: .plain)
    #expect(StoredPassword(verifier.text) == .scram(verifier))
    #expect("\(StoredPassword("geheim"))" == "a plain password")
  }
}
