/// One line of `info`: a history row, a file, or both, and the state they make.
package struct PlannedMigration: Sendable, Equatable {
  package var applied: HistoryRow?
  package var resolved: ResolvedMigration?
  package var state: MigrationState
  /// The undo migration of this version, if there is a file.
  package var undo: ResolvedMigration?

  package init(applied: HistoryRow?, resolved: ResolvedMigration?, state: MigrationState) {
    self.applied = applied
    self.resolved = resolved
    self.state = state
  }

  package var version: MigrationVersion? { applied.map { $0.version } ?? resolved?.version }
  package var description: String { applied?.description ?? resolved?.description ?? "" }
  package var type: MigrationType { applied?.type ?? resolved?.type ?? .sql }
  package var script: String { applied?.script ?? resolved?.script ?? "" }
  package var isRepeatable: Bool { version == nil }

  /// As the file has it, with `_`, as long as it is only a file; else as the history has it.
  package var rawVersion: String { applied == nil ? resolved?.rawVersion ?? "" : version?.text ?? "" }

  /// Flyway's first column: empty for rows that no file stands behind.
  package var category: String {
    if type.isSynthetic { return "" }
    if type.isBaselineMigration { return "Baseline" }
    if type.isUndo { return "Undo" }
    return isRepeatable ? "Repeatable" : "Versioned"
  }

  /// Flyway's last column: whether an undo migration is there; empty where there is nothing to take back.
  package var undoable: String {
    if version == nil || type.isUndo || state == .undone { return "" }
    if type.isSynthetic || type.isBaselineMigration || state.isFailed || state == .deleted { return "No" }
    return undo == nil ? "No" : "Yes"
  }
}
