import DatabaseTools
import LibPQ

/// Makes a history table as Flyway 13 leaves it: its statements, in its order, and rows that name no time.
struct FlywayHistory {
  let schema: String
  let table: String

  init(schema: String = "public", table: String = "flyway_schema_history") {
    self.schema = schema
    self.table = table
  }

  var name: String { "\"\(schema)\".\"\(table)\"" }

  static let columns = [
    "installed_rank", "version", "description", "type", "script", "checksum", "installed_by", "success",
  ]

  /// The table as Flyway makes it, in place of one that is there.
  /// - Parameter rows: a value for each of ``columns``.
  func write(_ rows: [[String?]], on connection: Connection) throws {
    try connection.execute("BEGIN; DROP TABLE IF EXISTS \(name)")
    try connection.execute(
      """
      CREATE TABLE \(name) ("installed_rank" INT NOT NULL, "version" VARCHAR(50), "description" VARCHAR(200) NOT NULL,
        "type" VARCHAR(20) NOT NULL, "script" VARCHAR(1000) NOT NULL, "checksum" INTEGER,
        "installed_by" VARCHAR(100) NOT NULL, "installed_on" TIMESTAMP NOT NULL DEFAULT now(),
        "execution_time" INTEGER NOT NULL, "success" BOOLEAN NOT NULL)
      """)
    let names = Self.columns.map { "\"\($0)\"" }.joined(separator: ", ")
    for row in rows {
      _ = try connection.query(
        """
        INSERT INTO \(name) (\(names), "execution_time")
        VALUES ($1::int, $2, $3, $4, $5, $6::int, $7, $8::boolean, 12)
        """, row)
    }
    try connection.execute(
      "ALTER TABLE \(name) ADD CONSTRAINT \"\(table)_pk\" PRIMARY KEY (\"installed_rank\")")
    try connection.execute("CREATE INDEX \"\(table)_s_idx\" ON \(name) (\"success\"); COMMIT")
  }

  /// What the catalogue says of the table: columns with type, nullability and default, constraints and indexes.
  func shape(on connection: Connection) throws -> [String] {
    let rows = try connection.query(
      """
      SELECT a.attnum || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
        || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '-')
      FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = $1::regclass AND a.attnum > 0
      UNION ALL
      SELECT c.conname || ' ' || pg_get_constraintdef(c.oid) FROM pg_constraint c WHERE c.conrelid = $1::regclass
      UNION ALL
      SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = $1::regclass
      UNION ALL
      SELECT 'owner ' || pg_get_userbyid(relowner) || ' persistence ' || relpersistence::text FROM pg_class WHERE oid = $1::regclass
      ORDER BY 1
      """, [name])
    return (0..<rows.count).map { rows[$0, 0] ?? "" }
  }
}
