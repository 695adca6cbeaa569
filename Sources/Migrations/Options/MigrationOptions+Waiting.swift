extension MigrationOptions {
  /// How long to wait, and for what. Flyway has none of these.
  static let waiting = [
    own("wait", .duration, "0", "wait so long for the server to come up"),
    own("lockTimeout", .duration, "0", "the longest a statement waits for a lock; 0 for ever"),
    own("statementTimeout", .duration, "0", "the longest a statement runs; 0 for ever"),
    own("retries", .integer, "0", "how often a migration that did not get a lock is tried again"),
  ]

  private static func own(
    _ name: String, _ kind: MigrationOption.Kind, _ standard: String, _ summary: String
  ) -> MigrationOption {
    MigrationOption(name: name, kind: kind, standard: standard, summary: summary)
  }
}
