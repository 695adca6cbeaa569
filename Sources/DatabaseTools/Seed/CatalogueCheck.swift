import SeedData

/// Holds a table of the plan against the catalogue, before anything is written.
struct CatalogueCheck {
  let table: TablePlan
  let facts: TableFacts

  /// - Throws: `PlanProblem` with table and column.
  func run() throws(PlanProblem) {
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
  }

  private func problem(_ kind: PlanProblem.Kind, _ column: String) -> PlanProblem {
    PlanProblem(kind, table: table.name, column: column)
  }
}
