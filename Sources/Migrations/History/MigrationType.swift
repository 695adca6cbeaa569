/// The `type` of a history row. Source: Flyway 13, the names it can read.
package enum MigrationType: String, Sendable, Equatable {
  case sql = "SQL"
  case sqlBaseline = "SQL_BASELINE"
  /// The `baseline` command's row.
  case baseline = "BASELINE"
  /// Schemas that the migrator created itself.
  case schema = "SCHEMA"
  /// A row of the same version or description before it no longer counts.
  case delete = "DELETE"
  case jdbc = "JDBC"
  case jdbcBaseline = "JDBC_BASELINE"
  case script = "SCRIPT"
  case scriptBaseline = "SCRIPT_BASELINE"
  case custom = "CUSTOM"
  /// A migration of the same version before it was undone.
  case undoSQL = "UNDO_SQL"
  case undoJDBC = "UNDO_JDBC"
  case undoScript = "UNDO_SCRIPT"

  /// - Throws: `MigrationError.unknownRowType` for a name Flyway cannot read either.
  package init(reading text: String) throws(MigrationError) {
    switch text {
    case "SPRING_JDBC": self = .jdbc
    case "SQL_STATE_SCRIPT": self = .sqlBaseline
    case "JDBC_STATE_SCRIPT": self = .jdbcBaseline
    case "UNDO_SPRING_JDBC": self = .undoJDBC
    default:
      guard let known = MigrationType(rawValue: text) else { throw .unknownRowType(text) }
      self = known
    }
  }

  /// Rows that no file stands behind.
  package var isSynthetic: Bool { self == .baseline || self == .schema || self == .delete }

  /// Files that stand for every migration up to their version.
  package var isBaselineMigration: Bool {
    self == .sqlBaseline || self == .jdbcBaseline || self == .scriptBaseline
  }

  /// Files and rows that take a version back.
  package var isUndo: Bool { self == .undoSQL || self == .undoJDBC || self == .undoScript }
}
