import SeedData

/// Which tables' rows need which others', by the plan and by the foreign keys.
struct SeedNeeds {
  /// What must be known before a table's keys can be made.
  private(set) var keys: [TableOrder.Need] = []
  /// What must be there before a table's rows can be.
  private(set) var rows: [TableOrder.Need] = []

  /// - Parameter facts: by table; empty without a database.
  init(_ plan: SeedPlan, _ facts: [String: TableFacts]) {
    for table in plan.tables {
      if let parent = table.parent {
        keys.append(TableOrder.Need(from: table.name, to: parent))
        rows.append(TableOrder.Need(from: table.name, to: parent))
      }
      for column in table.columns {
        guard case .reference(let other, _, _, _, _, _) = column.generator else { continue }
        keys.append(
          TableOrder.Need(from: table.name, to: other, isDeferred: !Self.isInKey(column, of: table)))
        // Without a database nobody says which references are foreign keys.
        if facts.isEmpty { rows.append(TableOrder.Need(from: table.name, to: other, isDeferred: true)) }
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
        rows.append(
          TableOrder.Need(from: table.name, to: other.name, waiting: waiting, isDeferred: key.isDeferrable))
      }
    }
  }

  /// Whether a reference is part of the key, or may be by way of a template.
  private static func isInKey(_ column: ColumnPlan, of table: TablePlan) -> Bool {
    if table.key.contains(column.name) { return true }
    return table.key.contains { name in
      guard case .template(let template) = table.column(name)?.generator else { return false }
      return template.parts.contains { part in
        switch part {
        case .column(let other, _), .member(let other, _, _):
          other == column.name || table.column(other)?.isVirtual == true
        case .text, .rowNumber, .line: false
        }
      }
    }
  }
}
