import LibPQ
import Migrations

/// Asks who holds a lock.
enum LockHolders {
  /// What is read of `pg_stat_activity a`, behind the process's number.
  static let columns = """
    coalesce(a.application_name, ''),
    CASE WHEN a.client_addr IS NOT NULL THEN pg_catalog.host(a.client_addr)
      WHEN a.client_port = -1 THEN 'local socket' ELSE '' END,
    coalesce(a.backend_type, ''), coalesce(a.state, ''),
    greatest(0, floor(extract(epoch FROM pg_catalog.clock_timestamp()
      - CASE WHEN a.state = 'active' THEN a.query_start ELSE a.state_change END)))::bigint,
    CASE WHEN a.state IS NULL THEN '' ELSE pg_catalog.left(a.query, 1000) END
    """

  static func read(_ rows: Rows) -> [LockHolder] {
    (0..<rows.count).map { row in
      func text(_ column: Int) -> String { rows[row, column] ?? "" }
      return LockHolder(
        pid: Int(text(0)) ?? 0, application: text(1), client: text(2), kind: text(3), state: text(4),
        seconds: Int(text(5)) ?? 0, statement: text(6))
    }
  }

  /// Who holds the advisory lock with this key; empty when nobody does, or the question fails.
  static func ofAdvisoryLock(_ key: Int64, _ connection: Connection) -> [LockHolder] {
    // One key of 64 bits is kept as two numbers of 32, with objsubid 1.
    let bits = UInt64(bitPattern: key)
    let rows = try? connection.query(
      """
      SELECT coalesce(l.pid, 0), \(columns) FROM pg_catalog.pg_locks l
      LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.classid = $1::bigint::oid AND l.objid = $2::bigint::oid AND l.database =
          (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
      """, [String(bits >> 32), String(bits & 0xFFFF_FFFF)])
    return rows.map { read($0) } ?? []
  }
}
