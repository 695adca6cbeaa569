package import Migrations

/// The table that `info` prints, with Flyway's columns.
package enum InfoTable {
  /// - Parameter width: of the terminal, which the table is made to fit; nil shows all of it.
  package static func lines(
    _ entries: [PlannedMigration], _ paint: Paint, width: Int? = nil
  ) -> [String] {
    if entries.isEmpty { return ["No migrations found"] }
    let rows = entries.map { entry in
      [
        entry.category, entry.version?.text ?? "", entry.description, entry.type.rawValue,
        entry.applied?.installedOnLocal ?? "", entry.state.rawValue, entry.undoable,
      ]
    }
    return TextTable.lines(
      ["Category", "Version", "Description", "Type", "Installed On", "State", "Undoable"], rows,
      fit: width.map { TextTable.Fit(width: $0, shrinking: 2, least: 12, dropping: [3, 6, 0, 4]) }
    ) { row, column, text in
      column == 5 ? coloured(text, entries[row].state, paint) : text
    }
  }

  private static func coloured(_ text: String, _ state: MigrationState, _ paint: Paint) -> String {
    switch state {
    case .success, .baseline: paint.green(text)
    case .pending, .outdated, .outOfOrder, .aboveTarget, .future: paint.yellow(text)
    case .failed, .missing, .missingFailed, .futureFailed, .ignored: paint.red(text)
    case .belowBaseline, .baselineIgnored, .superseded, .deleted, .undone, .available: paint.dim(text)
    }
  }
}
