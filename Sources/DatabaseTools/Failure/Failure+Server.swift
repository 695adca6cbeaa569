package import LibPQ

extension Failure {
  /// A server's refusal in a failure's form. Place and excerpt are the caller's to add: only the caller knows
  /// the file that the text came from.
  package init(_ error: ServerError, hint: String? = nil) {
    self.init(
      error.message, sqlState: error.sqlState.isEmpty ? nil : error.sqlState, detail: error.detail,
      hint: hint ?? error.hint)
    if let context = error.context { related = context.split(separator: "\n").map { String($0) } }
  }

  /// A connection that could not be made to `target`.
  package init(_ failure: ConnectionFailure, to target: DatabaseTarget) {
    let lines = failure.message.split(separator: "\n").map { String($0) }
    self.init(
      "no connection to \(target.description): \(lines.first ?? "no reason given")",
      sqlState: failure.sqlState,
      detail: Self.explanation(lines.dropFirst()),
      hint: Self.hint(for: failure), related: lines.dropFirst().filter { !$0.hasPrefix("\t") })
  }

  /// libpq indents what it adds to a reason; of several hosts' the last, as with the SQLSTATE.
  private static func explanation(_ lines: ArraySlice<String>) -> String? {
    lines.last { $0.hasPrefix("\t") }.map { String($0.drop { $0 == "\t" }) }
  }

  private static func hint(for failure: ConnectionFailure) -> String? {
    switch failure.sqlState {
    case "28P01": "check --user and the password (--password-file, --secret, PGPASSWORD or ~/.pgpass)"
    case "28000": "the server's pg_hba.conf or role attributes refuse this login"
    case "3D000": "create the database first, or name another one in the URL"
    case "53300": "all of the server's connections are taken; wait, or go through `dbtool pool`"
    case "57P03": "the server is starting or stopping; try again in a moment"
    case .some: nil
    case nil:
      failure.isAuthentication
        ? "give a password by --password-file, --secret, PGPASSWORD or ~/.pgpass"
        : "check that the server runs and that host and port are right"
    }
  }
}
