import SeedData

/// Writes a plan's rows to files; no database is asked for anything.
///
/// Row n of a table that numbers its rows has the number n, and the columns that hold such numbers are those that the
/// plan's references name. So the files are for tables that hold no other rows.
package struct SeedFiles {
  package enum Format: String, Sendable, CaseIterable { case csv, sql, jsonl }

  let file: SeedPlanFile
  let request: SeedRequest
  let format: Format

  package init(_ file: SeedPlanFile, _ request: SeedRequest, _ format: Format) {
    self.file = file
    self.request = request
    self.format = format
  }

  /// - Parameter output: a folder, which is made when it is not there; something else that is there, such as
  ///   `/dev/null`, takes all rows; nil is stdout.
  /// - Throws: `Failure`; files are then as they were.
  package func write(to output: String?, telling: Seeder.Telling = Seeder.Telling()) throws(Failure)
    -> SeedReport
  {
    let (plan, selected) = try file.selection(request)
    do {
      let compiled = try CompiledPlan(plan, rows: request.rows, identities: plan.impliedIdentities)
      for name in selected { try compiled.checkReferences(of: name) }
      let needs = SeedNeeds(plan, [:]).rows
      let order = try TableOrder.order(plan.tables.map(\.name), needs: needs).tables.filter(selected.contains)
      if output == nil, format != .sql, order.count > 1 {
        throw Failure.usage(
          "rows of \(order.count) tables do not go into one \(format.rawValue) text",
          hint: "name a folder, --output DIR, or one table, --only \(order[0])")
      }
      for name in order where format != .sql {
        if let column = compiled.tables.first(where: { $0.name == name })?.expressions.first?.column {
          throw PlanProblem(
            .structure("only a server can work out its value; \(format.rawValue) has none"), table: name,
            column: column)
        }
      }
      let sink = try SeedSink(output)
      defer { sink.close() }
      let writing = SeedWriting(compiled, order, sink, hooks: file, telling: telling)
      var report = SeedReport(database: nil, seed: plan.seed, isDryRun: false, tables: [])
      report.tables = format == .sql ? try writing.script() : try writing.tables(format)
      report.files = try sink.finish()
      return report
    } catch let failure as Failure {
      throw failure
    } catch let problem as PlanProblem {
      throw file.failure(problem)
    } catch {
      throw Failure("\(error)")
    }
  }
}

/// One run's work.
private final class SeedWriting {
  private let plan: CompiledPlan
  private let order: [String]
  private let sink: SeedSink
  private let hooks: SeedPlanFile
  private let telling: Seeder.Telling
  private let maker: RowMaker
  private var done = 0
  private var total = 0

  /// So many rows are one INSERT.
  private static let rowsOfStatement = 500

  init(
    _ plan: CompiledPlan, _ order: [String], _ sink: SeedSink, hooks: SeedPlanFile, telling: Seeder.Telling
  ) {
    self.plan = plan
    self.order = order
    self.sink = sink
    self.hooks = hooks
    self.telling = telling
    maker = RowMaker(plan)
    for name in order {
      // Lines are counted as they come: here a parent counts as one.
      total += plan.tables.first { $0.name == name }?.rows ?? 0
    }
  }

  // MARK: - CSV and JSON lines

  func tables(_ format: SeedFiles.Format) throws -> [SeedReport.Table] {
    var reports: [SeedReport.Table] = []
    for name in order {
      guard let index = plan.index(of: name) else { continue }
      try sink.open("\(name).\(format.rawValue)")
      if format == .csv { try sink.write(RowFormat.csvHeader(plan.tables[index].outputs)) }
      let rows = try each(index) { (address, bytes) throws(PlanProblem) in
        try self.maker.appendRow(index, address, as: format == .csv ? .csv : .jsonl, to: &bytes)
      }
      reports.append(report(index, rows))
    }
    if format == .csv, sink.isFolder {
      try sink.open("load.sql")
      try sink.write(Array(loader.utf8))
    }
    return reports
  }

  /// A psql script that loads the CSV files.
  private var loader: String {
    var text = "-- In this folder: psql -v ON_ERROR_STOP=1 -f load.sql\nBEGIN;\n"
    for name in order {
      guard let table = plan.tables.first(where: { $0.name == name }) else { continue }
      let columns = table.outputs.map { SQLName.quoted($0) }.joined(separator: ", ")
      text +=
        "\\copy \(SQLName.quoted(dotted: name)) (\(columns)) FROM '\(name).csv' WITH (FORMAT csv, HEADER, ENCODING 'UTF8')\n"
    }
    return text + sequences + "COMMIT;\n"
  }

  // MARK: - SQL

