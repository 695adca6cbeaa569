/// What PostgreSQL said when a statement failed, field by field.
///
/// Source: PostgreSQL manual, "Error and Notice Message Fields". A field the server did not send is nil.
package struct ServerError: Error, Sendable, Equatable {
  /// `ERROR`, `FATAL` or `PANIC`, not translated.
  package var severity: String
  /// Five characters; `08006` when the connection was lost, empty when libpq itself refused the call.
  package var sqlState: String
  package var message: String
  package var detail: String?
  package var hint: String?
  /// Where in the text that was sent, counted in characters from 1; 0 when the server named no place.
  package var position: Int
  /// As `position`, within ``internalQuery``; 0 when there is none.
  package var internalPosition: Int
  /// The statement the server made by itself (inside a function, say) that failed.
  package var internalQuery: String?
  /// The call stack of the failure: functions, `COPY table, line 3`, … one a line.
  package var context: String?
  package var schema: String?
  package var table: String?
  package var column: String?
  package var constraint: String?

  /// An error with the given facts and nothing else; for errors this side of the wire.
  package init(severity: String = "ERROR", sqlState: String, message: String) {
    self.severity = severity
    self.sqlState = sqlState
    self.message = message
    position = 0
    internalPosition = 0
  }

  /// Whether the connection is gone: class 08, or the server is going down (57P01 to 57P03).
  package var isConnectionLost: Bool {
    sqlState.hasPrefix("08") || ["57P01", "57P02", "57P03"].contains(sqlState)
  }
}

/// A NOTICE, WARNING, INFO … that came along with a statement.
package struct Notice: Sendable, Equatable {
  /// `NOTICE`, `WARNING`, `INFO`, `LOG` or `DEBUG`, not translated.
  package var severity: String
  package var sqlState: String
  package var message: String
  package var detail: String?
  package var hint: String?
  package var context: String?
}
