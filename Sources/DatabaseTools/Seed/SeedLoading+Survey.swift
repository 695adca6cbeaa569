import LibPQ
import SeedData

extension SeedLoading {
  /// An empty temporary table for the keys of a table's rows, and for the columns of its `update`.
  func stageKeys(_ index: Int, _ facts: TableFacts) throws -> String {
    let table = plan.tables[index]
    let columns =
      (table.key.enumerated().map { "t.\(SQLName.quoted($1)) AS k\($0)" }
      + table.update.enumerated().map { "t.\(SQLName.quoted($1)) AS u\($0)" }).joined(separator: ", ")
    try connection.execute(
      """
      CREATE TEMPORARY TABLE dbtool_seed_\(index) ON COMMIT DROP AS
      SELECT 0::bigint AS n, \(columns) FROM \(facts.sqlName) AS t WITH NO DATA
      """)
    let keys = "pg_temp.dbtool_seed_\(index)"
    staged[index] = keys
    return keys
  }

  /// Sends the keys of some rows; of a table with a parent, the first row of each.
  func sendKeys(_ index: Int, _ range: ClosedRange<Int>, to keys: String) throws -> Int {
    let line = plan.tables[index].parent == nil ? 0 : 1
    return try send("COPY \(keys) FROM STDIN WITH (ENCODING 'UTF8')", [range]) {
      (number, bytes) throws(PlanProblem) in
      if line == 1, try self.maker.lines(of: index, parent: number) == 0 { return 0 }
      try self.maker.appendKey(index, RowAddress(number, line: line), to: &bytes)
      return 1
    }
  }

  /// How many rows the plan wants, and those of them whose keys the target does not hold. Learns the numbers of
  /// those that it holds.
  func compare(_ index: Int, _ facts: TableFacts) throws -> (wanted: Int, missing: [ClosedRange<Int>]) {
    let table = plan.tables[index]
    guard table.rows > 0 else { return (0, []) }
    let keys = try stageKeys(index, facts)
    let wanted = try sendKeys(index, 1...table.rows, to: keys)
    try connection.execute("ANALYZE \(keys)")
    try refuseEqualKeys(table, keys)
    let found = try connection.query(
      """
      SELECT min(n), max(n)
      FROM (
        SELECT n, n - row_number() OVER (ORDER BY n) AS island FROM \(keys) AS k
        WHERE NOT EXISTS (SELECT FROM \(facts.sqlName) AS t WHERE \(sameKey(table)))
      ) AS missing
      GROUP BY island ORDER BY 1
      """)
    if let identity = table.identity {
      let renumbered = try connection.query(
        """
        SELECT k.n, t.\(SQLName.quoted(identity)) FROM \(keys) AS k JOIN \(facts.sqlName) AS t ON \(sameKey(table))
        WHERE t.\(SQLName.quoted(identity)) <> k.n
        """)
      for row in 0..<renumbered.count {
        maker.identities[index][integer(renumbered[row, 0])] = Int64(integer(renumbered[row, 1]))
      }
    }
    let missing = (0..<found.count).map { row in
      let first = integer(found[row, 0])
      return first...max(first, integer(found[row, 1]))
    }
    return (wanted, missing)
  }

  private func refuseEqualKeys(_ table: CompiledTable, _ keys: String) throws {
    let columns = table.key.indices.map { "k\($0)" }.joined(separator: ", ")
    let equal = try connection.query(
      "SELECT min(n), max(n) FROM \(keys) GROUP BY \(columns) HAVING count(*) > 1 ORDER BY 1 LIMIT 1")
    guard equal.count == 1 else { return }
    throw PlanProblem(
      .key(
        "rows \(integer(equal[0, 0])) and \(integer(equal[0, 1])) have the same key"
          + " (\(table.key.joined(separator: ", "))); the columns do not take enough values"),
      table: table.name, column: "key")
  }

  /// Gives missing rows whose number somebody else's row has another one, past all that are in use.
  func number(_ index: Int, _ facts: TableFacts) throws {
    let table = plan.tables[index]
    guard let identity = table.identity.map({ SQLName.quoted($0) }), let keys = staged[index] else { return }
    let taken = try connection.query(
      """
      SELECT k.n FROM \(keys) AS k
      WHERE EXISTS (SELECT FROM \(facts.sqlName) AS t WHERE t.\(identity) = k.n)
        AND NOT EXISTS (SELECT FROM \(facts.sqlName) AS t WHERE \(sameKey(table)))
      ORDER BY 1
      """)
    guard taken.count > 0 else { return }
    let highest = try connection.query("SELECT max(\(identity)) FROM \(facts.sqlName)").first.flatMap {
      Int64($0)
    }
    var next = max(highest ?? 0, Int64(table.rows))
    for row in 0..<taken.count {
      next += 1
      maker.identities[index][integer(taken[row, 0])] = next
    }
  }

  /// How many lines the parents have that were there before this run.
  func oldLines(of index: Int, _ facts: TableFacts) throws -> Int {
    guard let parent = plan.tables[index].parent, let keys = staged[parent], !facts.isEmpty,
      let link = plan.link(of: index), let parentFacts = self.facts[plan.tables[parent].name]
    else { return 0 }
    // Lines of parents that this run has added are not there yet.
    return integer(
      try connection.query(
        """
        SELECT count(*) FROM \(facts.sqlName) AS c
        JOIN \(parentFacts.sqlName) AS t ON t.\(SQLName.quoted(link.parent)) = c.\(SQLName.quoted(link.child))
        JOIN \(keys) AS k ON \(sameKey(plan.tables[parent]))
        """
      ).first)
  }

  /// That a row of the target has the key of a staged one.
  func sameKey(_ table: CompiledTable, _ target: String = "t", _ keys: String = "k") -> String {
    table.key.enumerated().map { "\(target).\(SQLName.quoted($1)) = \(keys).k\($0)" }.joined(
      separator: " AND ")
  }
}
