/// The values of one row while it is being made: each is worked out once, when it is first needed.
///
/// A frame is used again for the next row and keeps its memory, so rows cost no allocation.
final class RowFrame {
  enum State: UInt8 {
    /// Not worked out yet. → one of the others.
    case open
    /// NULL.
    case null
    /// `text` holds the value.
    case text
    /// `text` holds the value, which is the number in `number` too.
    case number
  }

  struct Cell {
    var state = State.open
    var start = 0
    var end = 0
    var number: Int64 = 0
  }

  /// Row 0 is no row.
  private(set) var address = RowAddress(0)
  var bytes: [UInt8] = []
  var cells: [Cell]

  init(columns: Int) {
    cells = Array(repeating: Cell(), count: columns)
  }

  /// Makes this the frame of `address`; what is known of it already stays.
  func seek(_ address: RowAddress) {
    if self.address == address { return }
    self.address = address
    bytes.removeAll(keepingCapacity: true)
    for index in cells.indices { cells[index].state = .open }
  }

  /// Ends the value that was appended from `start` on.
  func close(_ column: Int, from start: Int, number: Int64? = nil) {
    cells[column] = Cell(
      state: number == nil ? .text : .number, start: start, end: bytes.count, number: number ?? 0)
  }
}
