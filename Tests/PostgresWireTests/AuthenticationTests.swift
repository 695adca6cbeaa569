import PostgresWire
import Testing

@Suite("Authentication messages")
struct AuthenticationTests {
  private func request(_ bytes: [UInt8]) -> AuthenticationRequest? {
    read(bytes) { AuthenticationRequest.read(in: $0, at: $1, length: $2) }
  }

  @Test("a server's requests come back as they were written")
  func requests() {
    #expect(request(written { $0.authenticationOk() }) == .ok)
    #expect(request(written { $0.authenticationCleartext() }) == .cleartextPassword)
    #expect(
      request(written { $0.authenticationMD5(salt: [1, 2, 3, 4]) }) == .md5Password(salt: [1, 2, 3, 4]))
    #expect(
      request(written { $0.authenticationSASL(mechanisms: ["A", "B"]) }) == .sasl(mechanisms: ["A", "B"]))
    #expect(request(written { $0.authenticationSASLContinue([1]) }) == .saslContinue([1]))
    #expect(request(written { $0.authenticationSASLFinal([]) }) == .saslFinal([]))
  }

  @Test("a method that is not served keeps its code", arguments: [2, 7, 9, 99])
  func others(code: Int) {
    #expect(request(frame("R", word(code))) == .other(code: UInt32(code)))
  }

  @Test(
    "a request of the wrong size is malformed",
    arguments: [
      [], [0, 0, 0], word(0) + [0], word(3) + [0], word(5) + [1, 2, 3], word(5) + [1, 2, 3, 4, 5], word(10),
      word(10) + ascii("A"), word(10) + ascii("A\0"), word(10) + ascii("A\0\0B"),
    ])
  func malformed(body: [UInt8]) {
    #expect(request(frame("R", body)) == nil)
  }

  @Test("a client's answers come back as they were written")
  func answers() throws {
    let password = written { $0.password("pä") }
    #expect(read(password) { PasswordResponse.password(in: $0, at: $1, length: $2) } == Array("pä".utf8))
    let empty = written { $0.password("") }
    #expect(read(empty) { PasswordResponse.password(in: $0, at: $1, length: $2) } == [])
    let response = written { $0.saslResponse([0, 1]) }
    #expect(read(response) { PasswordResponse.saslResponse(in: $0, at: $1, length: $2) } == [0, 1])
    for first in [nil, [], [1, 0, 2]] as [[UInt8]?] {
      let initial = written { $0.saslInitialResponse(mechanism: "X", response: first) }
      let back = try #require(
        read(initial) { PasswordResponse.saslInitialResponse(in: $0, at: $1, length: $2) })
      #expect(back.mechanism == "X" && back.response == first)
    }
  }

  @Test(
    "a first answer whose length lies is malformed",
    arguments: [0, 1, 3, -2, Int(Int32.max), Int(Int32.min)])
  func lyingLength(length: Int) {
    let bytes = frame("p", ascii("X\0") + word(length) + [1, 2])
    #expect(
      read(bytes) { PasswordResponse.saslInitialResponse(in: $0, at: $1, length: $2)?.mechanism } == nil)
  }
}
