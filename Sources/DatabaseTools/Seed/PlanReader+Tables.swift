import SeedData

extension PlanReader {
  private static let settings = ["name", "rows", "per", "count", "key", "update", "file", "columns"]

  /// One `[[table]]`.
  func table(_ entry: PlanValue, clock: Int64?) throws(Failure) -> TablePlan {
    let options = try members(entry, "[[table]]")
    guard case .text(let name)? = options["name"], !name.isEmpty else {
      throw failure("a [[table]] needs a name")
    }
    // A file is read first, since what is wrong with it is said of the file and not of the plan.
    var given: [CSV.Row]?
    if case .text(let file)? = options["file"] { given = try rows(of: folder + file) }
    do throws(PlanProblem) {
      return try table(name, options, given, clock: clock)
    } catch {
      throw SeedPlanFile.failure(error, in: text)
    }
  }

  private func table(
    _ name: String, _ options: [String: PlanValue], _ given: [CSV.Row]?, clock: Int64?
  ) throws(PlanProblem) -> TablePlan {
    for key in options.keys.sorted() where !Self.settings.contains(key) {
      throw PlanProblem(
        .structure("there is no setting \"\(key)\"; there is \(Self.settings.joined(separator: ", "))"),
        table: name,
        column: key)
    }
    let generators = GeneratorReader(clock: clock)
    var table = TablePlan(name: name, key: [], columns: [])
    if let rows = options["rows"] {
      guard case .integer(let number) = rows, options["per"] == nil else {
        throw PlanProblem(
          .structure("rows is a whole number, and not for a table with a parent"), table: name, column: "rows"
        )
      }
      table.rows = number
    }
    if let parent = options["per"] {
      guard case .text(let parentName) = parent else {
        throw PlanProblem(.structure("per is the name of the parent table"), table: name, column: "per")
      }
      table.parent = parentName
    }
    if let count = options["count"] { table.count = try generators.count(count, table: name) }
    guard let key = options["key"] else {
      throw PlanProblem(.key("it needs a key, such as key = [\"code\"]"), table: name)
    }
    table.key = try names(key, "key", of: name)
    if let file = options["file"] {
      guard let given, table.parent == nil else {
        throw PlanProblem(
          .structure("file is a path, and not for a table with a parent; it is \(file.kind)"), table: name,
          column: "file")
      }
      fill(&table, from: given, hasRows: options["rows"] != nil)
    }
    if let update = options["update"] { table.update = try names(update, "update", of: name) }
    switch options["columns"] {
    case .table(let columns)?:
      for (column, value) in columns.sorted(by: { $0.key < $1.key }) {
        table.columns.removeAll { $0.name == column }
        table.columns.append(try generators.column(column, value, table: name))
      }
    case nil where given != nil: break
    default: throw PlanProblem(.structure("it needs [table.columns]"), table: name)
    }
    return table
  }

  private func names(_ value: PlanValue, _ what: String, of table: String) throws(PlanProblem) -> [String] {
    guard case .list(let values) = value, !values.isEmpty else {
      throw PlanProblem(.key("\(what) is a list of columns, such as [\"code\"]"), table: table, column: what)
    }
    var names: [String] = []
    for value in values {
      guard case .text(let name) = value else {
        throw PlanProblem(.key("\(what) is a list of columns"), table: table, column: what)
      }
      names.append(name)
    }
    return names
  }

  // MARK: - Exact rows

  private func rows(of path: String) throws(Failure) -> [CSV.Row] {
    let bytes = try read(path)
    do throws(PlanProblem) {
      let rows = try CSV.rows(bytes)
      // Says what is wrong with the rows, if anything is.
      _ = try WordList(name: path, rows: rows)
      return rows
    } catch {
      guard case .csv(let line, let reason) = error.kind else { throw SeedPlanFile.failure(error, in: text) }
      throw Failure(reason, place: Failure.Place(file: path, line: line))
    }
  }

  /// A table's rows as a file has them: an empty field is NULL, and rows that are there get the file's values again.
  private func fill(_ table: inout TablePlan, from rows: [CSV.Row], hasRows: Bool) {
    guard let header = rows.first else { return }
    if !hasRows { table.rows = rows.count - 1 }
    for (index, field) in header.fields.enumerated() {
      let values = rows.dropFirst().map { row in
        row.fields[index].isEmpty ? nil : String(decoding: row.fields[index], as: UTF8.self)
      }
      table.columns.append(ColumnPlan(String(decoding: field, as: UTF8.self), .given(values)))
    }
    table.update = table.columns.map(\.name).filter { !table.key.contains($0) }
  }
}
