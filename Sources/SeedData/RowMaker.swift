/// Makes rows of a compiled plan, as text in some format, at the end of a buffer.
///
/// One per worker: it keeps scratch memory. The rows do not depend on which worker makes them, nor when.
package final class RowMaker {
  package let plan: CompiledPlan
  /// By table: the rows whose number in the database is not their number in the plan. It happens when
  /// somebody else's row has taken the number first.
  package var identities: [[Int: Int64]]

  /// By table: the columns, by their places in ``CompiledTable/outputs``, that are left out of rows for now.
  package var waiting: [Set<Int>]
  /// What ``appendRow(_:_:as:to:)`` has made, by table.
  package var digests: [RowDigest]

  /// Frames that no row is being made in, by table. A row that looks at other rows takes some of them.
  private var frames: [[RowFrame]]
  /// By table and column: the rows that were picked for one parent's lines so far.
  private var picks: [DistinctPicks]
  private var pickStarts: [Int]

  /// By table, column and the values that must agree: the rows that do.
  private var agreeing: [AgreementKey: [[UInt8]: [Int]]]
  private let jsonNames: [[[UInt8]]]

  private struct AgreementKey: Hashable {
    var table: Int
    var columns: [ColumnIndex]
  }

  private struct DistinctPicks {
    var parent = 0
    var rows: [Int] = []
  }

  package init(_ plan: CompiledPlan) {
    self.plan = plan
    identities = Array(repeating: [:], count: plan.tables.count)
    digests = Array(repeating: RowDigest(), count: plan.tables.count)
    waiting = Array(repeating: [], count: plan.tables.count)
    agreeing = [:]
    jsonNames = plan.tables.map { table in table.outputs.map { Self.jsonName($0) } }
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

  /// Appends the row, and counts it into ``digests``.
  package func appendRow(
    _ table: Int, _ address: RowAddress, as format: RowFormat = .copy, to bytes: inout [UInt8]
  ) throws(PlanProblem) {
    let frame = take(table, address)
    defer { frames[table].append(frame) }
    var digest = digests[table]
    let waiting = waiting[table]
    var isFirst = true
    format.open(&bytes)
    for (place, column) in plan.tables[table].outputIndices.enumerated() {
      if !waiting.isEmpty, waiting.contains(place) {
        try count(column, in: frame, of: table, into: &digest)
        continue
      }
      if !isFirst { format.separate(&bytes) }
      isFirst = false
      if format == .jsonl { bytes.append(contentsOf: jsonNames[table][place]) }
      switch column {
      case .identity:
        let number = identity(of: table, address)
        bytes.append(decimal: number)
        digest.addNumber(number)
      case .made(let index):
        try compute(index, in: frame, of: table)
        let cell = frame.cells[index]
        switch cell.state {
        case .null, .open:
          format.appendNull(&bytes)
          digest.addNull()
        case .text:
          format.append(frame.bytes, cell.start..<cell.end, isNumber: false, to: &bytes)
          digest.add(frame.bytes, cell.start..<cell.end)
        case .number:
          format.append(frame.bytes, cell.start..<cell.end, isNumber: true, to: &bytes)
          digest.addNumber(cell.number)
        }
      }
    }
    format.close(&bytes)
    digest.endRow()
    digests[table] = digest
  }

  /// Counts a value that is not written yet.
  private func count(
    _ column: ColumnIndex, in frame: RowFrame, of table: Int, into digest: inout RowDigest
  ) throws(PlanProblem) {
    guard case .made(let index) = column else { return }
    try compute(index, in: frame, of: table)
    let cell = frame.cells[index]
    switch cell.state {
    case .open, .null: digest.addNull()
    case .text: digest.add(frame.bytes, cell.start..<cell.end)
    case .number: digest.addNumber(cell.number)
    }
  }

  /// Appends the row's number, its key and what an update would bring, as COPY takes them.
  package func appendKey(_ table: Int, _ address: RowAddress, to bytes: inout [UInt8]) throws(PlanProblem) {
    try append(plan.tables[table].keyIndices + plan.tables[table].updateIndices, table, address, to: &bytes)
  }

  /// Appends the row's number and all its columns, as COPY takes them.
  package func appendNumbered(_ table: Int, _ address: RowAddress, to bytes: inout [UInt8])
    throws(PlanProblem)
  {
    try append(plan.tables[table].outputIndices, table, address, to: &bytes)
  }

  /// Appends the row's number, its key and the columns named, as COPY takes them.
  package func appendKey(
    _ table: Int, _ address: RowAddress, with columns: [String], to bytes: inout [UInt8]
  ) throws(PlanProblem) {
    let compiled = plan.tables[table]
    let others = columns.compactMap { name in compiled.columns.firstIndex { $0.name == name } }
    try append(compiled.keyIndices + others.map { .made($0) }, table, address, to: &bytes)
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
    case .template, .money, .time, .hex, .uuid, .reference, .parent, .sum, .multiply, .given, .expression:
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
    bytes.append(decimal: Int64(address.number))
    let frame = take(table, address)
    defer { frames[table].append(frame) }
    for column in columns {
      RowFormat.copy.separate(&bytes)
      switch column {
      case .identity: bytes.append(decimal: identity(of: table, address))
      case .made(let index):
        try compute(index, in: frame, of: table)
        let cell = frame.cells[index]
        if cell.state == .null {
          RowFormat.copy.appendNull(&bytes)
        } else {
          CopyText.append(frame.bytes, cell.start..<cell.end, to: &bytes)
        }
      }
    }
    RowFormat.copy.close(&bytes)
  }

  private static func jsonName(_ name: String) -> [UInt8] {
    var bytes: [UInt8] = []
    let name = Array(name.utf8)
    RowFormat.appendJSON(name, name.indices, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    return bytes
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
      guard let row = try pick(reference, column, in: frame, of: table) else {
        frame.cells[column].state = .null
        return
      }
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
    case .given(let values):
      guard let value = values[address.number - 1] else {
        frame.cells[column].state = .null
        return
      }
      let start = frame.bytes.count
      frame.bytes.append(contentsOf: value)
      frame.close(column, from: start)
    case .expression: frame.cells[column].state = .null
    }
  }

  private func template(
    _ parts: [PartOperation], _ column: Int, in frame: RowFrame, of table: Int
  ) throws(PlanProblem) {
    // What the parts need is worked out first: it goes to the same bytes, and the parts must stand together.
    for part in parts {
      switch part {
      case .column(let index, _): try compute(index, in: frame, of: table)
      case .referenced(let index, let reference, _, _):
        try compute(index, in: frame, of: table)
        for match in reference.matches { try compute(match.own, in: frame, of: table) }
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
        guard let row = try pick(reference, through, in: frame, of: table) else {
          return frame.cells[column].state = .null
        }
        let text = try text(reference.table, RowAddress(row), source)
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

  /// The row of the referenced table that this row refers to; nil when what must agree is NULL.
  private func pick(
    _ reference: Reference, _ column: Int, in frame: RowFrame, of table: Int
  ) throws(PlanProblem) -> Int? {
    let address = frame.address
    guard reference.count > 0 else {
      throw PlanProblem(
        .noRows(table: plan.tables[reference.table].name), table: plan.tables[table].name,
        column: plan.tables[table].columns[column].name)
    }
    let stream = plan.tables[table].columns[column].stream
    if !reference.matches.isEmpty { return try agreeing(reference, column, in: frame, of: table) }
    if reference.isDealt { return (address.number - 1 + max(address.line - 1, 0)) % reference.count + 1 }
    if let spread = reference.spread { return spread.row(address.number, of: reference.count) }
    if reference.table == table, address.line == 0, !reference.isDistinct, reference.zipf == nil {
      return Self.earlier(address, plan.tables[table].columns[column], stream)
    }
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

  /// A row of the same table that comes before: so references never go round, and do not depend on how many rows there
  /// are. The first row has none, or itself where none is not allowed.
  private static func earlier(_ address: RowAddress, _ column: CompiledColumn, _ stream: CounterStream)
    -> Int?
  {
    guard address.number > 1 else { return column.nullShare > 0 ? nil : 1 }
    return Int(stream.draw(address, below: UInt64(address.number - 1))) + 1
  }

  /// One of the rows that hold in some columns what this row holds in others.
  private func agreeing(
    _ reference: Reference, _ column: Int, in frame: RowFrame, of table: Int
  ) throws(PlanProblem) -> Int? {
    var wanted: [UInt8] = []
    for match in reference.matches {
      try compute(match.own, in: frame, of: table)
      let cell = frame.cells[match.own]
      if cell.state == .null { return nil }
      wanted.append(contentsOf: frame.bytes[cell.start..<cell.end])
      wanted.append(0)
    }
    let key = AgreementKey(table: reference.table, columns: reference.matches.map(\.referenced))
    if agreeing[key] == nil {
      var rows: [[UInt8]: [Int]] = [:]
      for number in 1...reference.count {
        var held: [UInt8]? = []
        for match in reference.matches {
          guard let text = try text(reference.table, RowAddress(number), match.referenced) else {
            held = nil
            break
          }
          held?.append(contentsOf: text)
          held?.append(0)
        }
        if let held { rows[held, default: []].append(number) }
      }
      agreeing[key] = rows
    }
    let compiled = plan.tables[table].columns[column]
    if reference.table == table, let rows = agreeing[key]?[wanted] {
      // Of the same table only rows that come before, as without a match. The rows ascend.
      var before = 0
      var end = rows.count
      while before < end {
        let middle = (before + end) / 2
        if rows[middle] < frame.address.number { before = middle + 1 } else { end = middle }
      }
      guard before > 0 else { return compiled.nullShare > 0 ? nil : frame.address.number }
      return rows[Int(compiled.stream.draw(frame.address, below: UInt64(before)))]
    }
    guard let rows = agreeing[key]?[wanted], !rows.isEmpty else {
      let names = reference.matches.map { plan.tables[table].columns[$0.own].name }.joined(separator: ", ")
      let values = wanted.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.joined(
        separator: ", ")
      throw PlanProblem(
        .structure(
          "no row of \(plan.tables[reference.table].name) agrees with row \(frame.address.number) in \(names)"
            + " (\(values)); give that table more rows, or deal out its reference"),
        table: plan.tables[table].name, column: plan.tables[table].columns[column].name)
    }
    let stream = plan.tables[table].columns[column].stream
    return rows[Int(stream.draw(frame.address, below: UInt64(rows.count)))]
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
    guard case .made(let index) = source else {
      return set(column, in: frame, to: identity(of: table, address))
    }
    let other = take(table, address)
    defer { frames[table].append(other) }
    try compute(index, in: other, of: table)
    let cell = other.cells[index]
    switch cell.state {
    case .open, .null: frame.cells[column].state = .null
    case .number: set(column, in: frame, to: cell.number)
    case .text:
      let start = frame.bytes.count
      frame.bytes.append(contentsOf: other.bytes[cell.start..<cell.end])
      frame.close(column, from: start)
    }
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
