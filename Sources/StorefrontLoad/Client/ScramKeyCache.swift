package import PostgresWire

/// The keys of one password by salt and iteration count: 1,600 logins cost one key derivation, not 1,600.
package struct ScramKeyCache: Sendable {
  let password: String
  let hash: ScramHash
  /// By what the server's first message says behind its nonce: `s=SALT,i=COUNT`.
  private var keys: [ArraySlice<UInt8>: ScramKeys] = [:]

  package init(password: String, hash: ScramHash) {
    self.password = password
    self.hash = hash
  }

  /// Takes AuthenticationSASLContinue for a client that has sent its first message under `nonce`.
  /// - Returns: the client's final message, and the exchange waiting for the server's.
  mutating func answer(
    serverFirst: [UInt8], nonce: String
  ) throws(ScramError) -> (response: [UInt8], exchange: ScramClient) {
    let derivation = serverFirst.drop { $0 != UInt8(ascii: ",") }
    var exchange =
      if let known = keys[derivation] {
        ScramClient(keys: known, clientNonce: nonce, hash: hash)
      } else {
        ScramClient(password: password, clientNonce: nonce, hash: hash)
      }
    // The same message that was sent: it follows from the nonce.
    _ = exchange.clientFirst()
    let response = try exchange.received(serverFirst: serverFirst)
    if let derived = exchange.keys { keys[derivation] = derived }
    return (response, exchange)
  }
}
