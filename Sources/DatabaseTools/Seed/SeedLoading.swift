import LibPQ
import SeedData

/// One run's work inside its transaction: finds out which rows are missing, and copies those in.
///
/// A table that is empty takes all its rows at once. For any other, the keys of the plan's rows go to a
/// temporary table first; what is not in the target by its key is missing. So rows that exist are neither
/// written nor locked, however they have been changed since.
final class SeedLoading {
  private let connection: Connection
  private let plan: CompiledPlan
  private let facts: [String: TableFacts]
  private let isDryRun: Bool
  private let maker: RowMaker
  /// By table: the rows that this run has added.
  private var added: [[ClosedRange<Int>]]
  /// By table: the temporary table of its keys, when it was needed.
  private var staged: [String?]

  /// Rows go to the server in pieces of about this many bytes.
  private static let pieceSize = 64 * 1024

  init(_ connection: Connection, _ plan: CompiledPlan, _ facts: [String: TableFacts], isDryRun: Bool) {
    self.connection = connection
    self.plan = plan
    self.facts = facts
    self.isDryRun = isDryRun
    maker = RowMaker(plan)
    added = Array(repeating: [], count: plan.tables.count)
    staged = Array(repeating: nil, count: plan.tables.count)
  }

  /// Fills a table.
  func load(_ name: String) throws -> SeedReport.Table {
    let (index, facts) = entry(name)
    let table = plan.tables[index]
    var kept = 0
    if let parent = table.parent, !table.isOnePerParent {
      // Lines of a parent that was there before are left alone: what they refer to depends on how large the
      // other tables were when they were made.
      added[index] = added[parent]
      kept = try oldLines(of: index, facts)
    } else if facts.isEmpty {
      added[index] = table.rows > 0 ? [1...table.rows] : []
    } else {
      let (wanted, missing) = try compare(index, facts)
      added[index] = missing
      kept = wanted - missing.reduce(0) { $0 + $1.count }
      try number(index, facts)
    }
    let count = try isDryRun ? countRows(index) : copyRows(index, facts)
    if count > 0, !isDryRun { try advanceSequences(facts) }
    return SeedReport.Table(name: name, added: count, kept: kept)
  }

  /// Learns the numbers of rows that others refer to, of a table that this run does not fill.
  func resolve(_ name: String) throws {
    let (index, facts) = entry(name)
    let table = plan.tables[index]
    guard table.parent == nil, table.rows > 0 else { return }
    let missing = try facts.isEmpty ? [1...table.rows] : compare(index, facts).missing
    guard let first = missing.first else { return }
    throw Failure(
      "rows of \(name) are needed that are not there: row \(first.lowerBound)"
        + (missing.count > 1 || first.count > 1 ? " and others" : ""),
      detail: "Nothing was changed.", hint: "fill \(name) too: name it in --only")
  }

  private func entry(_ name: String) -> (Int, TableFacts) {
    guard let index = plan.index(of: name), let facts = facts[name] else {
      preconditionFailure("the seeder hands over only tables that it has compiled and looked up: \(name)")
    }
    return (index, facts)
  }

  // MARK: - What is there

  /// How many rows the plan wants, and those of them whose keys the target does not hold. Learns the numbers of
  /// those that it holds.
  private func compare(_ index: Int, _ facts: TableFacts) throws -> (wanted: Int, missing: [ClosedRange<Int>])
  {
    let table = plan.tables[index]
    guard table.rows > 0 else { return (0, []) }
    let keys = "pg_temp.dbtool_seed_\(index)"
    let columns = table.key.enumerated().map { "t.\(SQLName.quoted($1)) AS k\($0)" }.joined(separator: ", ")
    try connection.execute(
      """
      CREATE TEMPORARY TABLE dbtool_seed_\(index) ON COMMIT DROP AS
      SELECT 0::bigint AS n, \(columns) FROM \(facts.sqlName) AS t WITH NO DATA
      """)
    staged[index] = keys
    let copy = try connection.copyIn(Array("COPY \(keys) FROM STDIN WITH (ENCODING 'UTF8')".utf8))
    let line = table.parent == nil ? 0 : 1
    let wanted = try send(copy, [1...table.rows]) { (number, bytes) throws(PlanProblem) in
      if line == 1, try self.maker.lines(of: index, parent: number) == 0 { return 0 }
      try self.maker.appendKey(index, RowAddress(number, line: line), to: &bytes)
      return 1
    }
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
  private func number(_ index: Int, _ facts: TableFacts) throws {
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
  private func oldLines(of index: Int, _ facts: TableFacts) throws -> Int {
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

  private func sameKey(_ table: CompiledTable) -> String {
    table.key.enumerated().map { "t.\(SQLName.quoted($1)) = k.k\($0)" }.joined(separator: " AND ")
  }

  // MARK: - What is added

  private func copyRows(_ index: Int, _ facts: TableFacts) throws -> Int {
    let table = plan.tables[index]
    guard !added[index].isEmpty else { return 0 }
    let columns = table.outputs.map { SQLName.quoted($0) }.joined(separator: ", ")
    let copy = try connection.copyIn(
      Array("COPY \(facts.sqlName) (\(columns)) FROM STDIN WITH (ENCODING 'UTF8')".utf8))
    return try send(copy, added[index]) { (number, bytes) throws(PlanProblem) in
      guard table.parent != nil else {
        try self.maker.appendRow(index, RowAddress(number), to: &bytes)
        return 1
      }
      let lines = try self.maker.lines(of: index, parent: number)
      for line in stride(from: 1, through: lines, by: 1) {
        try self.maker.appendRow(index, RowAddress(number, line: line), to: &bytes)
      }
      return lines
    }
  }

  private func countRows(_ index: Int) throws -> Int {
    guard plan.tables[index].parent != nil else { return added[index].reduce(0) { $0 + $1.count } }
    var count = 0
    for range in added[index] {
      for number in range { count += try maker.lines(of: index, parent: number) }
    }
    return count
  }

  /// - Parameter append: appends what belongs to a number, and answers how many rows that was.
  private func send(
    _ copy: CopyIn, _ ranges: [ClosedRange<Int>],
    _ append: (Int, inout [UInt8]) throws(PlanProblem) -> Int
  ) throws -> Int {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.pieceSize + 4096)
    var count = 0
    do {
      for range in ranges {
        for number in range {
          count += try append(number, &bytes)
          if bytes.count >= Self.pieceSize {
            try copy.write(bytes)
            bytes.removeAll(keepingCapacity: true)
          }
        }
      }
      try copy.write(bytes)
    } catch {
      copy.fail(reason: "the rows could not be made")
      throw error
    }
    _ = try copy.finish()
    return count
  }

  /// The next row that anybody inserts must not get a number that a seeded row has.
  private func advanceSequences(_ facts: TableFacts) throws {
    for column in facts.columns {
      guard let sequence = column.sequence else { continue }
      _ = try connection.query(
        """
        SELECT setval($1, highest)
        FROM (SELECT max(\(SQLName.quoted(column.name))) AS highest FROM \(facts.sqlName)) AS rows,
          (SELECT last_value FROM \(sequence)) AS sequence
        WHERE highest >= last_value
        """, [sequence])
    }
  }

  private func integer(_ text: String?) -> Int { text.flatMap { Int($0) } ?? 0 }
}
