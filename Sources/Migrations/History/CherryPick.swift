/// One entry of `cherryPick`: a version, or a description with `_` for blanks. Source: Flyway's manual.
package struct CherryPick: Sendable, Equatable {
  /// As written.
  package let text: String
  private let version: MigrationVersion?
  private let description: String

  package init(_ text: String) {
    self.text = text
    version = try? MigrationVersion(text)
    description = String(text.map { $0 == "_" ? " " : $0 })
  }

  /// Whether it means this migration. A version names versioned migrations only; a description names both
  /// kinds.
  package func names(_ version: MigrationVersion?, _ description: String) -> Bool {
    if let version, let own = self.version { return own == version }
    return self.description == description
  }

  /// Reads a comma-separated list.
  package static func list(_ texts: [String]) -> [CherryPick] { texts.map { CherryPick($0) } }
}
