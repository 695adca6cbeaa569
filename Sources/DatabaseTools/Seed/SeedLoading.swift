import LibPQ
import SeedData

/// One run's work inside its transaction: finds out which rows are missing, and copies those in.
///
/// First every table is surveyed, then every table is filled. A table that is empty takes all its rows at once. For
/// any other, the keys of the plan's rows go to a temporary table; what is not in the target by its key is missing.
/// So rows that exist are neither written nor locked, however they have been changed since.
final class SeedLoading {
  let connection: Connection
  let plan: CompiledPlan
  let facts: [String: TableFacts]
  let maker: RowMaker
  private let isDryRun: Bool
  private let progress: (SeedProgress) -> Void

  /// By table: the rows that this run adds, and how many of the plan's it found.
  var added: [[ClosedRange<Int>]]
  private var kept: [Int]
  /// By table: the temporary table of its keys, when it was needed.
  var staged: [String?]
  private var done = 0
  /// Rows to be made, as far as was surveyed.
  private(set) var total = 0
  /// Rows sent by ``copy(_:_:)``, by table.
  private(set) var copied: [Int]

  /// Rows go to the server in pieces of about this many bytes.
  static let pieceSize = 64 * 1024

  init(
    _ connection: Connection, _ plan: CompiledPlan, _ facts: [String: TableFacts], isDryRun: Bool = false,
    progress: @escaping (SeedProgress) -> Void = { _ in }
  ) {
    self.connection = connection
    self.plan = plan
    self.facts = facts
    self.isDryRun = isDryRun
    self.progress = progress
    maker = RowMaker(plan)
    added = Array(repeating: [], count: plan.tables.count)
    kept = Array(repeating: 0, count: plan.tables.count)
    staged = Array(repeating: nil, count: plan.tables.count)
    copied = Array(repeating: 0, count: plan.tables.count)
  }

  func entry(_ name: String) -> (Int, TableFacts) {
    guard let index = plan.index(of: name), let facts = facts[name] else {
      preconditionFailure("the seeder hands over only tables that it has compiled and looked up: \(name)")
    }
    return (index, facts)
  }

  // MARK: - What is missing

