extension PoolSettings {
  /// Encryption towards clients. Unix sockets are never encrypted, as at PostgreSQL.
  package struct TLS: Equatable, Sendable {
    package enum Mode: String, CaseIterable, Sendable {
      case disable
      /// Who asks for it gets it.
      case allow
      /// Nobody comes in without it over TCP.
      case require
      /// A client must also show a certificate that an authority of ``caFile`` has signed.
      case verifyCA = "verify-ca"
      /// And its common name must be the user's.
      case verifyFull = "verify-full"

      package var asksForCertificate: Bool { self == .verifyCA || self == .verifyFull }
      /// Whether who does not use TLS is refused.
      package var isRequired: Bool { self != .disable && self != .allow }
    }

    package var mode = Mode.disable
    /// PEM text: the pool's certificate, then those between it and its authority.
    package var certFile = ""
    /// PEM text without a passphrase.
    package var keyFile = ""
    /// PEM text: who may sign clients' certificates.
    package var caFile = ""
    /// Rules may want a certificate, so that clients are asked for one in any mode.
    var mayNeedCertificate = false

    var asksForCertificate: Bool { mode.asksForCertificate || (mayNeedCertificate && !caFile.isEmpty) }

    package init() {}
  }

  /// libpq's `channel_binding`: whether the login at the server is tied to its certificate.
  package enum ChannelBindingMode: String, CaseIterable, Sendable {
    case disable
    case prefer
    case require
  }

  /// libpq's `sslmode`. Source: PostgreSQL manual, "SSL Support".
  package enum ServerEncryption: String, CaseIterable, Sendable {
    case disable
    /// Only when the server refuses a plain connection.
    case allow
    /// Plain only when the server refuses, or cannot do, an encrypted one.
    case prefer
    case require
    case verifyCA = "verify-ca"
    case verifyFull = "verify-full"

    /// Whether the certificate must come from a known authority.
    package var checksAuthority: Bool { self == .verifyCA || self == .verifyFull }
    package var isRequired: Bool { self == .require || checksAuthority }
  }
}
