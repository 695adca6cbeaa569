/// What ties a SCRAM exchange to the TLS channel that it runs in. Source: RFC 5802, section 6; RFC 5929.
package enum ChannelBinding: Equatable, Sendable {
  /// No TLS, or nothing to bind to: SCRAM-SHA-256.
  case none

  /// The hash of the server's certificate: SCRAM-SHA-256-PLUS, too.
  case tlsServerEndPoint([UInt8])

  static let plain = "SCRAM-SHA-256"
  static let plus = "SCRAM-SHA-256-PLUS"

  /// The mechanisms to offer in AuthenticationSASL, the better one first.
  package var mechanisms: [String] {
    switch self {
    case .none: [Self.plain]
    case .tlsServerEndPoint: [Self.plus, Self.plain]
    }
  }
}
