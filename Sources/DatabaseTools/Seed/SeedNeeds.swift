import SeedData

/// Which tables' rows need which others', by the plan and by the foreign keys.
struct SeedNeeds {
  let all: [TableOrder.Need]

  /// - Parameter facts: by table; empty without a database.
  init(_ plan: SeedPlan, _ facts: [String: TableFacts]) {
    var needs: [TableOrder.Need] = []
    for table in plan.tables {
      for other in table.neededTables {
        // A value that is not in the key only needs to be known when rows are made, and it is by then.
        let isKey = table.columns.contains { column in
          guard case .reference(other, _, _, _, _, _) = column.generator else { return false }
          return table.key.contains(column.name) || column.isVirtual
        }
        needs.append(
          TableOrder.Need(
            from: table.name, to: other, isDeferred: other != table.parent && !isKey && !facts.isEmpty))
      }
      guard let own = facts[table.name] else { continue }
      for key in own.foreignKeys {
        guard let other = plan.tables.first(where: { facts[$0.name]?.oid == key.target }),
          key.columns.allSatisfy({ name in table.column(name).map { !$0.isVirtual } ?? false })
        else { continue }
        let waiting = key.columns.first { name in
          guard !table.key.contains(name), let fact = own.column(name), !fact.isNotNull else { return false }
          if case .expression = table.column(name)?.generator { return false }
          return true
        }
        needs.append(
          TableOrder.Need(from: table.name, to: other.name, waiting: waiting, isDeferred: key.isDeferrable))
      }
    }
    all = needs
  }
}
