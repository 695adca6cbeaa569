import PostgresWire

/// Why a request or a login failed.
package struct LoadError: Error, Hashable, Sendable {
  /// The server's SQLSTATE; or, where no server spoke, one of ours: `08006` the connection broke, `08P01`
  /// what came is not the protocol, `XX001` the answer belongs to another question.
  package let sqlState: String
  package let message: String

  package init(sqlState: String, message: String) {
    self.sqlState = sqlState
    self.message = message
  }

  init(_ fields: ErrorFields) {
    self.init(sqlState: fields.sqlState, message: fields.message)
  }

  /// Whether the shop itself said no (sold out, session expired …): an answer, not a failure.
  /// Source: migrations/R__checkout.sql, which gives its refusals SQLSTATEs that begin with "SH".
  package var isRefusal: Bool { sqlState.hasPrefix("SH") }

  static func lost(_ how: String) -> LoadError { LoadError(sqlState: "08006", message: how) }
  static func protocolViolation(_ what: String) -> LoadError { LoadError(sqlState: "08P01", message: what) }
  static func wrongAnswer(_ what: String) -> LoadError { LoadError(sqlState: "XX001", message: what) }
}

/// How often each SQLSTATE came, with the first message as an example.
package struct ErrorTally: Sendable, Equatable {
  /// One SQLSTATE.
  package struct Entry: Sendable, Equatable {
    package let sqlState: String
    package var count: Int
    /// The first message of this SQLSTATE.
    package let example: String
  }

  private var bySQLState: [String: Entry] = [:]

  package init() {}

  package mutating func add(_ error: LoadError) {
    bySQLState[error.sqlState, default: Entry(sqlState: error.sqlState, count: 0, example: error.message)]
      .count += 1
  }

  package var total: Int { bySQLState.values.reduce(0) { $0 + $1.count } }

  /// The most frequent first.
  package var entries: [Entry] {
    bySQLState.values.sorted { ($1.count, $0.sqlState) < ($0.count, $1.sqlState) }
  }
}
