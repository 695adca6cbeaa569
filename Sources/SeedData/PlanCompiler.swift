/// Looks up every name of a plan once, so that making a row needs none.
struct PlanCompiler {
  /// More rows than this no table gets: one row's number times one weight still fits.
  static let mostRows = 1 << 31

  private let plan: SeedPlan
  private let rows: [String: Int]
  private let identities: [String: String]

  init(_ plan: SeedPlan, rows: [String: Int], identities: [String: String]) {
    self.plan = plan
    self.rows = rows
    self.identities = identities
  }

  mutating func compile() throws(PlanProblem) -> [CompiledTable] {
    for (index, table) in plan.tables.enumerated()
    where plan.tables[..<index].contains(where: { $0.name == table.name }) {
      throw PlanProblem(.duplicateTable(table.name))
    }
    var tables: [CompiledTable] = []
    for table in plan.tables {
      do throws(PlanProblem) { tables.append(try compile(table)) } catch { throw error.at(table.name) }
    }
    try DependencyCheck(tables).run()
    return tables
  }

  // MARK: - Tables

  private func compile(_ table: TablePlan) throws(PlanProblem) -> CompiledTable {
    var parent: Int?
    if let name = table.parent { parent = try index(ofTable: name) }
    if let parent, plan.tables[parent].parent != nil {
      throw PlanProblem(
        .structure("its parent \(plan.tables[parent].name) has a parent itself; one level is all there is"))
    }
    if table.columns.isEmpty { throw PlanProblem(.structure("it has no columns")) }
    if table.key.isEmpty {
      throw PlanProblem(.key("it has no key; \"key\" names the columns that know a row again"))
    }
    let identity = identities[table.name].flatMap { name in table.column(name) == nil ? name : nil }
    var outputs: [(String, ColumnIndex)] = identity.map { [($0, .identity)] } ?? []
    var columns: [CompiledColumn] = []
    var expressions: [(column: String, sql: String)] = []
    for (index, column) in table.columns.enumerated() {
      do throws(PlanProblem) { columns.append(try compile(column, of: table)) } catch {
        throw error.at(table.name, column.name)
      }
      if case .expression(let sql) = column.generator {
        guard !column.isVirtual, column.nullShare == 0 else {
          throw PlanProblem(
            .structure("what the server works out is neither virtual nor NULL by a share"), table: table.name,
            column: column.name)
        }
        expressions.append((column.name, sql))
      } else if !column.isVirtual {
        outputs.append((column.name, .made(index)))
      }
    }
    return CompiledTable(
      name: table.name, rows: try rowCount(parent.map { plan.tables[$0] } ?? table), parent: parent,
      isOnePerParent: table.isOnePerParent, identity: identity, outputs: outputs.map(\.0), key: table.key,
      update: table.update, expressions: expressions, columns: columns,
      outputIndices: outputs.map(\.1), keyIndices: try keyIndices(of: table),
      updateIndices: try updateIndices(of: table), count: try count(of: table),
      mostLines: columns.compactMap { column in
        if case .reference(let reference) = column.operation, reference.isDistinct {
          reference.count
        } else {
          nil
        }
      }.min() ?? .max)
  }

  private func rowCount(_ table: TablePlan) throws(PlanProblem) -> Int {
    let count = rows[table.name] ?? table.rows
    guard (0...Self.mostRows).contains(count) else {
      throw PlanProblem(.range("\(count) rows; there can be 0 to \(Self.mostRows)"), table: table.name)
    }
    return count
  }

  private func keyIndices(of table: TablePlan) throws(PlanProblem) -> [ColumnIndex] {
    var indices: [ColumnIndex] = []
    for name in table.key {
      guard let index = table.columns.firstIndex(where: { $0.name == name }), !table.columns[index].isVirtual
      else {
        throw PlanProblem(.key("the key's column \"\(name)\" is not one that the plan writes"))
      }
      guard table.columns[index].nullShare == 0 else {
        throw PlanProblem(.key("the key's column \"\(name)\" may be NULL, and NULL is not equal to itself"))
      }
      if case .expression = table.columns[index].generator {
        throw PlanProblem(
          .key("the key's column \"\(name)\" is made by the server; a key must be known before"))
      }
      indices.append(.made(index))
    }
    return indices
  }

