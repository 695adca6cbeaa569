/// A plan with every name looked up and every table of weights made: what rows are made from.
package struct CompiledPlan: Sendable {
  package let tables: [CompiledTable]

  /// - Parameters:
  ///   - rows: how many rows each table shall have; a table that is not named has what the plan says.
  ///   - identities: for tables that number their rows, the column that holds the number. Row n has the number
  ///     n unless ``RowMaker/identities`` says otherwise.
  /// - Throws: `PlanProblem` with table and column, for anything in the plan that names nothing or makes no
  ///   sense. Nothing needs a database for it.
  package init(_ plan: SeedPlan, rows: [String: Int], identities: [String: String]) throws(PlanProblem) {
    var compiler = PlanCompiler(plan, rows: rows, identities: identities)
    tables = try compiler.compile()
  }

  package func index(of table: String) -> Int? { tables.firstIndex { $0.name == table } }

  /// - Throws: `PlanProblem.noRows` when rows of `table` would refer to a table of which there are none.
  package func checkReferences(of table: String) throws(PlanProblem) {
    guard let table = tables.first(where: { $0.name == table }), table.rows > 0 else { return }
    for column in table.columns {
      if case .reference(let reference) = column.operation, reference.count == 0 {
        throw PlanProblem(
          .noRows(table: tables[reference.table].name), table: table.name, column: column.name)
      }
    }
  }

  /// The columns by which rows of `table` belong to rows of its parent; nil when it copies none.
  package func link(of table: Int) -> (child: String, parent: String)? {
    for column in tables[table].columns {
      guard case .parent(let parent, let source) = column.operation else { continue }
      switch source {
      case .identity:
        if let identity = tables[parent].identity { return (column.name, identity) }
      case .made(let index): return (column.name, tables[parent].columns[index].name)
      }
    }
    return nil
  }
}

package struct CompiledTable: Sendable {
  package let name: String
  /// The row count, or the parent's when there is one.
  package let rows: Int
  package let parent: Int?
  package let isOnePerParent: Bool
  /// The column that the database would number by itself, when rows bring their number along.
  package let identity: String?
  /// The columns that are written, in order: the identity first, if there is one.
  package let outputs: [String]
  /// The key's columns.
  package let key: [String]

  let columns: [CompiledColumn]
  let outputIndices: [ColumnIndex]
  let keyIndices: [ColumnIndex]
  let count: CompiledColumn?
  /// No parent has more rows than this, since they would have to refer to one row twice.
  let mostLines: Int
}

/// A column that the plan makes, or the row's own number.
enum ColumnIndex: Sendable, Equatable {
  case identity
  case made(Int)
}

struct CompiledColumn: Sendable {
  let name: String
  let stream: CounterStream
  /// In 2⁻³²; with a stream of its own, so that adding NULLs moves no value.
  let nullShare: UInt64
  let nullStream: CounterStream
  let operation: Operation
}

/// What a column does, with indices instead of names.
indirect enum Operation: Sendable {
  case template([PartOperation])
  case choice([[UInt8]], WeightedTable?)
  case integer(BoundOperation, BoundOperation)
  case money(BoundOperation, BoundOperation, endings: [Int64])
  case time(TimeTable)
  case hex(digits: Int)
  case uuid
  case reference(Reference)
  case parent(table: Int, ColumnIndex)
  case sum(table: Int, ColumnIndex)
  case multiply([Int])
}

struct Reference: Sendable {
  let table: Int
  let column: ColumnIndex
  let count: Int
  let zipf: ZipfTable?
  let isDistinct: Bool
}

enum PartOperation: Sendable {
  case text([UInt8])
  case rowNumber(width: Int)
  case line(width: Int)
  case column(Int, [Template.Filter])
  /// One text for each of the list's rows, the filters done.
  case list(ListPick, [[UInt8]])
  /// Another column of the row that column `through` picked.
  case referenced(through: Int, Reference, ColumnIndex, [Template.Filter])
}

enum BoundOperation: Sendable {
  case value(Int64)
  /// One number for each of the list's rows.
  case list(ListPick, [Int64])
}

/// Which row of a list a row of a table gets.
struct ListPick: Sendable {
  let count: Int
  let stream: CounterStream
  let weights: WeightedTable?
  /// The order in which the list is dealt; empty when it is not.
  let deal: [Int]

  func row(_ address: RowAddress) -> Int {
    if !deal.isEmpty { return deal[(address.number - 1 + max(address.line - 1, 0)) % count] }
    if let weights { return weights.index(stream.draw(address)) }
    return Int(stream.draw(address, below: UInt64(count)))
  }
}
