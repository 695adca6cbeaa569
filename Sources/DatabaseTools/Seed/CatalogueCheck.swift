import SeedData

/// Holds a table of the plan against the catalogue, before anything is written.
struct CatalogueCheck {
  let table: TablePlan
  let facts: TableFacts

  /// - Throws: `PlanProblem` with table and column.
  func run(_ compiled: CompiledPlan) throws(PlanProblem) {
    let written = table.columns.filter { !$0.isVirtual }
    for column in written {
      guard let fact = facts.column(column.name) else {
        throw problem(
          .structure(
            "the table has no such column; it has \(facts.columns.map(\.name).joined(separator: ", "))"
              + " (a value for other columns only is \"virtual = true\")"), column.name)
      }
      if fact.isGenerated {
        throw problem(
          .structure("the server generates this column itself; leave it out of the plan"), column.name)
      }
      if fact.isNotNull, column.nullShare > 0 {
        throw problem(
          .structure("the column is NOT NULL, and the plan gives it a share of NULLs"), column.name)
      }
    }
    let key = Set(table.key)
    guard facts.uniqueIndexes.values.contains(key) else {
      let known = facts.uniqueIndexes.values.map { "(\($0.sorted().joined(separator: ", ")))" }.sorted()
      throw problem(
        .key(
          "the key (\(table.key.joined(separator: ", "))) has no unique index of just these columns; "
            + (known.isEmpty
              ? "there is no unique index at all" : "there is \(known.joined(separator: ", "))")),
        "key")
    }
    for fact in facts.columns where fact.isNotNull && !fact.hasDefault && !fact.isGenerated {
      guard written.contains(where: { $0.name == fact.name }) else {
        throw problem(
          .structure("the column is NOT NULL without a default, and the plan makes no value for it"),
          fact.name)
      }
    }
    try checkUniques(compiled)
  }

  /// A unique column needs as many values as there are rows.
  private func checkUniques(_ compiled: CompiledPlan) throws(PlanProblem) {
    guard let rows = compiled.tables.first(where: { $0.name == table.name })?.rows else { return }
    for (index, names) in facts.uniqueIndexes.sorted(by: { $0.key < $1.key }) {
      let names = names.sorted()
      guard let most = compiled.mostValues(of: names, in: table.name), most < rows else { continue }
      let what = names.count == 1 ? "the column takes" : "(\(names.joined(separator: ", "))) take"
      throw problem(
        .key(
          "\(rows) rows are asked for, but \(what) no more than \(most) values, and the unique index \(index)"
            + " allows each once"), names[0])
    }
  }

  private func problem(_ kind: PlanProblem.Kind, _ column: String) -> PlanProblem {
    PlanProblem(kind, table: table.name, column: column)
  }
}