  private func updateIndices(of table: TablePlan) throws(PlanProblem) -> [ColumnIndex] {
    var indices: [ColumnIndex] = []
    for name in table.update {
      guard let index = table.columns.firstIndex(where: { $0.name == name }), !table.columns[index].isVirtual,
        !table.key.contains(name)
      else {
        throw PlanProblem(
          .structure("update names \"\(name)\", which is not a column that the plan writes beside the key"),
          table: table.name, column: "update")
      }
      if case .expression = table.columns[index].generator {
        throw PlanProblem(
          .structure("update names \"\(name)\", which the server works out for new rows only"),
          table: table.name, column: "update")
      }
      indices.append(.made(index))
    }
    guard indices.isEmpty || table.parent == nil || table.isOnePerParent else {
      throw PlanProblem(
        .structure("rows of a parent that was there before are left alone; update is not for them"),
        table: table.name, column: "update")
    }
    return indices
  }

  private func count(of table: TablePlan) throws(PlanProblem) -> CompiledColumn? {
    guard let generator = table.count else { return nil }
    guard table.parent != nil else {
      throw PlanProblem(.structure("it has a count without a parent; \"per\" names the parent"))
    }
    switch generator {
    case .choice(let values, _):
      for value in values {
        guard let number = decimal(Array(value.utf8)[...]), number >= 0 else {
          throw PlanProblem(.notANumber(value), table: table.name, column: "count")
        }
      }
    case .integer: break
    case .template, .money, .time, .hex, .uuid, .reference, .parent, .sum, .multiply, .given, .expression:
      throw PlanProblem(.structure("count is a number, a list or an int"))
    }
    return try compile(ColumnPlan("count", generator), of: table, stream: "?count")
  }

  private func index(ofTable name: String) throws(PlanProblem) -> Int {
    guard let index = plan.tables.firstIndex(where: { $0.name == name }) else {
      throw PlanProblem(.unknownTable(name))
    }
    return index
  }

  private func column(_ name: String, of table: Int) throws(PlanProblem) -> ColumnIndex {
    let plan = plan.tables[table]
    if let index = plan.columns.firstIndex(where: { $0.name == name }) {
      if case .expression = plan.columns[index].generator {
        throw PlanProblem(.structure("\(plan.name).\(name) is made by the server; no other value can use it"))
      }
      return .made(index)
    }
    if identities[plan.name] == name { return .identity }
    throw PlanProblem(.unknownColumn(table: plan.name, column: name))
  }

  // MARK: - Columns

  private func compile(
    _ column: ColumnPlan, of table: TablePlan, stream: String? = nil
  ) throws(PlanProblem) -> CompiledColumn {
    CompiledColumn(
      name: column.name, stream: self.stream(table, stream ?? column.name), nullShare: column.nullShare,
      nullStream: self.stream(table, column.name + "?null"), operation: try operation(column, of: table))
  }

  private func operation(_ column: ColumnPlan, of table: TablePlan) throws(PlanProblem) -> Operation {
    switch column.generator {
    case .template(let template): return .template(try parts(template, of: table))
    case .choice(let values, let weights): return try choice(values, weights)
    case .integer(let low, let high):
      let (low, high) = try range(low, high, from: .min, of: table)
      return .integer(low, high)
    case .money(let low, let high, let endings):
      guard endings.allSatisfy({ (0...99).contains($0) }) else {
        throw PlanProblem(.range("endings are from 0 to 99"))
      }
      let (low, high) = try range(low, high, from: 1, of: table)
      return .money(low, high, endings: endings)
    case .time(let rule): return .time(try TimeTable(rule))
    case .hex(let digits):
      guard (1...1024).contains(digits) else { throw PlanProblem(.range("hex has 1 to 1024 digits")) }
      return .hex(digits: digits)
    case .uuid: return .uuid
    case .reference: return .reference(try reference(column, of: table))
    case .parent(let name, let column):
      guard let parent = table.parent, parent == name else {
        throw PlanProblem(
          .structure("@\(name).\(column) copies from a parent, and \(name) is not this table's"))
      }
      let index = try index(ofTable: name)
      return .parent(table: index, try self.column(column, of: index))
    case .sum(let name, let column):
      let index = try index(ofTable: name)
      guard plan.tables[index].parent == table.name else {
        throw PlanProblem(
          .structure("a sum is over rows that belong to this one, and \(name) is not per \(table.name)"))
      }
      return .sum(table: index, try self.column(column, of: index))
    case .multiply(let names):
      var indices: [Int] = []
      for name in names { indices.append(try made(name, of: table)) }
      guard !indices.isEmpty else { throw PlanProblem(.structure("multiply needs columns")) }
      return .multiply(indices)
    case .given(let values):
      guard try rowCount(table) <= values.count, table.parent == nil else {
        throw PlanProblem(
          .range("\(try rowCount(table)) rows are asked for, and the file has \(values.count)"),
          table: table.name,
          column: "rows")
      }
      return .given(values.map { $0.map { Array($0.utf8) } })
    case .expression: return .expression
    }
  }

