/// What a run is asked to do beyond its plan.
package struct SeedRequest: Sendable {
  /// Row counts that replace the plan's, by table.
  package var rows: [String: Int]
  /// The tables to fill; nil for all of them.
  package var only: [String]?
  /// Replaces the plan's seed.
  package var seed: UInt64?
  /// Find out what would be added, and leave everything as it is.
  package var isDryRun: Bool
  /// The name of the database, typed by someone who knows that it says production.
  package var acknowledged: String?

  package init(
    rows: [String: Int] = [:], only: [String]? = nil, seed: UInt64? = nil, isDryRun: Bool = false,
    acknowledged: String? = nil
  ) {
    self.rows = rows
    self.only = only
    self.seed = seed
    self.isDryRun = isDryRun
    self.acknowledged = acknowledged
  }
}

/// What a run did, table by table in the order in which they were filled.
package struct SeedReport: Sendable, Equatable {
  package struct Table: Sendable, Equatable {
    package var name: String
    /// Rows that were made (in a dry run: would be).
    package var added: Int
    /// Rows of the plan that were there already.
    package var kept: Int
  }

  package var database: String
  package var seed: UInt64
  package var isDryRun: Bool
  package var tables: [Table]

  package var added: Int { tables.reduce(0) { $0 + $1.added } }
  package var kept: Int { tables.reduce(0) { $0 + $1.kept } }

  package var json: JSONValue {
    .object([
      .init("operation", .string("seed")),
      .init("database", .string(database)),
      .init("seed", .number(String(seed))),
      .init("dryRun", .bool(isDryRun)),
      .init(
        "tables",
        .array(
          tables.map { table in
            .object([
              .init("table", .string(table.name)), .init("added", .integer(table.added)),
              .init("kept", .integer(table.kept)),
            ])
          })),
      .init("added", .integer(added)),
      .init("kept", .integer(kept)),
    ])
  }

  /// The lines of a table for people.
  package var lines: [String] {
    let rows = tables.map { ($0.name, String($0.added), String($0.kept)) }
    let width = max(rows.map(\.0.count).max() ?? 0, "table".count)
    let numbers = max(rows.map { max($0.1.count, $0.2.count) }.max() ?? 0, "added".count)
    func padded(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: width - text.count) + text
    }
    return ([("table", isDryRun ? "to add" : "added", "kept")] + rows).map { name, added, kept in
      name + String(repeating: " ", count: width - name.count) + "  " + padded(added, numbers + 1) + "  "
        + padded(kept, numbers + 1)
    }
  }
}
