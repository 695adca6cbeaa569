import LibPQ
import Migrations

/// The advisory lock that Flyway takes, too. It is asked for again and again and never waited for: a session
/// blocked in `pg_advisory_lock` makes another one's CREATE INDEX CONCURRENTLY fail with a deadlock.
///
/// A session holds it. Behind a transaction pooler there is no session that could: there the transaction holds it
/// in which the migration and its row are written. Both forms exclude each other.
struct MigrationLock {
  private let session: MigrationSession
  private let key: Int64
  /// Seconds; below 0 for ever.
  private let patience: Int

  /// Milliseconds between two questions.
  private static let interval = 200

  init(_ session: MigrationSession) {
    self.session = session
    key = AdvisoryLockKey.key(ofTable: session.history.quotedName)
    patience = session.settings.number("lockRetryCount")
  }

  /// Takes it, telling who has it while it is not to be had. Behind a pooler its transaction is open afterwards.
  func take() throws(MigrationFailure) {
    let started = Clock.milliseconds()
    var pace = WaitPace(isInteractive: session.talk.isInteractive)
    defer { session.watch.say(nil) }
    while try !isTaken() {
      let waited = Clock.milliseconds() - started
      if patience >= 0, waited >= patience * 1_000 { throw refusal(holders) }
      if pace.isDue(waited) {
        let holders = holders
        session.watch.say(
          "another migrator is at work; waiting for its lock (\(LockHolder.age(waited / 1_000)))"
            + (holders.isEmpty ? "" : ", held by \(LockHolder.text(holders))"))
      }
      try session.ask { (_) throws(ServerError) in try session.watch.pause(milliseconds: Self.interval) }
    }
  }

  /// Lets it go. It may be gone already (DISCARD ALL in a script): nobody is harmed.
  func release() throws(MigrationFailure) {
    if session.facts.isPooled {
      if session.connection.transactionStatus != .idle { try session.send("COMMIT") }
      return
    }
    // The server warns about a lock that is gone; nobody can do anything about it.
    let connection = session.connection
    let notices = connection.notices
    connection.notices = nil
    defer { connection.notices = notices }
    let answer = try session.ask { (connection) throws(ServerError) in
      try connection.query("SELECT pg_catalog.pg_advisory_unlock(\(key)), pg_catalog.pg_backend_pid()")
    }
    if answer.first == "f", answer[0, 1] != String(session.facts.process) {
      session.talk.warn(
        "a pooler has lent this client another session, and the one with pid \(session.facts.process) keeps the lock:"
          + " SELECT pg_terminate_backend(\(session.facts.process)) frees it;"
          + " leave out postgresql.transactional.lock=false")
    }
  }

  /// Lets it go, and undoes what its transaction did, if it has one; for the way out of a failure.
  func abandon() {
    guard session.connection.isUsable else { return }
    if session.facts.isPooled { try? session.send("ROLLBACK") } else { try? release() }
  }

  private func isTaken() throws(MigrationFailure) -> Bool {
    let facts = session.facts
    if facts.isPooled {
      try session.send(facts.beginStatements)
      let row = try session.ask { (connection) throws(ServerError) in
        try connection.query(
          "SELECT pg_catalog.pg_try_advisory_xact_lock(\(key)), pg_catalog.pg_backend_pid()")
      }
      if row.first == "t" {
        session.watch.isServed(by: row[0, 1].flatMap { Int32($0) } ?? 0)
        return true
      }
      try session.send("ROLLBACK")
      return false
    }
    // Only in the session that this is: one that a pooler lent us would keep the lock for ever.
    let answer = try session.ask { (connection) throws(ServerError) in
      try connection.query(
        "SELECT CASE WHEN pg_catalog.pg_backend_pid() = \(facts.process)"
          + " THEN pg_catalog.pg_try_advisory_lock(\(key)) END")
    }.first
    guard let answer else { throw MigrationFailure(.pooledSession("postgresql.transactional.lock=false")) }
    return answer == "t"
  }

  private var holders: [LockHolder] { LockHolders.ofAdvisoryLock(key, session.connection) }

  private func refusal(_ holders: [LockHolder]) -> MigrationFailure {
    var failure = MigrationFailure(MigrationError.lockRetriesExceeded)
    if !holders.isEmpty { failure.failure.detail = "the lock is held by \(LockHolder.text(holders))" }
    if let advice = holders.first?.advice {
      failure.failure.hint = failure.failure.hint.map { $0 + "\n" + advice } ?? advice
    }
    return failure
  }
}
