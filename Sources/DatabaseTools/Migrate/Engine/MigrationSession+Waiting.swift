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

  /// `canceling statement due to lock timeout; the lock is held by pid 12 (psql, …)`.
  func explanation(_ message: String) -> String {
    watch.blockers.isEmpty ? message : message + "; the lock is held by " + LockHolder.text(watch.blockers)
  }

  /// Adds to a lock that was not had who held it, to a time that was over whose limit it was, and what to do.
  func explained(_ error: MigrationFailure) -> MigrationFailure {
    if error.sqlState == "57014", watch.interruption == nil { return timedOut(error) }
    guard RetryRule.isWorthAnotherTry(sqlState: error.sqlState) else { return error }
    var failure = error
    var hints = failure.failure.hint.map { [$0] } ?? []
    if error.sqlState == "55P03", !watch.blockers.isEmpty {
      if failure.failure.detail == nil {
        failure.failure.detail = "the lock is held by \(LockHolder.text(watch.blockers))"
      }
      if let advice = watch.blockers.first?.advice { hints.append(advice) }
    }
    if settings.number("retries") == 0 { hints.append("--retries N tries it again after a pause") }
    failure.failure.hint = hints.isEmpty ? nil : hints.joined(separator: "\n")
    return failure
  }

  /// The server has no code of its own for it; its words for a cancel by somebody else are different ones.
  private func timedOut(_ error: MigrationFailure) -> MigrationFailure {
    guard error.failure.hint == nil, error.failure.what.contains("statement timeout") else { return error }
    var failure = error
    failure.failure.hint =
      settings.milliseconds("statementTimeout") > 0
      ? "the limit is --statement-timeout \(settings.text("statementTimeout")), unless the script has set its own;"
        + " 0 takes it away"
      : "the limit is the server's statement_timeout, for this role or database; --statement-timeout DURATION sets"
        + " another for migrations"
    return failure
  }
}

extension MigrationFailure {
  /// The same for a call that a signal has ended: its status, and its name instead of the server's words.
  package func ended(by arrival: TerminationSignals.Arrival?) -> MigrationFailure {
    var failure = self
    failure.failure = failure.failure.ended(by: arrival)
    return failure
  }
}
