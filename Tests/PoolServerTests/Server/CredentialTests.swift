import PoolCore
import PostgresWire
import Testing

@testable import PoolServer

@Suite("Keys that are kept beside a password") struct CredentialTests {
  private let keys = DerivedKeys(
    salt: [1], iterations: 4_096,
    keys: ScramKeys(clientKey: [UInt8](repeating: 2, count: 32), serverKey: [UInt8](repeating: 3, count: 32)))
  private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  @Test("go with the password that they were derived from, and are gone when it is")
  func gone() {
    var credential = Credential(.plain("one"))
    #expect(credential.keys(ofChoice: 0).isEmpty)
    credential.learn(keys, ofChoice: 0)
    #expect(credential.keys(ofChoice: 0) == [keys])
    credential.change(to: .plain("two"), at: at(0))
    #expect(credential.keys(ofChoice: 0).isEmpty)
    #expect(credential.keys(ofChoice: 1) == [keys])
    // The server refuses the new one and takes the old: that is tried first from now on.
    credential.entered(byChoice: 1)
    #expect(credential.keys(ofChoice: 0) == [keys])
    credential.entered(byChoice: 1)
    credential.expirePrevious(at: at(60_000), atLeast: 15_000, byTimeOnly: false)
    #expect(credential.keys(ofChoice: 0).isEmpty && credential.keys(ofChoice: 1).isEmpty)
  }

  @Test("spare the derivation under the same salt and iterations only")
  func spared() throws {
    let nonce = "abcdefghijklmnopqrstuvwx"
    let salt = Array("0123456789abcdef".utf8)
    func first(known: [DerivedKeys], salt: [UInt8]) throws -> (ScramClient, [UInt8]) {
      let verifier = try ScramVerifier(password: "secret", salt: salt, hash: .openSSL)
      var server = ScramServer(verifier: verifier, serverNonce: nonce, hash: .openSSL)
      var client = ScramClient(password: "secret", clientNonce: nonce, known: known, hash: .openSSL)
      let challenge = try server.receivedFirst(mechanism: client.mechanism, message: client.clientFirst())
      let proof = try client.received(serverFirst: challenge)
      try client.received(serverFinal: try server.receivedFinal(proof))
      return (client, proof)
    }
    let derived = try #require(try first(known: [], salt: salt).0.derived)
    #expect(try first(known: [derived], salt: salt).0.hasVerifiedServer)
    #expect(try first(known: [derived], salt: Array("another salt 123".utf8)).0.hasVerifiedServer)
    // That they are taken at all: wrong ones make a wrong proof.
    let wrong = DerivedKeys(salt: salt, iterations: 4_096, keys: keys.keys)
    #expect(throws: ScramError.wrongPassword) { try first(known: [wrong], salt: salt) }
  }
}
