/// Words to choose from, each with one or more fields: the rows of a CSV file.
package struct WordList: Sendable, Equatable {
  package let name: String
  package let fields: [String]
  /// Row after row, ``fields`` cells each.
  let cells: [[UInt8]]
  /// Nil when all rows are alike.
  let weights: WeightedTable?
  /// Whether each row is used once before any comes again, as cards are dealt.
  package let isDealt: Bool

  package var count: Int { cells.count / fields.count }

  /// - Parameters:
  ///   - rows: as ``CSV`` gives them; the first is the header.
  ///   - weight: the field that holds the weights, whole numbers from 0.
  /// - Throws: `PlanProblem.csv` for a ragged row, a bad weight, no rows, text that is not UTF-8.
  package init(name: String, rows: [CSV.Row], weight: String? = nil, isDealt: Bool = false)
    throws(PlanProblem)
  {
    guard let header = rows.first else { throw PlanProblem(.csv(line: 1, "there is no header row")) }
    guard rows.count > 1 else {
      throw PlanProblem(.csv(line: header.line, "there are no rows under the header"))
    }
    var fields: [String] = []
    for field in header.fields {
      let text = String(decoding: field, as: UTF8.self)
      if fields.contains(text) {
        throw PlanProblem(.csv(line: header.line, "field \"\(text)\" stands there twice"))
      }
      fields.append(text)
    }
    var cells: [[UInt8]] = []
    cells.reserveCapacity((rows.count - 1) * fields.count)
    for row in rows.dropFirst() {
      guard row.fields.count == fields.count else {
        throw PlanProblem(
          .csv(line: row.line, "a row of \(row.fields.count) fields under a header of \(fields.count)"))
      }
      for field in row.fields {
        guard !field.contains(0), String(validating: field, as: UTF8.self) != nil else {
          throw PlanProblem(.csv(line: row.line, "the text is not valid UTF-8"))
        }
        cells.append(field)
      }
    }
    self.weights = try Self.table(weight, isDealt: isDealt, fields: fields, rows: rows)
    self.name = name
    self.fields = fields
    self.cells = cells
    self.isDealt = isDealt
  }

  func cell(_ row: Int, _ field: Int) -> [UInt8] { cells[row * fields.count + field] }

  private static func table(
    _ weight: String?, isDealt: Bool, fields: [String], rows: [CSV.Row]
  ) throws(PlanProblem) -> WeightedTable? {
    guard let weight else { return nil }
    guard !isDealt else {
      throw PlanProblem(.csv(line: 1, "a list that is dealt uses every row alike; it has no weights"))
    }
    guard let index = fields.firstIndex(of: weight) else {
      throw PlanProblem(.csv(line: 1, "there is no field \"\(weight)\" to take weights from"))
    }
    var weights: [UInt64] = []
    for row in rows.dropFirst() where index < row.fields.count {
      guard let value = decimal(row.fields[index][...]), value >= 0 else {
        throw PlanProblem(.csv(line: row.line, "the weight is not a whole number from 0 up"))
      }
      weights.append(UInt64(value))
    }
    guard let table = WeightedTable(weights) else {
      throw PlanProblem(.csv(line: 1, "the weights add up to nothing, or to more than 2⁶²"))
    }
    return table
  }
}
