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
    for column in table.columns where column.nullShare < 1 << 32 {
      if case .reference(let reference) = column.operation, reference.count == 0 {
        throw PlanProblem(
          .noRows(table: tables[reference.table].name), table: table.name, column: column.name)
      }
    }
  }

  /// No row of a table has a higher number, however many are asked for.
  package func mostRows(of table: Int) -> Int {
    var most = PlanCompiler.mostRows
    for column in tables[table].columns {
      if case .given(let values) = column.operation { most = min(most, values.count) }
    }
    return most
  }

  /// The key's columns that refer to rows of other tables: the column, the table, and the column there.
  package func keyReferences(of table: Int) -> [(column: String, table: Int, source: String)] {
    tables[table].keyIndices.compactMap { key in
      guard case .made(let index) = key,
        case .reference(let reference) = tables[table].columns[index].operation
      else { return nil }
      let column = tables[table].columns[index].name
      switch reference.column {
      case .identity: return tables[reference.table].identity.map { (column, reference.table, $0) }
      case .made(let source): return (column, reference.table, tables[reference.table].columns[source].name)
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
  /// The columns that rows get again when they are there already.
  package let update: [String]
  /// Columns that the server works out, and by which expression.
  package let expressions: [(column: String, sql: String)]

  let columns: [CompiledColumn]
  let outputIndices: [ColumnIndex]
  let keyIndices: [ColumnIndex]
  let updateIndices: [ColumnIndex]
  let count: CompiledColumn?
  /// No parent has more rows than this, since they would have to refer to one row twice.
  let mostLines: Int
}

/// A column that the plan makes, or the row's own number.
enum ColumnIndex: Sendable, Hashable {
  case identity
  case made(Int)
}

/// A class, so that a row that looks at it counts one reference, and not all that the operation holds.
final class CompiledColumn: Sendable {
  let name: String
  let stream: CounterStream
  /// In 2⁻³²; with a stream of its own, so that adding NULLs moves no value.
  let nullShare: UInt64
  let nullStream: CounterStream
  let operation: Operation

  init(
    name: String, stream: CounterStream, nullShare: UInt64, nullStream: CounterStream, operation: Operation
  ) {
    self.name = name
    self.stream = stream
    self.nullShare = nullShare
    self.nullStream = nullStream
    self.operation = operation
  }
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
  /// Row n has the n-th; nil is NULL.
  case given([[UInt8]?])
  /// Nothing is made here: the server does it.
  case expression
}

struct Reference: Sendable {
  let table: Int
  let column: ColumnIndex
  let count: Int
  let zipf: ZipfTable?
  let isDistinct: Bool
  let isDealt: Bool
  let spread: Spread?
  /// Columns of the referenced table, and those of this one that they must agree with.
  let matches: [(referenced: ColumnIndex, own: Int)]
}

/// How rows without a parent go through all combinations of their distinct references: the k-th of them turns
/// once for so many turns of the one before.
struct Spread: Sendable, Equatable {
  /// How many rows the references before this one have, multiplied.
  let stride: Int
  /// Whether it is turned a little further each time, so that few rows do not all share its first.
  let isTurned: Bool

  /// - Parameter count: how many rows this reference can pick.
  func row(_ number: Int, of count: Int) -> Int {
    let index = number - 1
    let turn = index / stride
    return (isTurned ? (turn + index % stride) % count : turn % count) + 1
  }
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
