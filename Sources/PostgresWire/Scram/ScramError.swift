/// Why a SCRAM exchange ends. What comes from the peer is hostile until proved otherwise.
package enum ScramError: Error, Equatable, Sendable {
  /// The peer's messages, by RFC 5802's names.
  package enum MessageName: String, Equatable, Sendable {
    case clientFirst = "client-first-message"
    case clientFinal = "client-final-message"
    case serverFirst = "server-first-message"
    case serverFinal = "server-final-message"
  }

  /// The message does not follow the grammar; `field` is what was expected where it goes wrong.
  case malformed(MessageName, field: String)

  /// There is nothing in the message.
  case empty

  /// The frame around the message cannot be read; in PostgreSQL's words.
  case malformedFrame(String)

  /// A message after the exchange ended, or before its time.
  case outOfTurn

  /// The client chose a mechanism that was not offered.
  case unsupportedMechanism(String)

  /// The client wants to act as somebody else.
  case authorizationIdentity

  /// The peer insists on an extension that nobody has defined yet (`m=`).
  case mandatoryExtension

  /// The client asks for a way of channel binding other than `tls-server-end-point`.
  case unsupportedChannelBinding(String)

  /// The client could bind to the channel and believes that we cannot, but we offered it: somebody in
  /// between took the offer away.
  case channelBindingStripped

  /// The client is bound to another channel than ours: somebody is in between.
  case channelBindingMismatch

  /// The client's last message binds to a channel, or names another header than its first, though it asked for no
  /// binding.
  case channelBindingUnexpected

  /// The nonce is not the one of this exchange.
  case nonceMismatch

  /// The server wants a number of iterations that this tool does not compute.
  case iterationsOutOfRange

  /// The proof does not match: a wrong password, or a user that does not exist. They are alike on purpose.
  case wrongPassword

  /// The server ended the exchange with `e=`.
  case refusedByServer(String)

  /// The server does not know the password, or it is not the server.
  case serverNotAuthentic

  /// There is a key and no password, and the server's secret has another salt or number of iterations than that key.
  case otherVerifier

  /// The sentence for people, without the peer's name.
  package var message: String {
    switch self {
    case .malformed(let name, let field): "malformed SCRAM message: expected \(field) in the \(name.rawValue)"
    case .empty: "malformed SCRAM message: it is empty"
    case .malformedFrame(let what): what
    case .outOfTurn: "SCRAM message out of turn"
    case .unsupportedMechanism: "client selected an invalid SASL authentication mechanism"
    case .authorizationIdentity: "client uses authorization identity, but it is not supported"
    case .mandatoryExtension: "peer requires an unsupported SCRAM extension"
    case .unsupportedChannelBinding: "unsupported SCRAM channel-binding type"
    case .channelBindingStripped:
      "client believes that the server does not support channel binding, but it does"
    case .channelBindingMismatch: "SCRAM channel binding check failed"
    case .channelBindingUnexpected: "unexpected SCRAM channel-binding attribute in client-final-message"
    case .nonceMismatch: "SCRAM nonce does not match"
    case .iterationsOutOfRange: "SCRAM iteration count is outside 1 to \(ScramVerifier.maximumIterations)"
    case .wrongPassword: "password authentication failed"
    case .refusedByServer(let reason): "server refused SCRAM authentication: \(reason)"
    case .otherVerifier: "the server's SCRAM secret is another than the one that the pool has"
    case .serverNotAuthentic: "server could not prove that it knows the password"
    }
  }

  /// What a client is told, in PostgreSQL's words as far as they go; ``message`` is for logs.
  package var answer: (message: String, detail: String?) {
    switch self {
    case .malformed(let name, let field):
      ("malformed SCRAM message", "Expected \(field) in the \(name.rawValue).")
    case .empty: ("malformed SCRAM message", "The message is empty.")
    case .mandatoryExtension: ("client requires an unsupported SCRAM extension", nil)
    case .nonceMismatch: ("invalid SCRAM response", "Nonce does not match.")
    case .outOfTurn, .unsupportedMechanism, .authorizationIdentity, .unsupportedChannelBinding,
      .channelBindingStripped, .channelBindingMismatch, .channelBindingUnexpected, .iterationsOutOfRange,
      .wrongPassword, .refusedByServer, .serverNotAuthentic, .otherVerifier, .malformedFrame:
      (message, nil)
    }
  }

  /// The SQLSTATE that a server sends with it, PostgreSQL's choice.
  package var sqlState: String {
    switch self {
    case .malformed, .empty, .malformedFrame, .outOfTurn, .unsupportedMechanism, .unsupportedChannelBinding,
      .channelBindingUnexpected, .nonceMismatch,
      .iterationsOutOfRange:
      "08P01"
    case .authorizationIdentity, .mandatoryExtension: "0A000"
    case .channelBindingStripped, .channelBindingMismatch: "28000"
    case .wrongPassword, .refusedByServer, .serverNotAuthentic, .otherVerifier: "28P01"
    }
  }
}
