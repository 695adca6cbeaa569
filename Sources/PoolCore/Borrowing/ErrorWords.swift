package import PostgresWire

/// In whose words the pool refuses (`sqlstate_compat`): applications may match on the errors of what they used before.
package enum ErrorWords: String, CaseIterable, Sendable {
  /// Our own: SQLSTATEs as PostgreSQL would choose them, and a client keeps its connection where it can.
  case postgres
  /// Amazon RDS Proxy's.
  case rds
  /// PgBouncer's, which ends the connection with each of these.
  case pgbouncer

  /// Why the pool refuses, as far as the others have words for it.
  package enum Cause: Sendable {
    case borrowTimeout
    case noServer
    case tooManyClients(limit: Int)
    case needsEncryption
  }

  /// The error as the words have it; detail and hint stay ours.
  package func say(_ error: ErrorFields, _ cause: Cause) -> ErrorFields {
    guard let words = words(for: cause) else { return error }
    var said = error
    if self == .pgbouncer {
      said.severity = ErrorFields.Severity.fatal.rawValue
      said.severityV = said.severity
    }
    said.sqlState = words.sqlState
    said.message = words.message
    // What happened, in our words, is not lost.
    said.detail = [error.message + ".", error.detail].compactMap(\.self).joined(separator: " ")
    return said
  }

  private func words(for cause: Cause) -> (sqlState: String, message: String)? {
    switch (self, cause) {
    case (.postgres, _): nil
    case (.rds, .borrowTimeout), (.rds, .noServer):
      ("08000", "Timed-out waiting to acquire database connection.")
    case (.rds, .tooManyClients(let limit)):
      ("53300", "The maximum number of client connections to the proxy exceeded \(limit).")
    case (.rds, .needsEncryption): ("28000", "This RDS Proxy requires TLS connections.")
    case (.pgbouncer, .borrowTimeout): ("08P01", "query_wait_timeout")
    case (.pgbouncer, .noServer): ("08P01", "pgbouncer cannot connect to server")
    case (.pgbouncer, .tooManyClients): ("08P01", "no more connections allowed (max_client_conn)")
    case (.pgbouncer, .needsEncryption): ("08P01", "SSL required")
    }
  }
}
