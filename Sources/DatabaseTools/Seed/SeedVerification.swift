import LibPQ
import SeedData

/// How the rows that are there compare with those that the plan makes.
package struct SeedVerification: Sendable, Equatable {
  package struct Table: Sendable, Equatable {
    package var name: String
    /// Rows of the plan that are there and hold what the plan says.
    package var equal: Int
    package var missing: Int
    package var different: Int
    /// In how many rows each column differs; columns that differ nowhere are left out.
    package var columns: [Column]
    /// The key of the first row that differs, as `sku = X, n = 3`.
    package var example: String?
  }

  package struct Column: Sendable, Equatable {
    package var name: String
    package var different: Int
  }

  package var database: String
  package var seed: UInt64
  package var tables: [Table]

  package var isEqual: Bool { tables.allSatisfy { $0.missing == 0 && $0.different == 0 } }

  package var json: JSONValue {
    .object([
      .init("operation", .string("seed verify")), .init("database", .string(database)),
      .init("seed", .number(String(seed))), .init("equal", .bool(isEqual)),
      .init(
        "tables",
        .array(
          tables.map { table in
            .object([
              .init("table", .string(table.name)), .init("equal", .integer(table.equal)),
              .init("missing", .integer(table.missing)), .init("different", .integer(table.different)),
              .init("columns", .object(table.columns.map { .init($0.name, .integer($0.different)) })),
            ])
          })),
    ])
  }

  /// The lines of a table for people.
  package var lines: [String] {
    SeedTable.lines(
      [["table", "equal", "missing", "different"]]
        + tables.map { [$0.name, String($0.equal), String($0.missing), String($0.different)] })
      + tables.flatMap { table in
        table.columns.map { "\(table.name).\($0.name) differs in \($0.different) rows" }
          + (table.example.map { ["\(table.name): the first that differs has \($0)"] } ?? [])
      }
  }
}

extension SeedLoading {
  /// Compares a table's rows with the plan's. Columns that the server works out are not looked at.
  func verify(_ name: String) throws -> SeedVerification.Table {
    let (index, facts) = entry(name)
    let table = plan.tables[index]
    if table.parent == nil, !facts.isEmpty { _ = try compare(index, facts) }
    var report = SeedVerification.Table(
      name: name, equal: 0, missing: 0, different: 0, columns: [], example: nil)
    guard table.rows > 0 else { return report }
    let rows = "dbtool_verify_\(index)"
    let named = table.outputs.enumerated().map { "t.\(SQLName.quoted($1)) AS c\($0)" }.joined(separator: ", ")
    try connection.execute(
      """
      CREATE TEMPORARY TABLE \(rows) ON COMMIT DROP AS
      SELECT 0::bigint AS n, \(named) FROM \(facts.sqlName) AS t WITH NO DATA
      """)
    let wanted = try send("COPY pg_temp.\(rows) FROM STDIN WITH (ENCODING 'UTF8')", [1...table.rows]) {
      (number, bytes) throws(PlanProblem) in
      guard table.parent != nil else {
        try self.maker.appendNumbered(index, RowAddress(number), to: &bytes)
        return 1
      }
      let lines = try self.maker.lines(of: index, parent: number)
      for line in stride(from: 1, through: lines, by: 1) {
        try self.maker.appendNumbered(index, RowAddress(number, line: line), to: &bytes)
      }
      return lines
    }
    try connection.execute("ANALYZE pg_temp.\(rows)")
    let same = table.key.map { key in
      "t.\(SQLName.quoted(key)) = k.c\(table.outputs.firstIndex(of: key) ?? 0)"
    }.joined(separator: " AND ")
    let differs = table.outputs.enumerated().map {
      "t.\(SQLName.quoted($1))::text IS DISTINCT FROM k.c\($0)::text"
    }
    let any = differs.joined(separator: " OR ")
    let counts = differs.map { "count(*) FILTER (WHERE t.tableoid IS NOT NULL AND \($0))" }.joined(
      separator: ", ")
    let found = try connection.query(
      """
      SELECT count(*) FILTER (WHERE t.tableoid IS NULL), count(*) FILTER (WHERE t.tableoid IS NOT NULL AND (\(any))),
        \(counts)
      FROM pg_temp.\(rows) AS k LEFT JOIN \(facts.sqlName) AS t ON \(same)
      """)
    report.missing = integer(found[0, 0])
    report.different = integer(found[0, 1])
    report.equal = wanted - report.missing - report.different
    for (place, column) in table.outputs.enumerated() {
      let count = integer(found[0, place + 2])
      if count > 0 { report.columns.append(.init(name: column, different: count)) }
    }
    if report.different > 0 {
      let key = table.key.map { "'\($0.replacing("'", with: "''")) = ' || t.\(SQLName.quoted($0))::text" }
        .joined(separator: " || ', ' || ")
      report.example = try connection.query(
        """
        SELECT \(key) FROM pg_temp.\(rows) AS k JOIN \(facts.sqlName) AS t ON \(same) WHERE \(any) ORDER BY k.n LIMIT 1
        """
      ).first
    }
    return report
  }
}
