/// A plan as it was read: lists, tables, and nothing looked up yet.
package struct SeedPlan: Sendable, Equatable {
  /// Which of all possible data sets this is.
  package var seed: UInt64
  package var lists: [WordList]
  package var tables: [TablePlan]

  package init(seed: UInt64, lists: [WordList], tables: [TablePlan]) {
    self.seed = seed
    self.lists = lists
    self.tables = tables
  }

  package func table(_ name: String) -> TablePlan? { tables.first { $0.name == name } }
}

/// One table of a plan.
package struct TablePlan: Sendable, Equatable {
  package var name: String
  /// How many rows there shall be; without meaning when the table has a parent.
  package var rows: Int
  /// The table whose every row has ``count`` rows here.
  package var parent: String?
  package var count: Generator?
  /// The columns that know a row again.
  package var key: [String]
  /// The columns that a row of the plan gets again when it is there already; all others stay as they are.
  package var update: [String] = []
  package var columns: [ColumnPlan]

  package init(
    name: String, rows: Int = 0, parent: String? = nil, count: Generator? = nil, key: [String],
    columns: [ColumnPlan]
  ) {
    self.name = name
    self.rows = rows
    self.parent = parent
    self.count = count
    self.key = key
    self.columns = columns
  }

  package func column(_ name: String) -> ColumnPlan? { columns.first { $0.name == name } }

  /// The tables that must be filled before this one: its parent, and those it refers to.
  package var neededTables: [String] {
    var names = parent.map { [$0] } ?? []
    for column in columns {
      if case .reference(let table, _, _, _, _, _) = column.generator, table != name { names.append(table) }
    }
    return names
  }

  /// The tables whose rows this one adds up.
  package var summedTables: [String] {
    columns.compactMap { column in
      if case .sum(let table, _) = column.generator { table } else { nil }
    }
  }

  /// Whether a parent has at most one row here, known by the parent alone. Such a row can be added to a
  /// parent that existed before; any other rows of an old parent are left as they were, since what they
  /// refer to depends on how large the other tables have become.
  package var isOnePerParent: Bool {
    guard parent != nil else { return false }
    return key.allSatisfy { name in
      if case .parent = column(name)?.generator { true } else { false }
    }
  }
}

/// One column of a table of a plan.
package struct ColumnPlan: Sendable, Equatable {
  package var name: String
  package var generator: Generator
  /// Made for other columns to use, and not written.
  package var isVirtual: Bool
  /// The share of rows that hold NULL, in 2⁻³².
  package var nullShare: UInt64

  package init(_ name: String, _ generator: Generator, isVirtual: Bool = false, nullShare: UInt64 = 0) {
    self.name = name
    self.generator = generator
    self.isVirtual = isVirtual
    self.nullShare = nullShare
  }
}
