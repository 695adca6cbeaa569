/// The client's side of one SCRAM-SHA-256 exchange: how the pool enters a backend. An error ends the exchange
/// for good.
///
/// Source: RFC 5802, RFC 7677. As libpq it takes no extension in the server's messages.
package struct ScramClient: Sendable {
  private enum Secret {
    case password(String)
    case keys(ScramKeys, of: ScramVerifier?)
  }

  private enum State {
    /// → `awaitingServerFirst`
    case start
    /// → `awaitingServerFinal` when the server's first message is good, else `ended`.
    case awaitingServerFirst(firstBare: [UInt8])
    /// → `ended` in any case.
    case awaitingServerFinal(serverSignature: [UInt8])
    /// Succeeded or failed; nothing more is taken.
    case ended
  }

  private var state = State.start
  private let secret: Secret
  private let user: String
  private let clientNonce: [UInt8]
  private let channelBinding: ChannelBinding
  private let hash: ScramHash

  /// Whether the server proved that it knows the password. Before that, an AuthenticationOk is worth nothing.
  package private(set) var hasVerifiedServer = false

  /// What the password became under the server's salt, once that is known: to be kept, so that the next login
  /// at this server costs no key derivation.
  package private(set) var derived: DerivedKeys?
  package var keys: ScramKeys? { derived?.keys }
  private let known: [DerivedKeys]

  /// - Parameters:
  ///   - clientNonce: fresh randomness in printable ASCII without commas; 24 characters of base64 will do.
  ///   - user: the name in the exchange. PostgreSQL ignores it, libpq leaves it empty.
  ///   - known: ``derived`` of earlier logins with this very password.
  package init(
    password: String, clientNonce: String, channelBinding: ChannelBinding = .none, user: String = "",
    known: [DerivedKeys] = [], hash: ScramHash
  ) {
    self.init(.password(password), clientNonce, channelBinding, user, hash, known)
  }

  /// A client that has the keys and not the password.
  /// - Parameter verifier: whose keys they are: they open nothing that has another salt or iteration count. `nil`:
  ///   the caller has seen that they fit.
  package init(
    keys: ScramKeys, of verifier: ScramVerifier? = nil, clientNonce: String,
    channelBinding: ChannelBinding = .none, user: String = "",
    hash: ScramHash
  ) {
    self.init(.keys(keys, of: verifier), clientNonce, channelBinding, user, hash)
  }

  private init(
    _ secret: Secret, _ clientNonce: String, _ channelBinding: ChannelBinding, _ user: String,
    _ hash: ScramHash, _ known: [DerivedKeys] = []
  ) {
    self.secret = secret
    self.known = known
    self.clientNonce = Array(clientNonce.utf8)
    self.channelBinding = channelBinding
    self.user = user
    self.hash = hash
  }

  /// Whether it is this password that is shown.
  package func isOf(_ password: String) -> Bool {
    switch secret {
    case .password(let own): own.utf8.elementsEqual(password.utf8)
    case .keys: false
    }
  }

  /// The mechanism to name in SASLInitialResponse. The server must have offered it.
  package var mechanism: String {
    switch channelBinding {
    case .none: ChannelBinding.plain
    case .tlsServerEndPoint: ChannelBinding.plus
    }
  }

  /// The client-first-message for SASLInitialResponse.
  package mutating func clientFirst() -> [UInt8] {
    let bare = Array("n=".utf8) + escapedUser + Array(",r=".utf8) + clientNonce
    state = .awaitingServerFirst(firstBare: bare)
    return gs2Header + bare
  }

  /// Takes AuthenticationSASLContinue; returns the client-final-message for SASLResponse.
  /// - Throws: ``ScramError/otherVerifier`` for keys that do not fit.
  ///
  /// Derives keys from the password, so it takes milliseconds, unless they are known.
  package mutating func received(serverFirst message: [UInt8]) throws(ScramError) -> [UInt8] {
    guard case .awaitingServerFirst(let firstBare) = state else { throw .outOfTurn }
    state = .ended
    var attributes = try ScramAttributes(message, .serverFirst)
    let nonce = try attributes.nonce()
    guard nonce.count > clientNonce.count, nonce.starts(with: clientNonce) else { throw .nonceMismatch }
    try attributes.expect(",")
    let salt = try attributes.base64(of: "s")
    guard !salt.isEmpty else { throw attributes.malformed("a salt") }
    try attributes.expect(",")
    guard let iterations = iterationCount(try attributes.value(of: "i")) else { throw .iterationsOutOfRange }
    try attributes.expectEnd()

    let keys = try derivedKeys(salt: salt, iterations: iterations)
    derived = DerivedKeys(salt: salt, iterations: iterations, keys: keys)
    let withoutProof = Array("c=".utf8) + Base64.encoded(gs2Header + bindingData) + Array(",r=".utf8) + nonce
    let comma = Array(",".utf8)
    let authMessage = firstBare + comma + message + comma + withoutProof
    let signature = hash.hmac(hash.sha256(keys.clientKey), authMessage)
    state = .awaitingServerFinal(serverSignature: hash.hmac(keys.serverKey, authMessage))
    return withoutProof + Array(",p=".utf8) + Base64.encoded(exclusiveOr(keys.clientKey, signature))
  }

  /// Takes AuthenticationSASLFinal.
  /// - Throws: ``ScramError/refusedByServer(_:)``, ``ScramError/serverNotAuthentic``.
  package mutating func received(serverFinal message: [UInt8]) throws(ScramError) {
    guard case .awaitingServerFinal(let signature) = state else { throw .outOfTurn }
    state = .ended
    var attributes = try ScramAttributes(message, .serverFinal)
    if attributes.next == UInt8(ascii: "e") {
      throw .refusedByServer(String(decoding: try attributes.value(of: "e"), as: UTF8.self))
    }
    let received = try attributes.base64(of: "v")
    try attributes.expectEnd()
    guard isEqualInConstantTime(received, signature) else { throw .serverNotAuthentic }
    hasVerifiedServer = true
  }

  private func derivedKeys(salt: [UInt8], iterations: Int) throws(ScramError) -> ScramKeys {
    switch secret {
    case .password(let password):
      if let same = known.first(where: { $0.salt == salt && $0.iterations == iterations }) {
        return same.keys
      }
      return hash.keys(password: preparedPassword(password), salt: salt, iterations: iterations)
    case .keys(let keys, let verifier):
      if let verifier, verifier.salt != salt || verifier.iterations != iterations { throw .otherVerifier }
      return keys
    }
  }

  private var gs2Header: [UInt8] {
    switch channelBinding {
    case .none: Array("n,,".utf8)
    case .tlsServerEndPoint: Array("p=tls-server-end-point,,".utf8)
    }
  }

  private var bindingData: [UInt8] {
    switch channelBinding {
    case .none: []
    case .tlsServerEndPoint(let hash): hash
    }
  }

  /// A comma and an equals sign have a meaning in the message. Source: RFC 5802, section 5.1.
  private var escapedUser: [UInt8] {
    user.utf8.flatMap { byte in
      switch byte {
      case UInt8(ascii: ","): Array("=2C".utf8)
      case UInt8(ascii: "="): Array("=3D".utf8)
      default: [byte]
      }
    }
  }
}
