/// Comma-separated values as RFC 4180 has them: UTF-8, a header row, fields quoted with `"` where needed.
package enum CSV {
  /// A row and the line it starts on, from 1.
  package struct Row: Sendable, Equatable {
    package var line: Int
    package var fields: [[UInt8]]
  }

  /// All rows, the header included; blank lines are passed over.
  /// - Throws: `PlanProblem.csv` with the line of a quote that is never closed, or that stands inside a field.
  package static func rows(_ bytes: [UInt8]) throws(PlanProblem) -> [Row] {
    var rows: [Row] = []
    var row = Row(line: 1, fields: [])
    var field: [UInt8] = []
    var line = 1
    var quoteLine: Int?
    var wasQuoted = false
    var index = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0

    func endRow() {
      row.fields.append(field)
      if row.fields.count > 1 || !field.isEmpty || wasQuoted { rows.append(row) }
      field = []
      wasQuoted = false
      row = Row(line: line, fields: [])
    }

    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == UInt8(ascii: "\n") { line += 1 }
      if quoteLine != nil {
        if byte != UInt8(ascii: "\"") {
          field.append(byte)
        } else if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
          field.append(byte)
          index += 1
        } else {
          quoteLine = nil
        }
        continue
      }
      switch byte {
      case UInt8(ascii: ","):
        row.fields.append(field)
        field = []
        wasQuoted = false
      case UInt8(ascii: "\r") where index < bytes.count && bytes[index] == UInt8(ascii: "\n"): break
      case UInt8(ascii: "\n"): endRow()
      case UInt8(ascii: "\"") where field.isEmpty && !wasQuoted:
        quoteLine = line
        wasQuoted = true
      default:
        guard !wasQuoted, byte != UInt8(ascii: "\"") else {
          throw PlanProblem(.csv(line: line, "a quote stands in the middle of a field"))
        }
        field.append(byte)
      }
    }
    if let quoteLine { throw PlanProblem(.csv(line: quoteLine, "a quoted field is never closed")) }
    endRow()
    return rows
  }
}
