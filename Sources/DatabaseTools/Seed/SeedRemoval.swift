import LibPQ
import SeedData

/// What `--reset` has deleted.
package struct SeedRemoval: Sendable, Equatable {
  package struct Table: Sendable, Equatable {
    package var name: String
    package var removed: Int
  }

  package var database: String
  /// In the order in which rows were deleted.
  package var tables: [Table]

  package var removed: Int { tables.reduce(0) { $0 + $1.removed } }

  package var json: JSONValue {
    .object([
      .init("operation", .string("seed reset")), .init("database", .string(database)),
      .init(
        "tables",
        .array(
          tables.map { .object([.init("table", .string($0.name)), .init("removed", .integer($0.removed))]) })),
      .init("removed", .integer(removed)),
    ])
  }

  /// The lines of a table for people.
  package var lines: [String] {
    SeedTable.lines([["table", "removed"]] + tables.map { [$0.name, String($0.removed)] })
  }
}

/// Deletes the rows whose keys the plan can produce, and no others: a row that would go along, or be changed, by a
/// foreign key's action keeps everything as it is.
extension SeedLoading {
  /// Finds the plan's rows in a table without a parent, also those beyond the row count: they were asked for once.
  func stageForRemoval(_ name: String) throws {
    let (index, facts) = entry(name)
    let table = plan.tables[index]
    guard table.parent == nil else { return }
    let keys = try stageKeys(index, facts)
    if facts.isEmpty { return }
    let most = plan.mostRows(of: index)
    var block = max(table.rows, 1)
    var first = 1
    while first <= most {
      let last = min(first + block - 1, most)
      guard try stage(first...last, of: index, facts, keys, mayFail: first > 1) else {
        // A value does not fit its type any more: rows above that cannot be, those below are looked for in steps.
        if block == 1 { break }
        block = max(block / 10, 1)
        continue
      }
      if try connection.query("SELECT EXISTS (SELECT FROM \(keys) WHERE n >= \(first))").first != "t" {
        break
      }
      if first == 1 { block = max(block, 1000) }
      first = last + 1
    }
    try connection.execute("ANALYZE \(keys)")
  }

  /// Keeps those keys of a range that the table holds, and that were not kept before.
  /// - Returns: false when the server refuses a value, if that may be.
  private func stage(
    _ range: ClosedRange<Int>, of index: Int, _ facts: TableFacts, _ keys: String, mayFail: Bool
  ) throws -> Bool {
    let table = plan.tables[index]
    let first = range.lowerBound
    if mayFail { try connection.execute("SAVEPOINT dbtool_seed") }
    do {
      _ = try sendKeys(index, range, to: keys)
    } catch let refusal as ServerError where mayFail && refusal.sqlState.hasPrefix("22") {
      try connection.execute("ROLLBACK TO SAVEPOINT dbtool_seed")
      return false
    }
    try connection.execute(
      """
      DELETE FROM \(keys) AS k
      WHERE n >= \(first) AND NOT EXISTS (SELECT FROM \(facts.sqlName) AS t WHERE \(sameKey(table)))
      """)
    // Keys that only refer to other rows come again and again.
    let again = table.key.indices.map { "o.k\($0) = k.k\($0)" }.joined(separator: " AND ")
    try connection.execute(
      """
      DELETE FROM \(keys) AS k
      WHERE n >= \(first) AND EXISTS (SELECT FROM \(keys) AS o WHERE o.n < \(first) AND \(again))
      """)
    if mayFail { try connection.execute("RELEASE SAVEPOINT dbtool_seed") }
    return true
  }

