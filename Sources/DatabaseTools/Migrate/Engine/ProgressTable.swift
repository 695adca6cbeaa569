import LibPQ
import Migrations

/// `dbtool_progress`, beside the history table: how far scripts without a transaction have come. It is made when the
/// first one runs, holds nothing but what was cut off or failed, and goes when it holds nothing, so that a schema is
/// what its migrations made it. Flyway never looks at it.
struct ProgressTable {
  static let name = "dbtool_progress"

  let connection: Connection
  let schema: String
  /// The history table whose scripts these are.
  let history: String

  private var quotedName: String { SchemaFacts.quoted(schema) + "." + SchemaFacts.quoted(Self.name) }

  func exists() throws(ServerError) -> Bool {
    try connection.query(
      """
      SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r'
      """, [schema, Self.name]
    ).count > 0
  }

  /// Whether nothing is on record for this history.
  func isEmpty() throws(ServerError) -> Bool {
    guard try exists() else { return true }
    return try connection.query("SELECT 1 FROM \(quotedName) WHERE history = $1 LIMIT 1", [history]).count
      == 0
  }

  func create() throws(ServerError) {
    try connection.execute(
      """
      CREATE TABLE \(quotedName) (
          history varchar(200) NOT NULL,
          script varchar(1000) NOT NULL,
          statement integer NOT NULL,
          hash bigint NOT NULL,
          checksum integer,
          outcome varchar(10) NOT NULL,
          started_on timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
          ended_on timestamptz,
          CONSTRAINT \(SchemaFacts.quoted(Self.name + "_pk")) PRIMARY KEY (history, script, statement)
      )
      """)
  }

  func dropIfEmpty() throws(ServerError) {
    guard try exists(), try connection.query("SELECT 1 FROM \(quotedName) LIMIT 1").count == 0 else { return }
    try connection.execute("DROP TABLE \(quotedName)")
  }

  /// What is remembered of a script, by statement.
  func rows(of script: String) throws(ServerError) -> [ResumePlan.Row] {
    let found = try connection.query(
      """
      SELECT statement, hash, checksum, outcome, pg_catalog.to_char(started_on, 'YYYY-MM-DD HH24:MI:SS TZ')
      FROM \(quotedName) WHERE history = $1 AND script = $2 ORDER BY statement
      """, [history, script])
    return (0..<found.count).compactMap { index in
      guard let number = found[index, 0].flatMap({ Int($0) }),
        let hash = found[index, 1].flatMap({ Int64($0) }),
        let outcome = ResumePlan.Row.Outcome(rawValue: found[index, 3] ?? "")
      else { return nil }
      return ResumePlan.Row(
        number: number, hash: hash, outcome: outcome, checksum: found[index, 2].flatMap { Int32($0) },
        startedOn: found[index, 4] ?? "")
    }
  }

  /// Writes what is known of statements, all at once. The table may have gone meanwhile: a migrator with another
  /// history table beside this one found it empty.
  func write(_ rows: [ResumePlan.Row], of script: String) throws(ServerError) {
    guard !rows.isEmpty else { return }
    do throws(ServerError) { try insert(rows, of: script) } catch {
      guard error.sqlState == "42P01", connection.transactionStatus == .idle else { throw error }
      try create()
      try insert(rows, of: script)
    }
  }

  private func insert(_ rows: [ResumePlan.Row], of script: String) throws(ServerError) {
    let values = rows.map { row in
      "(\(SchemaFacts.literal(history)), \(SchemaFacts.literal(script)), \(row.number), \(row.hash),"
        + " \(row.checksum.map { String($0) } ?? "NULL"), '\(row.outcome.rawValue)',"
        + " \(row.outcome == .started ? "NULL" : "pg_catalog.clock_timestamp()"))"
    }
    try connection.execute(
      """
      INSERT INTO \(quotedName) AS p (history, script, statement, hash, checksum, outcome, ended_on)
      VALUES \(values.joined(separator: ", "))
      ON CONFLICT (history, script, statement) DO UPDATE SET hash = excluded.hash, checksum = excluded.checksum,
        outcome = excluded.outcome, ended_on = excluded.ended_on, started_on =
          CASE excluded.outcome WHEN 'started' THEN excluded.started_on ELSE p.started_on END
      """)
  }

  /// The statement that forgets a script, or, without one, every script of this history.
  func removal(of script: String? = nil, from number: Int = 1) -> String {
    "DELETE FROM \(quotedName) WHERE history = \(SchemaFacts.literal(history))"
      + (script.map { " AND script = \(SchemaFacts.literal($0)) AND statement >= \(number)" } ?? "")
  }
}