  private func choice(_ values: [String], _ weights: [UInt64]?) throws(PlanProblem) -> Operation {
    guard !values.isEmpty else { throw PlanProblem(.range("the list has no values")) }
    guard let weights else { return .choice(values.map { Array($0.utf8) }, nil) }
    guard weights.count == values.count else {
      throw PlanProblem(.range("\(values.count) values, but \(weights.count) weights"))
    }
    guard let table = WeightedTable(weights) else {
      throw PlanProblem(.range("the weights add up to nothing, or to more than 2⁶²"))
    }
    return .choice(values.map { Array($0.utf8) }, table)
  }

  private func reference(_ own: ColumnPlan, of table: TablePlan) throws(PlanProblem) -> Reference {
    guard
      case .reference(let name, let column, let zipf, let isDistinct, let isDealt, let matching) = own
        .generator
    else { preconditionFailure("\(table.name).\(own.name) is no reference") }
    let index = try index(ofTable: name)
    guard plan.tables[index].parent == nil else {
      throw PlanProblem(.structure("it refers to \(name), whose rows belong to a parent and have no numbers"))
    }
    guard [zipf != nil, isDealt, isDistinct && table.parent == nil].count(where: { $0 }) <= 1 else {
      throw PlanProblem(.structure("zipf, deal and distinct are three ways to pick a row; take one"))
    }
    guard matching.isEmpty || (zipf == nil && !isDealt && !isDistinct) else {
      throw PlanProblem(.structure("match picks evenly; it goes without zipf, deal and distinct"))
    }
    var matches: [(referenced: ColumnIndex, own: Int)] = []
    for match in matching {
      matches.append((try self.column(match.referenced, of: index), try made(match.own, of: table)))
    }
    let count = try rowCount(plan.tables[index])
    return Reference(
      table: index, column: try self.column(column, of: index), count: count,
      zipf: zipf.flatMap { ZipfTable(count: count, exponent: $0) }, isDistinct: isDistinct, isDealt: isDealt,
      spread: isDistinct && table.parent == nil ? try spread(own, of: table) : nil, matches: matches)
  }

  /// The place of a distinct reference among those of its table.
  private func spread(_ own: ColumnPlan, of table: TablePlan) throws(PlanProblem) -> Spread {
    var stride = 1
    var turned = false
    for column in table.columns {
      guard case .reference(let name, _, _, true, _, _) = column.generator else { continue }
      if column.name == own.name { break }
      let (product, overflow) = stride.multipliedReportingOverflow(
        by: max(try rowCount(plan.tables[try index(ofTable: name)]), 1))
      stride = overflow ? .max : product
      turned = true
    }
    return Spread(stride: stride, isTurned: turned)
  }

  private func made(_ name: String, of table: TablePlan) throws(PlanProblem) -> Int {
    guard let index = table.columns.firstIndex(where: { $0.name == name }) else {
      throw PlanProblem(.unknownColumn(table: table.name, column: name))
    }
    if case .expression = table.columns[index].generator {
      throw PlanProblem(.structure("\(name) is made by the server; no other value can use it"))
    }
    return index
  }

  private func stream(_ table: TablePlan, _ column: String) -> CounterStream {
    CounterStream(seed: plan.seed, table: table.name, column: column)
  }

