import Glibc
import LibPQ
import Migrations

extension MigrationSession {
  /// Runs initSql, which a session that is lent for a transaction would keep for its next client.
  static func initialize(
    _ connection: Connection, _ sql: String, _ settings: MigrationSettings
  ) throws(MigrationFailure) {
    do throws(ServerError) {
      let process = try connection.query("SELECT pg_catalog.pg_backend_pid()").first
      if process == String(connection.backendPID)
        || settings.values["postgresql.transactional.lock"] == "false"
      {
        return try connection.execute(sql)
      }
    } catch {
      throw MigrationFailure(error)
    }
    throw MigrationFailure(.pooledSession("initSql"))
  }

  /// Waits before another try, saying why.
  /// - Parameter attempt: how many tries have failed, from 1.
  func pause(_ attempt: Int, _ reason: String) throws(ServerError) {
    var random = SystemRandomNumberGenerator()
    let milliseconds = RetryRule.pause(attempt: attempt, random: random.next())
    talk.say(
      "\(reason); trying again in \(milliseconds) ms (\(attempt) of \(settings.number("retries")))")
    try watch.pause(milliseconds: milliseconds)
  }

  /// Whether a statement outside a transaction is to be sent again; waits before it answers yes.
  func isTriedAgain(
    _ error: ServerError, _ statement: String, canRunAgain: Bool, attempt: Int
  ) throws(ServerError) -> Bool {
    guard canRunAgain, RetryRule.isWorthAnotherTry(sqlState: error.sqlState),
      attempt <= settings.number("retries")
    else { return false }
    try pause(attempt, "\(LockHolder.firstLine(statement, limit: 60)): \(explanation(error.message))")
    return true
  }

  /// `canceling statement due to lock timeout; the lock is held by pid 12 (psql, …)`.
  func explanation(_ message: String) -> String {
    watch.holders.isEmpty ? message : message + "; the lock is held by " + LockHolder.text(watch.holders)
  }

  /// Adds to a lock that was not had who held it, and what to do.
  func explained(_ error: MigrationFailure) -> MigrationFailure {
    guard RetryRule.isWorthAnotherTry(sqlState: error.sqlState) else { return error }
    var failure = error
    var hints = failure.failure.hint.map { [$0] } ?? []
    if error.sqlState == "55P03", !watch.holders.isEmpty {
      if failure.failure.detail == nil {
        failure.failure.detail = "the lock is held by \(LockHolder.text(watch.holders))"
      }
      if let advice = watch.holders.first?.advice { hints.append(advice) }
    }
    if settings.number("retries") == 0 { hints.append("--retries N tries it again after a pause") }
    failure.failure.hint = hints.isEmpty ? nil : hints.joined(separator: "\n")
    return failure
  }
}

extension MigrationFailure {
  /// The same for a call that a signal has ended: its status, and its name instead of the server's words.
  package func ended(by arrival: TerminationSignals.Arrival?) -> MigrationFailure {
    guard let arrival else { return self }
    var failure = self
    if sqlState == "57014" { failure.failure.what = "interrupted by \(arrival.name)" }
    failure.failure.exitCode = ExitStatus.signal(arrival.number)
    return failure
  }
}
