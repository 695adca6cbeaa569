/// How file names say what a script is. The defaults are Flyway's.
package struct NamingRules: Sendable, Equatable {
  /// In front of versioned migrations; `sqlMigrationPrefix`.
  package var versioned = "V"
  /// In front of repeatable migrations; `repeatableSqlMigrationPrefix`.
  package var repeatable = "R"
  /// In front of baseline migrations; `baselineMigrationPrefix`.
  package var baseline = "B"
  /// In front of undo migrations; `undoSqlMigrationPrefix`.
  package var undo = "U"
  /// Between version and description; `sqlMigrationSeparator`.
  package var separator = "__"
  /// Ends of names, compared without case; `sqlMigrationSuffixes`.
  package var suffixes = [".sql"]

  package init() {}

  /// Whether a file of this name is looked at at all.
  package func isScript(_ fileName: String) -> Bool { suffix(of: fileName) != nil }

  func suffix(of fileName: String) -> String? {
    let lower = fileName.lowercased()
    return suffixes.first { lower.hasSuffix($0.lowercased()) }
  }
}