  // MARK: - Templates, lists and bounds

  private func parts(_ template: Template, of table: TablePlan) throws(PlanProblem) -> [PartOperation] {
    var parts: [PartOperation] = []
    for part in template.parts {
      switch part {
      case .text(let bytes): parts.append(.text(bytes))
      case .rowNumber(let width): parts.append(.rowNumber(width: width))
      case .line(let width): parts.append(.line(width: width))
      case .column(let name, let filters): parts.append(.column(try made(name, of: table), filters))
      case .member(let owner, let name, let filters):
        parts.append(try member(owner, name, filters, of: table))
      }
    }
    return parts
  }

  private func member(
    _ owner: String, _ name: String, _ filters: [Template.Filter], of table: TablePlan
  ) throws(PlanProblem) -> PartOperation {
    if let index = table.columns.firstIndex(where: { $0.name == owner }) {
      guard case .reference = table.columns[index].generator else {
        throw PlanProblem(.structure("{\(owner).\(name)} needs \(owner) to be a reference"))
      }
      let reference = try reference(table.columns[index], of: table)
      return .referenced(through: index, reference, try self.column(name, of: reference.table), filters)
    }
    let (list, field) = try field(owner, name)
    let texts = (0..<list.count).map { row in
      filters.reduce(list.cell(row, field)) { $1.applied(to: $0) }
    }
    return .list(pick(list, of: table), texts)
  }

  private func field(_ list: String, _ field: String) throws(PlanProblem) -> (WordList, Int) {
    guard let found = plan.lists.first(where: { $0.name == list }) else {
      throw PlanProblem(.unknownList(list))
    }
    guard let index = found.fields.firstIndex(of: field) else {
      throw PlanProblem(.unknownField(list: list, field: field, known: found.fields))
    }
    return (found, index)
  }

  private func pick(_ list: WordList, of table: TablePlan) -> ListPick {
    let stream = stream(table, "?list " + list.name)
    var deal: [Int] = []
    if list.isDealt {
      // Fisher and Yates' shuffle, by the draws of row 0, which no table has.
      deal = Array(0..<list.count)
      for last in stride(from: list.count - 1, to: 0, by: -1) {
        deal.swapAt(last, Int(stream.draw(RowAddress(0), last, below: UInt64(last + 1))))
      }
    }
    return ListPick(count: list.count, stream: stream, weights: list.weights, deal: deal)
  }

  private func range(
    _ low: Bound, _ high: Bound, from least: Int64, of table: TablePlan
  ) throws(PlanProblem) -> (BoundOperation, BoundOperation) {
    let low = try numbers(low, of: table)
    let high = try numbers(high, of: table)
    for (low, high) in pairs(low, high) where low > high || low < least {
      throw PlanProblem(
        .range("the range from \(low) to \(high) is empty\(least == 1 ? ", or starts below 1" : "")"))
    }
    return (low, high)
  }

  private func numbers(_ bound: Bound, of table: TablePlan) throws(PlanProblem) -> BoundOperation {
    switch bound {
    case .value(let value): return .value(value)
    case .field(let name, let field):
      let (list, index) = try self.field(name, field)
      var numbers: [Int64] = []
      for row in 0..<list.count {
        guard let number = decimal(list.cell(row, index)[...]) else {
          throw PlanProblem(.notANumber(String(decoding: list.cell(row, index), as: UTF8.self)))
        }
        numbers.append(number)
      }
      return .list(pick(list, of: table), numbers)
    }
  }

  /// The pairs that can come up: both ends of one list come from one row of it.
  private func pairs(_ low: BoundOperation, _ high: BoundOperation) -> [(Int64, Int64)] {
    switch (low, high) {
    case (.value(let low), .value(let high)): [(low, high)]
    case (.value(let low), .list(_, let highs)): highs.map { (low, $0) }
    case (.list(_, let lows), .value(let high)): lows.map { ($0, high) }
    case (.list(let one, let lows), .list(let other, let highs)):
      one.stream == other.stream
        ? Array(zip(lows, highs))
        : [(lows.max() ?? 0, highs.min() ?? 0), (lows.min() ?? 0, highs.max() ?? 0)]
    }
  }
}
