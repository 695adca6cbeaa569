/// What a server keeps of a password: enough to check it, not enough to log in with it.
///
/// Source: RFC 5802, section 3; the text form is PostgreSQL's, as in `pg_authid.rolpassword`.
package struct ScramVerifier: Equatable, Sendable {
  /// 1 to ``maximumIterations``.
  package let iterations: Int
  package let salt: [UInt8]
  /// 32 bytes.
  package let storedKey: [UInt8]
  /// 32 bytes.
  package let serverKey: [UInt8]

  /// PostgreSQL's default since it knows SCRAM.
  package static let defaultIterations = 4_096

  /// About a third of a second of work for whoever must compute it: a peer that asks for more wants to keep
  /// us busy, not to be safe.
  package static let maximumIterations = 1_000_000

  /// Of PostgreSQL's salts, in bytes.
  package static let saltLength = 16

  private static let keyLength = 32
  private static let prefix = "SCRAM-SHA-256$"

  /// The verifier of `password`.
  /// - Throws: ``ScramError/iterationsOutOfRange``.
  package init(
    password: String, salt: [UInt8], iterations: Int = defaultIterations, hash: ScramHash
  ) throws(ScramError) {
    guard (1...Self.maximumIterations).contains(iterations) else { throw .iterationsOutOfRange }
    let keys = hash.keys(password: preparedPassword(password), salt: salt, iterations: iterations)
    self.init(
      iterations: iterations, salt: salt, storedKey: hash.sha256(keys.clientKey), serverKey: keys.serverKey)
  }

  /// The verifier in PostgreSQL's text form, `SCRAM-SHA-256$4096:salt$storedKey:serverKey` in base64, or nil
  /// when it is malformed or its iterations are out of range.
  package init?(_ text: String) {
    guard text.utf8.starts(with: Self.prefix.utf8) else { return nil }
    let parts = text.dropFirst(Self.prefix.count).split(separator: "$", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let head = parts[0].split(separator: ":", omittingEmptySubsequences: false)
    let keys = parts[1].split(separator: ":", omittingEmptySubsequences: false)
    guard head.count == 2, keys.count == 2,
      let iterations = iterationCount(head[0].utf8),
      let salt = Base64.decoded(head[1].utf8), !salt.isEmpty,
      let storedKey = Base64.decoded(keys[0].utf8), storedKey.count == Self.keyLength,
      let serverKey = Base64.decoded(keys[1].utf8), serverKey.count == Self.keyLength
    else { return nil }
    self.init(iterations: iterations, salt: salt, storedKey: storedKey, serverKey: serverKey)
  }

  private init(iterations: Int, salt: [UInt8], storedKey: [UInt8], serverKey: [UInt8]) {
    self.iterations = iterations
    self.salt = salt
    self.storedKey = storedKey
    self.serverKey = serverKey
  }

  /// PostgreSQL's text form.
  package var text: String {
    func base64(_ data: [UInt8]) -> String { String(decoding: Base64.encoded(data), as: UTF8.self) }
    return "\(Self.prefix)\(iterations):\(base64(salt))$\(base64(storedKey)):\(base64(serverKey))"
  }

  /// The verifier for a user that does not exist: no password fits it, and the same user always gets the same
  /// salt, so that asking twice does not tell it from a real one.
  /// - Parameter secret: random, kept for as long as the process runs. Real users' `iterations` and length of
  ///   salt must be the same, or these tell.
  package static func mock(
    user: String, secret: [UInt8], iterations: Int = defaultIterations, saltLength: Int = saltLength,
    hash: ScramHash
  ) -> ScramVerifier {
    func derived(_ purpose: String) -> [UInt8] { hash.hmac(secret, Array("\(purpose) \(user)".utf8)) }
    return ScramVerifier(
      iterations: iterations, salt: salt(of: user, secret: secret, length: saltLength, hash: hash),
      storedKey: derived("stored key"), serverKey: derived("server key"))
  }

  /// A salt that is the user's own for as long as `secret` is kept: a user who is not known has the same that it
  /// would have if it were, and two passwords of one user can be told apart by one exchange.
  package static func salt(
    of user: String, secret: [UInt8], length: Int = saltLength, hash: ScramHash
  ) -> [UInt8] {
    var salt: [UInt8] = []
    while salt.count < length {
      salt += hash.hmac(secret, Array("salt \(salt.count) \(user)".utf8))
    }
    return Array(salt.prefix(length))
  }
}

/// The number of iterations in decimal, or nil when it is not a number of 1 to
/// ``ScramVerifier/maximumIterations``.
func iterationCount(_ digits: some Collection<UInt8>) -> Int? {
  guard (1...7).contains(digits.count) else { return nil }
  var count = 0
  for digit in digits {
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
    count = count * 10 + Int(digit - UInt8(ascii: "0"))
  }
  return (1...ScramVerifier.maximumIterations).contains(count) ? count : nil
}
