package import SQLText

/// Which statements of a transaction may be sent without waiting for the answers before them.
///
/// In a pipeline each is parsed after the one before it has run, so order is all that matters to most. COPY is
/// not possible there; what opens, ends or splits the transaction decides how the rest is to be sent; and a text
/// with a parameter means something else to the extended protocol than to the simple one.
/// Source: PostgreSQL manual, libpq, "Pipeline Mode"; protocol, "Extended Query".
package enum PipelineRule {
  package static func allows(_ statement: ScriptStatement) -> Bool {
    guard !statement.isCopyFromStdin, !statement.hasParameter else { return false }
    guard let first = statement.keywords.first else { return true }
    return !alone.contains(first)
  }

  private static let alone: Set<String> = [
    "ABORT", "BEGIN", "COMMIT", "COPY", "DEALLOCATE", "DISCARD", "END", "EXECUTE", "PREPARE", "RELEASE",
    "ROLLBACK",
    "SAVEPOINT", "START",
  ]
}
