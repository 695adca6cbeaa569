import Glibc
import LibPQ
import Migrations

/// The advisory lock that Flyway takes, too. It is asked for again and again and never waited for: a session
/// blocked in `pg_advisory_lock` makes another one's CREATE INDEX CONCURRENTLY fail with a deadlock.
struct MigrationLock {
  let connection: Connection
  let key: Int64
  /// How often to ask again, once a second; below 0 for ever.
  let retries: Int

  /// - Parameter waiting: told once, before the first wait.
  func take(waiting: () -> Void) throws(MigrationFailure) {
    var attempt = 0
    while true {
      do throws(ServerError) {
        if try connection.query("SELECT pg_catalog.pg_try_advisory_lock(\(key))").first == "t" { return }
      } catch {
        throw MigrationFailure(error)
      }
      if attempt == 0 { waiting() }
      if retries >= 0, attempt >= retries { throw MigrationFailure(MigrationError.lockRetriesExceeded) }
      attempt += 1
      sleep(1)
    }
  }

  /// Lets it go. It may be gone already (DISCARD ALL in a script): nobody is harmed.
  func release() throws(MigrationFailure) {
    // The server warns about a lock that is gone; nobody can do anything about it.
    let notices = connection.notices
    connection.notices = nil
    defer { connection.notices = notices }
    do throws(ServerError) {
      _ = try connection.query("SELECT pg_catalog.pg_advisory_unlock(\(key))")
    } catch {
      throw MigrationFailure(error)
    }
  }
}
