/// What a run did, table by table in the order in which they were filled.
package struct SeedReport: Sendable, Equatable {
  package struct Table: Sendable, Equatable {
    package var name: String
    /// Rows that were made (in a dry run: would be).
    package var added: Int
    /// Rows of the plan that were there already.
    package var kept: Int
    /// Of these, the rows that got columns again because the plan says `update`.
    package var updated = 0
    /// A sum over the rows that were made, sixteen hexadecimal digits; nil when none were.
    package var digest: String?

    package init(name: String, added: Int, kept: Int, updated: Int = 0, digest: String? = nil) {
      self.name = name
      self.added = added
      self.kept = kept
      self.updated = updated
      self.digest = digest
    }
  }

  /// Nil when the rows went to files.
  package var database: String?
  package var seed: UInt64
  package var isDryRun: Bool
  package var tables: [Table]
  /// The files that were written.
  package var files: [String] = []

  package var added: Int { tables.reduce(0) { $0 + $1.added } }
  package var kept: Int { tables.reduce(0) { $0 + $1.kept } }

  package var json: JSONValue {
    var members: [JSONValue.Member] = [.init("operation", .string("seed"))]
    if let database { members.append(.init("database", .string(database))) }
    members += [
      .init("seed", .number(String(seed))), .init("dryRun", .bool(isDryRun)),
      .init(
        "tables",
        .array(
          tables.map { table in
            var members: [JSONValue.Member] = [
              .init("table", .string(table.name)), .init("added", .integer(table.added)),
              .init("kept", .integer(table.kept)), .init("updated", .integer(table.updated)),
            ]
            if let digest = table.digest { members.append(.init("digest", .string(digest))) }
            return .object(members)
          })),
      .init("added", .integer(added)),
      .init("kept", .integer(kept)),
    ]
    if database == nil { members.append(.init("files", .array(files.map { .string($0) }))) }
    return .object(members)
  }

  /// The lines of a table for people.
  package var lines: [String] {
    SeedTable.lines(
      [["table", isDryRun ? "to add" : "added", "kept"]]
        + tables.map { table in
          [table.name, String(table.added), String(table.kept)]
        })
  }
}

/// Columns of figures under their names.
enum SeedTable {
  /// - Parameter rows: the first is the heading; the first column is text, the others are numbers.
  static func lines(_ rows: [[String]]) -> [String] {
    let name = rows.map { $0[0].count }.max() ?? 0
    let number = max(rows.flatMap { $0.dropFirst().map(\.count) }.max() ?? 0, "added".count) + 1
    return rows.map { row in
      row[0] + String(repeating: " ", count: name - row[0].count)
        + row.dropFirst().map { "  " + String(repeating: " ", count: max(number - $0.count, 0)) + $0 }
        .joined()
    }
  }
}
