import LibPQ
import Migrations

/// A second session, opened when the first has waited for a while, that asks the server why.
final class WaitMonitor {
  private let connection: Connection
  private let progress: String

  /// Nil when there is no second session to be had.
  init?(_ target: DatabaseTarget, serverVersion: Int) {
    var target = target
    if target.parameters["connect_timeout"] == nil { target.parameters["connect_timeout"] = "3" }
    guard
      let connection = try? Connection(target.libpqParameters(applicationName: "dbtool monitor")),
      // It must never become one more who waits.
      (try? connection.execute("SET statement_timeout = '2s'; SET default_transaction_read_only = on")) != nil
    else { return nil }
    self.connection = connection
    progress = ProgressViews.query(serverVersion: serverVersion)
  }

  /// What a look found.
  struct Findings {
    /// Who holds what the process waits for; empty when it waits for no lock.
    var holders: [LockHolder]
    /// What the server says of how far it is.
    var progress: String?
    /// The first line of what it runs.
    var statement: String
  }

  /// - Returns: nil when the look failed.
  func look(at process: Int32) -> Findings? {
    let pid = String(process)
    guard
      let rows = try? connection.query(
        """
        SELECT b.pid, \(LockHolders.columns)
        FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::int)) AS b(pid)
        LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid ORDER BY b.pid
        """, [pid]),
      let own = try? connection.query(
        "SELECT query FROM pg_catalog.pg_stat_activity WHERE pid = $1::int", [pid])
    else { return nil }
    var findings = Findings(
      holders: LockHolders.read(rows), progress: nil,
      statement: LockHolder.firstLine(own.first ?? "", limit: 60))
    if findings.holders.isEmpty {
      // A view may look different in a server newer than this program: then there is nothing to say.
      findings.progress = (try? connection.query(progress, [pid]))?.first
    }
    return findings
  }
}

/// What the server tells of long statements. Source: PostgreSQL manual, "Progress Reporting".
enum ProgressViews {
  /// A query of one text for the process `$1`.
  static func query(serverVersion: Int) -> String {
    var parts = [
      part("vacuum", "phase", [("heap_blks_scanned", "heap_blks_total", "blocks")])
    ]
    if serverVersion >= 120000 {
      parts.append(
        part(
          "create_index", "phase",
          [
            ("lockers_done", "lockers_total", "transactions waited for"),
            ("blocks_done", "blocks_total", "blocks"),
            ("tuples_done", "tuples_total", "rows"),
          ]))
      parts.append(part("cluster", "phase", [("heap_blks_scanned", "heap_blks_total", "blocks")]))
    }
    if serverVersion >= 130000 {
      parts.append(part("analyze", "phase", [("sample_blks_scanned", "sample_blks_total", "blocks")]))
    }
    if serverVersion >= 140000 {
      parts.append(
        "SELECT command || ' ' || tuples_processed || ' rows'"
          + " FROM pg_catalog.pg_stat_progress_copy WHERE pid = $1::int")
    }
    return parts.joined(separator: " UNION ALL ")
  }

  /// `building index: scanning table, 400 of 12000 blocks`: the first count that the server has begun.
  private static func part(
    _ view: String, _ phase: String, _ counts: [(done: String, all: String, of: String)]
  )
    -> String
  {
    let cases = counts.map { count in
      "WHEN \(count.all) > 0 THEN ', ' || \(count.done) || ' of ' || \(count.all) || ' \(count.of)'"
    }
    return "SELECT \(phase) || CASE \(cases.joined(separator: " ")) ELSE '' END"
      + " FROM pg_catalog.pg_stat_progress_\(view) WHERE pid = $1::int"
  }
}
