import LibPQ
import Migrations

/// Flyway's history table: the same statements, the same rows.
struct HistoryTable {
  let connection: Connection
  let schema: String
  let table: String
  let tablespace: String?
  /// Set: what would change it is written down.
  var dryRun: DryRunScript?

  /// As Flyway quotes it; the lock's key is made from this.
  var quotedName: String { SchemaFacts.quoted(schema) + "." + SchemaFacts.quoted(table) }

  /// Only an ordinary table counts.
  func exists() throws(ServerError) -> Bool {
    if dryRun?.hasTable == true { return true }
    return try isPresent()
  }

  private func isPresent() throws(ServerError) -> Bool {
    try connection.query(
      """
      SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r'
      """, [schema, table]
    ).count > 0
  }

  /// Makes the table, and in the same transaction what `rows` writes into it.
  func create(_ rows: [HistoryRow] = []) throws(ServerError) {
    for statement in creation(rows) { try execute(statement) }
    dryRun?.makeTable()
    for row in rows { dryRun?.add(row) }
  }

  /// What ``create(_:)`` sends, without the transaction around it.
  func creation(_ rows: [HistoryRow] = []) -> [String] {
    let space = tablespace.map { " TABLESPACE " + SchemaFacts.quoted($0) } ?? ""
    let index = tablespace.map { " USING INDEX TABLESPACE " + SchemaFacts.quoted($0) } ?? ""
    return [
      """
      CREATE TABLE \(quotedName) (
          "installed_rank" INT NOT NULL,
          "version" VARCHAR(50),
          "description" VARCHAR(200) NOT NULL,
          "type" VARCHAR(20) NOT NULL,
          "script" VARCHAR(1000) NOT NULL,
          "checksum" INTEGER,
          "installed_by" VARCHAR(100) NOT NULL,
          "installed_on" TIMESTAMP NOT NULL DEFAULT now(),
          "execution_time" INTEGER NOT NULL,
          "success" BOOLEAN NOT NULL
      )\(space)
      """
    ] + rows.map { insertion($0) } + [
      "ALTER TABLE \(quotedName) ADD CONSTRAINT \(SchemaFacts.quoted(table + "_pk"))"
        + " PRIMARY KEY (\"installed_rank\")\(index)",
      "CREATE INDEX \(SchemaFacts.quoted(table + "_s_idx")) ON \(quotedName) (\"success\")\(space)",
    ]
  }

  private func execute(_ sql: String) throws(ServerError) {
    if let dryRun { dryRun.statement(sql) } else { try connection.execute(sql) }
  }

  func insert(_ row: HistoryRow) throws(ServerError) {
    try execute(insertion(row))
    dryRun?.add(row)
  }

  func remove(_ row: HistoryRow) throws(ServerError) {
    dryRun?.remove([row])
    try execute(
      "DELETE FROM \(quotedName) WHERE \"installed_rank\" = \(row.installedRank) AND NOT \"success\"")
  }

  /// Takes rows out, whatever they say.
  func forget(_ rows: [HistoryRow]) throws(ServerError) {
    try execute(deletion(rows))
    dryRun?.remove(rows)
  }

  func deletion(_ rows: [HistoryRow]) -> String {
    let ranks = rows.map { String($0.installedRank) }.joined(separator: ", ")
    return "DELETE FROM \(quotedName) WHERE \"installed_rank\" IN (\(ranks))"
  }

  /// Sets description, type and checksum of a row; its script and version text stay, as Flyway leaves them.
  func align(_ row: HistoryRow) throws(ServerError) {
    try execute(
      "UPDATE \(quotedName) SET \"description\" = \(SchemaFacts.literal(row.description)),"
        + " \"type\" = \(SchemaFacts.literal(row.type.rawValue)),"
        + " \"checksum\" = \(row.checksum.map { String($0) } ?? "NULL")"
        + " WHERE \"installed_rank\" = \(row.installedRank)")
  }

  /// The INSERT of a row as text, for a log of what would run.
  func insertion(_ row: HistoryRow) -> String {
    let values = [
      String(row.installedRank), row.version.map { SchemaFacts.literal($0.text) } ?? "NULL",
      SchemaFacts.literal(row.description), SchemaFacts.literal(row.type.rawValue),
      SchemaFacts.literal(row.script), row.checksum.map { String($0) } ?? "NULL",
      SchemaFacts.literal(row.installedBy), String(row.executionTime), row.success ? "TRUE" : "FALSE",
    ]
    return
      "INSERT INTO \(quotedName) (\"installed_rank\", \"version\", \"description\", \"type\", \"script\","
      + " \"checksum\", \"installed_by\", \"execution_time\", \"success\")"
      + " VALUES (\(values.joined(separator: ", ")))"
  }

  /// A time in UTC as Java prints it: with as many groups of three digits behind the point as it needs.
  private static func instant(_ time: String) -> String {
    var shown = time[...]
    while shown.hasSuffix("000"), shown.contains(".") { shown = shown.dropLast(3) }
    return (shown.hasSuffix(".") ? shown.dropLast() : shown) + "Z"
  }

  /// The rows by rank, negative ranks left out; none when there is no table.
  /// - Throws: `MigrationFailure` for a type or version that cannot be read.
  func rows() throws(MigrationFailure) -> [HistoryRow] {
    guard let dryRun else { return try presentRows() }
    return dryRun.rows(over: try presentRows())
  }

  private func presentRows() throws(MigrationFailure) -> [HistoryRow] {
    let found: Rows
    do throws(ServerError) {
      guard try isPresent() else { return [] }
      found = try connection.query(
        """
        /*NO LOAD BALANCE*/ SELECT installed_rank, version, description, type, script, checksum, installed_by,
          to_char(installed_on AT TIME ZONE current_setting('TimeZone') AT TIME ZONE 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS.US'),
          to_char(installed_on, 'YYYY-MM-DD HH24:MI:SS'), execution_time, success
        FROM \(quotedName) WHERE installed_rank > -1 ORDER BY installed_rank
        """)
    } catch {
      throw MigrationFailure(error)
    }
    var rows: [HistoryRow] = []
    rows.reserveCapacity(found.count)
    for index in 0..<found.count {
      func text(_ column: Int) -> String { found[index, column] ?? "" }
      do throws(MigrationError) {
        rows.append(
          HistoryRow(
            installedRank: Int(text(0)) ?? 0,
            version: try found[index, 1].map { (text) throws(MigrationError) in
              try MigrationVersion(text)
            },
            description: text(2), type: try MigrationType(reading: text(3)), script: text(4),
            checksum: found[index, 5].flatMap { Int32($0) }, installedBy: text(6),
            installedOn: Self.instant(text(7)), installedOnLocal: text(8), executionTime: Int(text(9)) ?? 0,
            success: text(10) == "t"))
      } catch {
        throw MigrationFailure(error)
      }
    }
    return rows
  }
}