  func remove(_ name: String) throws -> SeedRemoval.Table {
    let (index, facts) = entry(name)
    let table = plan.tables[index]
    if facts.isEmpty { return SeedRemoval.Table(name: name, removed: 0) }
    guard let parent = table.parent else {
      try refuseOthers(than: index, facts)
      return SeedRemoval.Table(
        name: name,
        removed: try delete("\(facts.sqlName) AS t USING \(staged[index] ?? "") AS k WHERE \(sameKey(table))")
      )
    }
    guard let link = plan.link(of: index), let keys = staged[parent],
      let parentFacts = self.facts[plan.tables[parent].name]
    else {
      throw PlanProblem(
        .structure(
          "its rows copy nothing of their parent, so there is no telling which of them are the plan's"),
        table: name)
    }
    // What else is in the key must be a row of the plan's too.
    var conditions = ""
    for (column, other, source) in plan.keyReferences(of: index) {
      guard let otherKeys = staged[other], let otherFacts = self.facts[plan.tables[other].name] else {
        continue
      }
      conditions += """
         AND EXISTS (SELECT FROM \(otherFacts.sqlName) AS t JOIN \(otherKeys) AS k ON \(sameKey(plan.tables[other]))
          WHERE t.\(SQLName.quoted(source)) = c.\(SQLName.quoted(column)))
        """
    }
    return SeedRemoval.Table(
      name: name,
      removed: try delete(
        """
        \(facts.sqlName) AS c USING \(parentFacts.sqlName) AS t JOIN \(keys) AS k ON \(sameKey(plan.tables[parent]))
        WHERE t.\(SQLName.quoted(link.parent)) = c.\(SQLName.quoted(link.child))\(conditions)
        """))
  }

  /// Columns that go round in a circle must let go before any row can be deleted.
  func letGo(_ name: String, _ columns: [String]) throws {
    let (index, facts) = entry(name)
    guard let keys = staged[index], !facts.isEmpty else { return }
    let set = columns.map { "\(SQLName.quoted($0)) = NULL" }.joined(separator: ", ")
    try connection.execute(
      "UPDATE \(facts.sqlName) AS t SET \(set) FROM \(keys) AS k WHERE \(sameKey(plan.tables[index]))")
  }

  private func delete(_ what: String) throws -> Int {
    integer(
      try connection.query("WITH gone AS (DELETE FROM \(what) RETURNING 1) SELECT count(*) FROM gone").first)
  }

  /// Rows that are not the plan's and refer to rows that shall go.
  private func refuseOthers(than index: Int, _ facts: TableFacts) throws {
    guard let keys = staged[index] else { return }
    let pointing = try connection.query(
      """
      SELECT c.conrelid, c.conrelid::regclass::text, c.conname,
        string_agg(format('x.%I = t.%I', a.attname, b.attname), ' AND ')
      FROM pg_constraint AS c
      CROSS JOIN unnest(c.conkey, c.confkey) AS pair (own, other)
      JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = pair.own
      JOIN pg_attribute AS b ON b.attrelid = c.confrelid AND b.attnum = pair.other
      WHERE c.contype = 'f' AND c.conparentid = 0 AND c.confrelid = $1::oid
      GROUP BY c.oid, c.conrelid, c.conname ORDER BY 2
      """, [facts.oid])
    for row in 0..<pointing.count {
      let table = pointing[row, 1] ?? ""
      // Rows that are the plan's go too, a little later.
      var except = ""
      if let other = plan.tables.firstIndex(where: { self.facts[$0.name]?.oid == pointing[row, 0] }),
        let otherKeys = staged[other]
      {
        except =
          " AND NOT EXISTS (SELECT FROM \(otherKeys) AS o WHERE \(sameKey(plan.tables[other], "x", "o")))"
      }
      let count = integer(
        try connection.query(
          """
          SELECT count(*) FROM \(table) AS x
          WHERE EXISTS (SELECT FROM \(facts.sqlName) AS t JOIN \(keys) AS k ON \(sameKey(plan.tables[index]))
            WHERE \(pointing[row, 3] ?? "true"))\(except)
          """
        ).first)
      guard count > 0 else { continue }
      throw Failure(
        "\(count) rows of \(table) refer to rows of \(plan.tables[index].name), and the plan did not make them",
        detail: "The foreign key is \(pointing[row, 2] ?? ""). Nothing was deleted.",
        hint:
          "delete them first, if they may go; or reset that table too, when the plan has it and --only left it out"
      )
    }
  }
}
