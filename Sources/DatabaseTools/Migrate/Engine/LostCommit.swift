import Glibc
import LibPQ
import Migrations

/// What became of a transaction whose connection was lost while it was committed: only the database knows.
struct LostCommit {
  let target: DatabaseTarget
  /// The session that is lost.
  let backendPID: Int32
  let history: HistoryTable
  private let patience = 30_000

  enum Verdict { case committed, notCommitted, unknown(String) }

  init(_ target: DatabaseTarget, backendPID: Int32, _ history: HistoryTable) {
    self.target = target
    self.backendPID = backendPID
    self.history = history
  }

  /// Connects again, waits until the lost session has ended, and looks for its row.
  func verdict(on row: HistoryRow) -> Verdict {
    let deadline = Clock.milliseconds() + patience
    var reason = "no answer"
    repeat {
      do throws(ConnectionFailure) {
        let connection = try Connection(target.libpqParameters(applicationName: "dbtool migrate"))
        defer { connection.close() }
        do throws(ServerError) {
          if try isGone(connection) {
            return try isRecorded(row, connection) ? .committed : .notCommitted
          }
          reason = "the lost session (pid \(backendPID)) is still at work"
        } catch {
          reason = error.message
        }
      } catch {
        reason = error.message
      }
      usleep(200_000)
    } while Clock.milliseconds() < deadline
    return .unknown(reason)
  }

  private func isGone(_ connection: Connection) throws(ServerError) -> Bool {
    try connection.query(
      "SELECT 1 FROM pg_catalog.pg_stat_activity WHERE pid = \(backendPID) AND application_name = 'dbtool migrate'"
    ).count == 0
  }

  private func isRecorded(_ row: HistoryRow, _ connection: Connection) throws(ServerError) -> Bool {
    try connection.query(
      "SELECT 1 FROM \(history.quotedName) WHERE installed_rank = \(row.installedRank) AND script = $1 AND success",
      [row.script]
    ).count > 0
  }
}

extension MigrationFailure {
  /// The connection was lost at COMMIT, and this is what is known of it.
  static func lostAtCommit(
    _ error: MigrationFailure, _ row: HistoryRow, _ verdict: LostCommit.Verdict
  ) -> MigrationFailure {
    var failure = error
    failure.isInMigration = true
    let name = row.version.map { "version \($0.text)" } ?? "repeatable \"\(row.description)\""
    failure.failure.what = "the connection was lost while \(name) was committed: \(error.failure.what)"
    switch verdict {
    case .committed:
      failure.failure.detail = "the history has its row: \(name) was committed and stays applied"
      failure.failure.hint = "migrate again to go on with what comes after it"
    case .notCommitted:
      failure.failure.detail = "the history has no row of it: \(name) was rolled back, nothing of it is there"
      failure.failure.hint = "migrate again"
    case .unknown(let reason):
      failure.failure.detail = "whether it was committed could not be asked: \(reason)"
      failure.failure.hint =
        "migrate again when the server is back: script and row are one transaction, so info"
        + " tells the truth then"
    }
    return failure
  }
}
