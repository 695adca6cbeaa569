/// Makes rows of a compiled plan, as lines of PostgreSQL's COPY text format, at the end of a buffer.
///
/// One per worker: it keeps scratch memory. The rows do not depend on which worker makes them, nor when.
package final class RowMaker {
  package let plan: CompiledPlan
  /// By table: the rows whose number in the database is not their number in the plan. It happens when
  /// somebody else's row has taken the number first.
  package var identities: [[Int: Int64]]

  /// Frames that no row is being made in, by table. A row that looks at other rows takes some of them.
  private var frames: [[RowFrame]]
  /// By table and column: the rows that were picked for one parent's lines so far.
  private var picks: [DistinctPicks]
  private var pickStarts: [Int]

  private struct DistinctPicks {
    var parent = 0
    var rows: [Int] = []
  }

  package init(_ plan: CompiledPlan) {
    self.plan = plan
    identities = Array(repeating: [:], count: plan.tables.count)
    frames = Array(repeating: [], count: plan.tables.count)
    pickStarts = []
    var start = 0
    for table in plan.tables {
      pickStarts.append(start)
      start += table.columns.count
    }
    picks = Array(repeating: DistinctPicks(), count: start)
  }

  // MARK: - Rows

  /// Appends the row with its tabs and its newline.
  package func appendRow(_ table: Int, _ address: RowAddress, to bytes: inout [UInt8]) throws(PlanProblem) {
    try append(plan.tables[table].outputIndices, table, address, to: &bytes)
    bytes[bytes.count - 1] = UInt8(ascii: "\n")
  }

  /// Appends the row's number and its key, with tabs and a newline.
  package func appendKey(_ table: Int, _ address: RowAddress, to bytes: inout [UInt8]) throws(PlanProblem) {
    bytes.append(decimal: Int64(address.number))
    bytes.append(UInt8(ascii: "\t"))
    try append(plan.tables[table].keyIndices, table, address, to: &bytes)
    bytes[bytes.count - 1] = UInt8(ascii: "\n")
  }

  /// How many rows of `table` belong to the parent's row `parent`.
  package func lines(of table: Int, parent: Int) throws(PlanProblem) -> Int {
    let compiled = plan.tables[table]
    guard let count = compiled.count else { return min(1, compiled.mostLines) }
    let address = RowAddress(parent)
    let number: Int64
    switch count.operation {
    case .choice(let values, let weights):
      let index =
        weights.map { $0.index(count.stream.draw(address)) }
        ?? Int(count.stream.draw(address, below: UInt64(values.count)))
      number = decimal(values[index][...]) ?? 0
    case .integer(let low, let high): number = integer(low, high, count.stream, address)
    case .template, .money, .time, .hex, .uuid, .reference, .parent, .sum, .multiply:
      preconditionFailure("the compiler lets no other generator be a count")
    }
    return min(Int(max(number, 0)), compiled.mostLines)
  }

  /// The value of one column as text, nil for NULL. For load tests and tests; `appendRow` is the fast way.
  package func value(_ column: String, of table: String, _ address: RowAddress) throws(PlanProblem) -> String?
  {
    guard let index = plan.index(of: table) else { throw PlanProblem(.unknownTable(table)) }
    guard let made = plan.tables[index].columns.firstIndex(where: { $0.name == column }) else {
      throw PlanProblem(.unknownColumn(table: table, column: column))
    }
    let frame = take(index, address)
    defer { frames[index].append(frame) }
    try compute(made, in: frame, of: index)
    let cell = frame.cells[made]
    return cell.state == .null ? nil : String(decoding: frame.bytes[cell.start..<cell.end], as: UTF8.self)
  }

  private func append(
    _ columns: [ColumnIndex], _ table: Int, _ address: RowAddress, to bytes: inout [UInt8]
  ) throws(PlanProblem) {
    let frame = take(table, address)
    defer { frames[table].append(frame) }
    for column in columns {
      switch column {
      case .identity: bytes.append(decimal: identity(of: table, address))
      case .made(let index):
        try compute(index, in: frame, of: table)
        let cell = frame.cells[index]
        if cell.state == .null {
          bytes.append(UInt8(ascii: "\\"))
          bytes.append(UInt8(ascii: "N"))
        } else {
          CopyText.append(frame.bytes, cell.start..<cell.end, to: &bytes)
        }
      }
      bytes.append(UInt8(ascii: "\t"))
    }
  }

  private func identity(of table: Int, _ address: RowAddress) -> Int64 {
    identities[table].isEmpty
      ? Int64(address.number) : identities[table][address.number] ?? Int64(address.number)
  }

  private func take(_ table: Int, _ address: RowAddress) -> RowFrame {
    let frame = frames[table].popLast() ?? RowFrame(columns: plan.tables[table].columns.count)
    frame.seek(address)
    return frame
  }

  // MARK: - Values

  private func compute(_ column: Int, in frame: RowFrame, of table: Int) throws(PlanProblem) {
    if frame.cells[column].state != .open { return }
    let compiled = plan.tables[table].columns[column]
    let address = frame.address
    if compiled.nullShare > 0, compiled.nullStream.draw(address) >> 32 < compiled.nullShare {
      frame.cells[column].state = .null
      return
    }
    switch compiled.operation {
    case .template(let parts): try template(parts, column, in: frame, of: table)
    case .choice(let values, let weights):
      let index =
        weights.map { $0.index(compiled.stream.draw(address)) }
        ?? Int(compiled.stream.draw(address, below: UInt64(values.count)))
      let start = frame.bytes.count
      frame.bytes.append(contentsOf: values[index])
      frame.close(column, from: start)
    case .integer(let low, let high): set(column, in: frame, to: integer(low, high, compiled.stream, address))
    case .money(let low, let high, let endings):
      let range = Self.value(low, address)...Self.value(high, address)
      set(column, in: frame, to: Money.amount(range, endings, compiled.stream, address))
    case .time(let time):
      let start = frame.bytes.count
      CivilTime.append(time.second(compiled.stream, address), to: &frame.bytes)
      frame.close(column, from: start)
    case .hex(let digits):
      let start = frame.bytes.count
      for block in 0..<(digits + 15) / 16 {
        frame.bytes.append(hex: compiled.stream.draw(address, block), digits: digits - 16 * block)
      }
      frame.close(column, from: start)
    case .uuid:
      let start = frame.bytes.count
      UUIDText.append(compiled.stream.draw(address, 0), compiled.stream.draw(address, 1), to: &frame.bytes)
      frame.close(column, from: start)
    case .reference(let reference):
      let row = try pick(reference, column, address, of: table)
      try copy(reference.table, RowAddress(row), reference.column, to: column, in: frame)
    case .parent(let parent, let source):
      try copy(parent, RowAddress(address.number), source, to: column, in: frame)
    case .sum(let child, let source):
      var sum: Int64 = 0
      let lines = try lines(of: child, parent: address.number)
      for line in stride(from: 1, through: lines, by: 1) {
        let value = try number(child, RowAddress(address.number, line: line), source)
        sum = try Self.fits(sum.addingReportingOverflow(value))
      }
      set(column, in: frame, to: sum)
    case .multiply(let columns):
      var product: Int64 = 1
      for factor in columns {
        product = try Self.fits(
          product.multipliedReportingOverflow(by: try number(factor, in: frame, of: table)))
      }
      set(column, in: frame, to: product)
    }
  }

  private func template(
    _ parts: [PartOperation], _ column: Int, in frame: RowFrame, of table: Int
  ) throws(PlanProblem) {
    // What the parts need is worked out first: it goes to the same bytes, and the parts must stand together.
    for part in parts {
      switch part {
      case .column(let index, _), .referenced(let index, _, _, _): try compute(index, in: frame, of: table)
      case .text, .rowNumber, .line, .list: break
      }
    }
    let start = frame.bytes.count
    for part in parts {
      switch part {
      case .text(let text): frame.bytes.append(contentsOf: text)
      case .rowNumber(let width): frame.bytes.append(decimal: Int64(frame.address.number), width: width)
      case .line(let width): frame.bytes.append(decimal: Int64(frame.address.line), width: width)
      case .column(let index, let filters):
        let cell = frame.cells[index]
        if cell.state == .null { return frame.cells[column].state = .null }
        if filters.isEmpty {
          frame.bytes.appendOwn(cell.start..<cell.end)
        } else {
          let text = filters.reduce(Array(frame.bytes[cell.start..<cell.end])) { $1.applied(to: $0) }
          frame.bytes.append(contentsOf: text)
        }
      case .list(let pick, let texts): frame.bytes.append(contentsOf: texts[pick.row(frame.address)])
      case .referenced(let through, let reference, let source, let filters):
        if frame.cells[through].state == .null { return frame.cells[column].state = .null }
        let row = RowAddress(try pick(reference, through, frame.address, of: table))
        let text = try text(reference.table, row, source)
        guard let text else { return frame.cells[column].state = .null }
        frame.bytes.append(contentsOf: filters.reduce(text) { $1.applied(to: $0) })
      }
    }
    frame.close(column, from: start)
  }

  private func integer(
    _ low: BoundOperation, _ high: BoundOperation, _ stream: CounterStream, _ address: RowAddress
  ) -> Int64 {
    let low = Self.value(low, address)
    let span = UInt64(bitPattern: Self.value(high, address) &- low)
    return low
      &+ Int64(bitPattern: span == .max ? stream.draw(address) : stream.draw(address, below: span + 1))
  }

  private static func value(_ bound: BoundOperation, _ address: RowAddress) -> Int64 {
    switch bound {
    case .value(let value): value
    case .list(let pick, let values): values[pick.row(address)]
    }
  }

  private func set(_ column: Int, in frame: RowFrame, to number: Int64) {
    let start = frame.bytes.count
    frame.bytes.append(decimal: number)
    frame.close(column, from: start, number: number)
  }

  // MARK: - Other rows

  /// The row of the referenced table that this row refers to.
  private func pick(
    _ reference: Reference, _ column: Int, _ address: RowAddress, of table: Int
  ) throws(PlanProblem) -> Int {
    guard reference.count > 0 else {
      throw PlanProblem(
        .noRows(table: plan.tables[reference.table].name), table: plan.tables[table].name,
        column: plan.tables[table].columns[column].name)
    }
    let stream = plan.tables[table].columns[column].stream
    guard reference.isDistinct else { return Self.row(reference, stream.draw(address)) }
    let place = pickStarts[table] + column
    if picks[place].parent != address.number {
      picks[place].parent = address.number
      picks[place].rows.removeAll(keepingCapacity: true)
    }
    // Line after line, since a line avoids what those before it have picked.
    while picks[place].rows.count < address.line {
      let line = RowAddress(address.number, line: picks[place].rows.count + 1)
      picks[place].rows.append(Self.free(reference, stream, line, picks[place].rows))
    }
    return picks[place].rows[max(address.line - 1, 0)]
  }

  private static func row(_ reference: Reference, _ bits: UInt64) -> Int {
    reference.zipf?.row(bits) ?? Int(bits.multipliedFullWidth(by: UInt64(reference.count)).high) + 1
  }

  private static func free(
    _ reference: Reference, _ stream: CounterStream, _ line: RowAddress, _ taken: [Int]
  ) -> Int {
    for attempt in 0..<16 {
      let row = row(reference, stream.draw(line, attempt))
      if !taken.contains(row) { return row }
    }
    // Few rows, many lines: the first that is left. There is one, since ``CompiledTable/mostLines`` sees to it.
    return (1...reference.count).first { !taken.contains($0) } ?? 1
  }

  private func copy(
    _ table: Int, _ address: RowAddress, _ source: ColumnIndex, to column: Int, in frame: RowFrame
  ) throws(PlanProblem) {
    if source == .identity { return set(column, in: frame, to: identity(of: table, address)) }
    guard let text = try text(table, address, source) else {
      frame.cells[column].state = .null
      return
    }
    let start = frame.bytes.count
    frame.bytes.append(contentsOf: text)
    frame.close(column, from: start)
  }

  private func text(_ table: Int, _ address: RowAddress, _ source: ColumnIndex) throws(PlanProblem)
    -> [UInt8]?
  {
    switch source {
    case .identity:
      var digits: [UInt8] = []
      digits.append(decimal: identity(of: table, address))
      return digits
    case .made(let index):
      let frame = take(table, address)
      defer { frames[table].append(frame) }
      try compute(index, in: frame, of: table)
      let cell = frame.cells[index]
      return cell.state == .null ? nil : Array(frame.bytes[cell.start..<cell.end])
    }
  }

  private func number(_ table: Int, _ address: RowAddress, _ source: ColumnIndex) throws(PlanProblem) -> Int64
  {
    guard case .made(let index) = source else { return identity(of: table, address) }
    let frame = take(table, address)
    defer { frames[table].append(frame) }
    return try number(index, in: frame, of: table)
  }

  /// NULL counts as 0.
  private func number(_ column: Int, in frame: RowFrame, of table: Int) throws(PlanProblem) -> Int64 {
    try compute(column, in: frame, of: table)
    let cell = frame.cells[column]
    switch cell.state {
    case .open, .null: return 0
    case .number: return cell.number
    case .text:
      guard let value = decimal(frame.bytes[cell.start..<cell.end]) else {
        throw PlanProblem(
          .notANumber(String(decoding: frame.bytes[cell.start..<cell.end], as: UTF8.self)),
          table: plan.tables[table].name, column: plan.tables[table].columns[column].name)
      }
      return value
    }
  }

  private static func fits(_ result: (partialValue: Int64, overflow: Bool)) throws(PlanProblem) -> Int64 {
    guard !result.overflow else { throw PlanProblem(.range("a sum or product passes the largest bigint")) }
    return result.partialValue
  }
}
