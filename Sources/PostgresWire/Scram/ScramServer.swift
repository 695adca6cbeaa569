/// The server's side of one SCRAM-SHA-256 exchange. Give it the client's two messages in order; an error ends
/// the exchange for good.
///
/// Source: RFC 5802, RFC 7677, and PostgreSQL where it is stricter: the user's name in the exchange is
/// ignored (the startup packet named it) and no authorization identity is taken.
package struct ScramServer: Sendable {
  private enum State {
    /// → `awaitingFinal` when the client's first message is good, else `ended`.
    case awaitingFirst
    /// What the proof is computed over is known so far. → `ended` in any case.
    case awaitingFinal(nonce: [UInt8], gs2Header: [UInt8], isBound: Bool, transcript: [UInt8])
    /// Succeeded or failed; nothing more is taken.
    case ended
  }

  private var state = State.awaitingFirst
  private let verifier: ScramVerifier
  private let previous: ScramVerifier?
  private let serverNonce: [UInt8]
  private let channelBinding: ChannelBinding
  private let hash: ScramHash

  /// The client's key, once its proof was right: with it the pool can log in as this user at a server whose
  /// secret has the same salt and iterations.
  package private(set) var clientKey: [UInt8]?

  /// - Parameters:
  ///   - previous: of the password before the last change, which counts, too; only with the verifier's salt and
  ///     iterations can it be tried in the same exchange.
  ///   - serverNonce: fresh randomness in printable ASCII without commas; 24 characters of base64 will do.
  ///   - channelBinding: what the client may bind to.
  package init(
    verifier: ScramVerifier, previous: ScramVerifier? = nil, serverNonce: String,
    channelBinding: ChannelBinding = .none, hash: ScramHash
  ) {
    self.verifier = verifier
    let isTried = previous?.salt == verifier.salt && previous?.iterations == verifier.iterations
    self.previous = isTried ? previous : nil
    self.serverNonce = Array(serverNonce.utf8)
    self.channelBinding = channelBinding
    self.hash = hash
  }

  /// Whether the mechanism was offered.
  package func check(mechanism: String) throws(ScramError) {
    guard channelBinding.mechanisms.contains(mechanism) else { throw .unsupportedMechanism(mechanism) }
  }

  /// Takes the SASLInitialResponse, or a SASLResponse behind one that said nothing; returns the server-first-message
  /// for AuthenticationSASLContinue.
  package mutating func receivedFirst(
    mechanism: String, message: [UInt8]
  ) throws(ScramError) -> [UInt8] {
    guard case .awaitingFirst = state else { throw .outOfTurn }
    state = .ended
    try check(mechanism: mechanism)
    guard !message.isEmpty else { throw .empty }
    var attributes = try ScramAttributes(message, .clientFirst)
    try readBindingFlag(&attributes, isPlus: mechanism == ChannelBinding.plus)
    try attributes.expect(",")
    if attributes.next == UInt8(ascii: "a") { throw .authorizationIdentity }
    try attributes.expect(",")
    let bareStart = attributes.position
    _ = try attributes.value(of: "n")
    try attributes.expect(",")
    let nonce = try attributes.nonce() + serverNonce
    try attributes.skipExtensions(upTo: nil)

    let salt = Base64.encoded(verifier.salt)
    var serverFirst: [UInt8] = []
    serverFirst.reserveCapacity(nonce.count + salt.count + 16)
    serverFirst.append(contentsOf: "r=".utf8)
    serverFirst.append(contentsOf: nonce)
    serverFirst.append(contentsOf: ",s=".utf8)
    serverFirst.append(contentsOf: salt)
    serverFirst.append(contentsOf: ",i=".utf8)
    serverFirst.append(contentsOf: String(verifier.iterations).utf8)
    // Room for the client's final message, too: the transcript is what is signed.
    var transcript: [UInt8] = []
    transcript.reserveCapacity(message.count + serverFirst.count + nonce.count + 64)
    transcript.append(contentsOf: message[bareStart...])
    transcript.append(UInt8(ascii: ","))
    transcript.append(contentsOf: serverFirst)
    state = .awaitingFinal(
      nonce: nonce, gs2Header: Array(message[..<bareStart]), isBound: mechanism == ChannelBinding.plus,
      transcript: transcript)
    return serverFirst
  }

  /// Takes the SASLResponse; returns the server-final-message for AuthenticationSASLFinal: the client is in.
  /// - Throws: ``ScramError/wrongPassword``, also for the mock verifier of an unknown user.
  package mutating func receivedFinal(_ message: [UInt8]) throws(ScramError) -> [UInt8] {
    guard case .awaitingFinal(let nonce, let gs2Header, let isBound, let transcript) = state else {
      throw .outOfTurn
    }
    state = .ended
    guard !message.isEmpty else { throw .empty }
    var attributes = try ScramAttributes(message, .clientFinal)
    let binding = try attributes.base64(of: "c")
    guard binding == gs2Header + bindingData(isBound: isBound) else {
      throw isBound ? .channelBindingMismatch : .channelBindingUnexpected
    }
    try attributes.expect(",")
    guard isEqualInConstantTime(try attributes.nonce(), nonce) else { throw .nonceMismatch }
    try attributes.skipExtensions(upTo: "p")
    let withoutProof = message[..<(attributes.position - 1)]
    let proof = try attributes.base64(of: "p")
    try attributes.expectEnd()
    guard proof.count == verifier.storedKey.count else { throw attributes.malformed("a proof of 32 bytes") }

    var authMessage = transcript
    authMessage.append(UInt8(ascii: ","))
    authMessage.append(contentsOf: withoutProof)
    // Both are computed in any case, so that the time does not tell which of them it was.
    let key = provedKey(proof, verifier, authMessage)
    let oldKey = provedKey(proof, previous ?? verifier, authMessage)
    clientKey = key
    guard key != nil || oldKey != nil else { throw .wrongPassword }
    let proved = key == nil ? previous ?? verifier : verifier
    return Array("v=".utf8) + Base64.encoded(hash.hmac(proved.serverKey, authMessage))
  }

  /// The client's key when the proof was made with it.
  private func provedKey(_ proof: [UInt8], _ verifier: ScramVerifier, _ authMessage: [UInt8]) -> [UInt8]? {
    let key = exclusiveOr(proof, hash.hmac(verifier.storedKey, authMessage))
    return isEqualInConstantTime(hash.sha256(key), verifier.storedKey) ? key : nil
  }

  /// Steps over the flag that says what the client knows about channel binding, and judges it.
  private func readBindingFlag(
    _ attributes: inout ScramAttributes, isPlus: Bool
  ) throws(ScramError) {
    switch attributes.next {
    case UInt8(ascii: "n"):
      guard !isPlus else { throw attributes.malformed("p=") }
      try attributes.expect("n")
    case UInt8(ascii: "y"):
      guard !isPlus else { throw attributes.malformed("p=") }
      guard channelBinding == .none else { throw .channelBindingStripped }
      try attributes.expect("y")
    case UInt8(ascii: "p"):
      guard isPlus else { throw attributes.malformed("n or y") }
      let name = try attributes.value(of: "p")
      guard name == Array("tls-server-end-point".utf8) else {
        throw .unsupportedChannelBinding(String(decoding: name, as: UTF8.self))
      }
    default:  // any other byte from outside
      throw attributes.malformed("n, y or p=")
    }
  }

  private func bindingData(isBound: Bool) -> [UInt8] {
    switch channelBinding {
    case .none: []
    case .tlsServerEndPoint(let hash): isBound ? hash : []
    }
  }
}