  func script() throws -> [SeedReport.Table] {
    try sink.open("seed.sql")
    try sink.write(
      Array(
        """
        -- Rows by \(hooks.text.path), made by dbtool seed. A migration as it is; with psql: psql -1 -v ON_ERROR_STOP=1 -f seed.sql

        """.utf8))
    for hook in hooks.before { try sink.write(hook.sql + [UInt8(ascii: "\n")]) }
    var reports: [SeedReport.Table] = []
    for name in order {
      guard let index = plan.index(of: name) else { continue }
      reports.append(report(index, try statements(index)))
    }
    try sink.write(Array(sequences.utf8))
    for hook in hooks.after { try sink.write(hook.sql + [UInt8(ascii: "\n")]) }
    return reports
  }

  private func statements(_ index: Int) throws -> Int {
    let table = plan.tables[index]
    let name = SQLName.quoted(dotted: table.name)
    let columns = table.outputs.map { SQLName.quoted($0) }.joined(separator: ", ")
    let key = table.key.map { SQLName.quoted($0) }.joined(separator: ", ")
    let set = table.update.map { "\(SQLName.quoted($0)) = excluded.\(SQLName.quoted($0))" }.joined(
      separator: ", ")
    let conflict = "\nON CONFLICT (\(key)) DO " + (set.isEmpty ? "NOTHING" : "UPDATE SET \(set)") + ";\n"
    var head = "INSERT INTO \(name) (\(columns)) OVERRIDING SYSTEM VALUE VALUES\n"
    var tail = conflict
    if !table.expressions.isEmpty {
      // The server works some columns out from the others, so these must be typed first.
      head = "INSERT INTO pg_temp.dbtool_rows (\(columns)) VALUES\n"
      tail = ";\n"
      try sink.write(
        Array("CREATE TEMPORARY TABLE dbtool_rows AS SELECT \(columns) FROM \(name) WITH NO DATA;\n".utf8))
    }
    let start = Array(head.utf8)
    let separator = Array(",\n".utf8)
    let end = Array(tail.utf8)
    var open = 0
    let rows = try each(index) { (address, bytes) throws(PlanProblem) in
      if open == Self.rowsOfStatement {
        bytes.append(contentsOf: end)
        open = 0
      }
      bytes.append(contentsOf: open == 0 ? start : separator)
      try self.maker.appendRow(index, address, as: .sql, to: &bytes)
      open += 1
    }
    if open > 0 { try sink.write(end) }
    if !table.expressions.isEmpty {
      let names = table.expressions.map { SQLName.quoted($0.column) }.joined(separator: ", ")
      let made = table.expressions.map { "(\($0.sql))" }.joined(separator: ", ")
      try sink.write(
        Array(
          """
          INSERT INTO \(name) (\(columns), \(names)) OVERRIDING SYSTEM VALUE
          SELECT \(columns), \(made) FROM pg_temp.dbtool_rows\(conflict)DROP TABLE pg_temp.dbtool_rows;

          """.utf8))
    }
    return rows
  }

  /// The next row that anybody inserts must not get a number that is taken.
  private var sequences: String {
    var text = ""
    for name in order {
      guard let identity = plan.tables.first(where: { $0.name == name })?.identity else { continue }
      let quoted = SQLName.quoted(dotted: name)
      let literal = "'\(quoted.replacing("'", with: "''"))', '\(identity.replacing("'", with: "''"))'"
      text +=
        "SELECT setval(pg_get_serial_sequence(\(literal)), (SELECT max(\(SQLName.quoted(identity))) FROM \(quoted)));\n"
    }
    return text
  }

  // MARK: - Rows

  private func each(
    _ index: Int, _ append: (RowAddress, inout [UInt8]) throws(PlanProblem) -> Void
  ) throws -> Int {
    let table = plan.tables[index]
    var bytes: [UInt8] = []
    bytes.reserveCapacity(SeedLoading.pieceSize + 4096)
    var rows = 0
    for number in stride(from: 1, through: table.rows, by: 1) {
      if table.parent == nil {
        try append(RowAddress(number), &bytes)
        rows += 1
      } else {
        let lines = try maker.lines(of: index, parent: number)
        for line in stride(from: 1, through: lines, by: 1) {
          try append(RowAddress(number, line: line), &bytes)
        }
        rows += lines
      }
      guard bytes.count >= SeedLoading.pieceSize else { continue }
      try sink.write(bytes)
      bytes.removeAll(keepingCapacity: true)
      telling.progress(SeedProgress(table: table.name, done: done + number, total: total))
    }
    try sink.write(bytes)
    done += table.rows
    telling.progress(SeedProgress(table: table.name, done: done, total: total))
    return rows
  }

  private func report(_ index: Int, _ rows: Int) -> SeedReport.Table {
    let report = SeedReport.Table(
      name: plan.tables[index].name, added: rows, kept: 0, digest: rows > 0 ? maker.digests[index].text : nil)
    telling.table(report)
    return report
  }
}
