/// A table in `+-|` characters.
package enum TextTable {
  /// How a table gives way on a narrow terminal.
  package struct Fit {
    package var width: Int
    /// The column whose texts are cut first, down to `least` characters.
    package var shrinking: Int
    package var least: Int
    /// Columns that go when that is not enough, the first one first.
    package var dropping: [Int]

    package init(width: Int, shrinking: Int, least: Int, dropping: [Int]) {
      self.width = width
      self.shrinking = shrinking
      self.least = least
      self.dropping = dropping
    }
  }

  /// - Parameter paint: colours a cell that is already as wide as its column.
  package static func lines(
    _ header: [String], _ rows: [[String]], fit: Fit? = nil,
    paint: (_ row: Int, _ column: Int, _ text: String) -> String = { $2 }
  ) -> [String] {
    let wanted = header.indices.map { column in
      ([header] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    let (columns, widths) = fit.map { fitted(wanted, $0) } ?? (Array(header.indices), wanted)
    func padded(_ text: String, _ column: Int) -> String {
      let width = widths[column]
      let shown = text.count > width ? text.prefix(width - 1) + "…" : text[...]
      return shown + String(repeating: " ", count: width - shown.count)
    }
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    let rule =
      "+" + columns.map { String(repeating: "-", count: widths[$0] + 2) }.joined(separator: "+") + "+"
    let body = rows.enumerated().map { row, cells in
      line(columns.map { paint(row, $0, padded($0 < cells.count ? cells[$0] : "", $0)) })
    }
    return [rule, line(columns.map { padded(header[$0], $0) }), rule] + body + [rule]
  }

  /// The columns that stay, and how wide each is. One too many is better than a table that says nothing, so the
  /// columns that may not be dropped stay whatever the width.
  private static func fitted(_ wanted: [Int], _ fit: Fit) -> ([Int], [Int]) {
    var columns = Array(wanted.indices)
    var widths = wanted
    var dropping = fit.dropping[...]
    while true {
      let whole = columns.reduce(1) { $0 + wanted[$1] + 3 }
      let least = min(wanted[fit.shrinking], max(fit.least, 1))
      let room = wanted[fit.shrinking] - least
      if whole - fit.width <= room || dropping.isEmpty {
        widths[fit.shrinking] = wanted[fit.shrinking] - min(room, max(0, whole - fit.width))
        return (columns, widths)
      }
      let gone = dropping.removeFirst()
      columns.removeAll { $0 == gone }
    }
  }
}
