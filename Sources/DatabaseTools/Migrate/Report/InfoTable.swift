package import Migrations

/// The table that `info` prints, with Flyway's columns.
package enum InfoTable {
  package static func lines(_ entries: [PlannedMigration], _ paint: Paint) -> [String] {
    if entries.isEmpty { return ["No migrations found"] }
    let rows = entries.map { entry in
      [
        entry.category, entry.version?.text ?? "", entry.description, entry.type.rawValue,
        entry.applied?.installedOnLocal ?? "", entry.state.rawValue, undoable(entry),
      ]
    }
    return TextTable.lines(
      ["Category", "Version", "Description", "Type", "Installed On", "State", "Undoable"], rows
    ) { row, column, text in
      column == 5 ? coloured(text, entries[row].state, paint) : text
    }
  }

  static func undoable(_ entry: PlannedMigration) -> String { entry.version == nil ? "" : "No" }

  private static func coloured(_ text: String, _ state: MigrationState, _ paint: Paint) -> String {
    switch state {
    case .success, .baseline: paint.green(text)
    case .pending, .outdated, .outOfOrder, .aboveTarget, .future: paint.yellow(text)
    case .failed, .missing, .missingFailed, .futureFailed, .ignored: paint.red(text)
    case .belowBaseline, .baselineIgnored, .superseded, .deleted: paint.dim(text)
    }
  }
}

/// A table in `+-|` characters.
package enum TextTable {
  /// - Parameter paint: colours a cell that is already as wide as its column.
  package static func lines(
    _ header: [String], _ rows: [[String]],
    paint: (_ row: Int, _ column: Int, _ text: String) -> String = { $2 }
  ) -> [String] {
    let widths = header.indices.map { column in
      ([header] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    func padded(_ text: String, _ column: Int) -> String {
      text + String(repeating: " ", count: max(0, widths[column] - text.count))
    }
    let rule = "+" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "+") + "+"
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    let body = rows.enumerated().map { row, cells in
      line(cells.enumerated().map { column, text in paint(row, column, padded(text, column)) })
    }
    return [rule, line(header.enumerated().map { padded($1, $0) }), rule] + body + [rule]
  }
}
