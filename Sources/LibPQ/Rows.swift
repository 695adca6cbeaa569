private import CLibPQ

/// The rows of one statement, copied out of libpq's memory: text values, nil for NULL.
package struct Rows: Sendable, Equatable {
  /// The columns' names, in order; two may be alike.
  package let columns: [String]
  /// The columns' type OIDs, in order.
  package let types: [UInt32]
  /// How many rows there are.
  package let count: Int
  private let cells: [String?]

  /// No columns, no rows: what a statement without a result gives.
  package static let none = Rows(columns: [], types: [], count: 0, cells: [])

  private init(columns: [String], types: [UInt32], count: Int, cells: [String?]) {
    self.columns = columns
    self.types = types
    self.count = count
    self.cells = cells
  }

  /// The value at `row` and `column`, both counted from 0.
  package subscript(row: Int, column: Int) -> String? { cells[row * columns.count + column] }

  /// The first column of the first row, nil when there is no row or it holds NULL.
  package var first: String? {
    count > 0 && !columns.isEmpty ? self[0, 0] : nil
  }

  /// Copies what a `PGresult` holds; does not free it.
  init(copying result: OpaquePointer) {
    let width = Int(PQnfields(result))
    let height = Int(PQntuples(result))
    columns = (0..<width).map { column in PQfname(result, Int32(column)).map { String(cString: $0) } ?? "" }
    types = (0..<width).map { PQftype(result, Int32($0)) }
    count = height
    var cells: [String?] = []
    cells.reserveCapacity(width * height)
    for row in 0..<Int32(height) {
      for column in 0..<Int32(width) {
        guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else {
          cells.append(nil)
          continue
        }
        // The length comes from libpq and belongs to this very value.
        let length = Int(PQgetlength(result, row, column))
        let bytes = UnsafeRawBufferPointer(start: start, count: length)
        cells.append(String(decoding: bytes, as: UTF8.self))
      }
    }
    self.cells = cells
  }
}

/// What one statement did.
package struct StatementOutcome: Sendable, Equatable {
  /// The server's command tag: `CREATE TABLE`, `INSERT 0 5`; empty for an empty statement.
  package let commandTag: String
  /// The rows, nil when the statement is not of a kind that has any.
  package let rows: Rows?
}