  /// Finds out which rows of a table this run adds. Tables whose numbers its key needs come before it.
  func survey(_ name: String) throws {
    let (index, facts) = entry(name)
    let table = plan.tables[index]
    if let parent = table.parent, !table.isOnePerParent {
      // Lines of a parent that was there before are left alone: what they refer to depends on how large the
      // other tables were when they were made.
      added[index] = added[parent]
      kept[index] = try oldLines(of: index, facts)
    } else if facts.isEmpty {
      added[index] = table.rows > 0 ? [1...table.rows] : []
    } else {
      let (wanted, missing) = try compare(index, facts)
      added[index] = missing
      kept[index] = wanted - missing.reduce(0) { $0 + $1.count }
      try number(index, facts)
    }
    total += try countRows(index)
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

  private func countRows(_ index: Int) throws -> Int {
    guard plan.tables[index].parent != nil else { return added[index].reduce(0) { $0 + $1.count } }
    var count = 0
    for range in added[index] {
      for number in range { count += try maker.lines(of: index, parent: number) }
    }
    return count
  }

  // MARK: - What is added

  /// Fills a table with what the survey found missing.
  /// - Parameter waiting: columns that stay NULL until ``settle(_:_:)``.
  func fill(_ name: String, waiting: [String] = []) throws -> SeedReport.Table {
    let (index, facts) = entry(name)
    let table = plan.tables[index]
    for column in waiting {
      if let place = table.outputs.firstIndex(of: column) { maker.waiting[index].insert(place) }
    }
    var report = SeedReport.Table(name: name, added: 0, kept: kept[index])
    report.updated = try update(index, facts)
    report.added = try isDryRun ? countRows(index) : copyRows(index, facts)
    guard report.added > 0, !isDryRun else { return report }
    report.digest = maker.digests[index].text
    try advanceSequences(facts)
    return report
  }

  /// Sends some rows of a table, and says of the progress only what has been added to it.
  func copy(_ index: Int, _ ranges: [ClosedRange<Int>]) throws {
    guard let facts = facts[plan.tables[index].name] else { return }
    added[index] = ranges
    copied[index] += try copyRows(index, facts)
  }

  /// What others have added, as this one would report it.
  func report(_ name: String, rows: Int, digest: RowDigest) throws -> SeedReport.Table {
    let (index, facts) = entry(name)
    var report = SeedReport.Table(name: name, added: rows, kept: kept[index])
    report.updated = try update(index, facts)
    if rows > 0 {
      report.digest = digest.text
      try advanceSequences(facts)
    }
    return report
  }

  private func copyRows(_ index: Int, _ facts: TableFacts) throws -> Int {
    let table = plan.tables[index]
    guard !added[index].isEmpty else { return 0 }
    let columns = table.outputs.indices.filter { !maker.waiting[index].contains($0) }
      .map { SQLName.quoted(table.outputs[$0]) }.joined(separator: ", ")
    guard !table.expressions.isEmpty else {
      return try copyRows(index, "\(facts.sqlName) (\(columns))")
    }
    // The server works some columns out, from the others.
    let rows = "dbtool_rows_\(index)"
    try connection.execute(
      "CREATE TEMPORARY TABLE \(rows) ON COMMIT DROP AS SELECT \(columns) FROM \(facts.sqlName) WITH NO DATA")
    let count = try copyRows(index, "pg_temp.\(rows) (\(columns))")
    let made = table.expressions.map { "(\($0.sql))" }.joined(separator: ", ")
    let names = table.expressions.map { SQLName.quoted($0.column) }.joined(separator: ", ")
    try connection.execute(
      """
      INSERT INTO \(facts.sqlName) (\(columns), \(names)) OVERRIDING SYSTEM VALUE
      SELECT \(columns), \(made) FROM pg_temp.\(rows)
      """)
    return count
  }

  private func copyRows(_ index: Int, _ target: String) throws -> Int {
    let table = plan.tables[index]
    return try send("COPY \(target) FROM STDIN WITH (ENCODING 'UTF8')", added[index], of: table.name) {
      (number, bytes) throws(PlanProblem) in
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

  /// Sends rows by a COPY.
  /// - Parameters:
  ///   - name: the table that the progress is told of; nil when it is none.
  ///   - append: appends what belongs to a number, and answers how many rows that was.
  func send(
    _ sql: String, _ ranges: [ClosedRange<Int>], of name: String? = nil,
    _ append: (Int, inout [UInt8]) throws(PlanProblem) -> Int
  ) throws -> Int {
    let copy = try connection.copyIn(Array(sql.utf8))
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.pieceSize + 4096)
    var count = 0
    var told = 0
    do {
      for range in ranges {
        for number in range {
          count += try append(number, &bytes)
          guard bytes.count >= Self.pieceSize else { continue }
          try copy.write(bytes)
          bytes.removeAll(keepingCapacity: true)
          if let name {
            done += count - told
            told = count
            progress(SeedProgress(table: name, done: done, total: total))
          }
        }
      }
      try copy.write(bytes)
    } catch {
      copy.fail(reason: "the rows could not be made")
      throw error
    }
    _ = try copy.finish()
    if let name {
      done += count - told
      progress(SeedProgress(table: name, done: done, total: total))
    }
    return count
  }

  /// Sets the columns that had to wait until rows of other tables were there.
  func settle(_ name: String, _ columns: [String]) throws {
    let (index, facts) = entry(name)
    let table = plan.tables[index]
    guard !isDryRun, !added[index].isEmpty else { return }
    let rows = "dbtool_waiting_\(index)"
    let named =
      (table.key.enumerated().map { "t.\(SQLName.quoted($1)) AS k\($0)" }
      + columns.enumerated().map { "t.\(SQLName.quoted($1)) AS w\($0)" }).joined(separator: ", ")
    try connection.execute(
      """
      CREATE TEMPORARY TABLE \(rows) ON COMMIT DROP AS
      SELECT 0::bigint AS n, \(named) FROM \(facts.sqlName) AS t WITH NO DATA
      """)
    let count = try send("COPY pg_temp.\(rows) FROM STDIN WITH (ENCODING 'UTF8')", added[index]) {
      (number, bytes) throws(PlanProblem) in
      let lines = table.parent == nil ? 1 : try self.maker.lines(of: index, parent: number)
      for line in stride(from: 1, through: lines, by: 1) {
        let address = RowAddress(number, line: table.parent == nil ? 0 : line)
        try self.maker.appendKey(index, address, with: columns, to: &bytes)
      }
      return lines
    }
    if count == 0 { return }
    try connection.execute("ANALYZE pg_temp.\(rows)")
    let set = columns.enumerated().map { "\(SQLName.quoted($1)) = k.w\($0)" }.joined(separator: ", ")
    try connection.execute(
      "UPDATE \(facts.sqlName) AS t SET \(set) FROM pg_temp.\(rows) AS k WHERE \(sameKey(table))")
  }

  /// Brings the columns of `update` to what the plan says, in rows that were there.
  private func update(_ index: Int, _ facts: TableFacts) throws -> Int {
    let table = plan.tables[index]
    guard !table.update.isEmpty, let keys = staged[index] else { return 0 }
    let differ = table.update.enumerated().map {
      "t.\(SQLName.quoted($1))::text IS DISTINCT FROM k.u\($0)::text"
    }
    .joined(separator: " OR ")
    if isDryRun {
      return integer(
        try connection.query(
          "SELECT count(*) FROM \(facts.sqlName) AS t, \(keys) AS k WHERE \(sameKey(table)) AND (\(differ))"
        ).first)
    }
    let set = table.update.enumerated().map { "\(SQLName.quoted($1)) = k.u\($0)" }.joined(separator: ", ")
    return integer(
      try connection.query(
        """
        WITH changed AS (
          UPDATE \(facts.sqlName) AS t SET \(set) FROM \(keys) AS k WHERE \(sameKey(table)) AND (\(differ)) RETURNING 1
        ) SELECT count(*) FROM changed
        """
      ).first)
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

  func integer(_ text: String?) -> Int { text.flatMap { Int($0) } ?? 0 }
}
