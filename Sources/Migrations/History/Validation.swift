/// A migration that validation objects to.
package struct InvalidMigration: Sendable, Equatable {
  package var code: ErrorCode
  /// Flyway's words.
  package var message: String
  /// Empty for a repeatable.
  package var version: String
  package var description: String
  /// Absolute; empty when there is no file.
  package var path: String
}

/// Whether files and history agree. Source: Flyway 13, `validate`.
package enum Validation {
  /// What is wrong, in the order of `info`, at most one for each line of it.
  package static func findings(_ plan: MigrationPlan, ignoring patterns: IgnorePatterns) -> [InvalidMigration]
  {
    plan.entries.compactMap { entry in
      guard let (code, message) = objection(to: entry, plan, patterns) else { return nil }
      return InvalidMigration(
        code: code, message: message, version: entry.version?.text ?? "", description: entry.description,
        path: entry.resolved?.absolutePath ?? "")
    }
  }

  private static func objection(
    to entry: PlannedMigration, _ plan: MigrationPlan, _ patterns: IgnorePatterns
  ) -> (ErrorCode, String)? {
    let isRepeatable = entry.isRepeatable
    if patterns.match(isRepeatable: isRepeatable, entry.state) { return nil }
    // What is not to be executed need not be applied, nor be applied again.
    if entry.resolved?.config.isExecuted == false, entry.state == .ignored || entry.state == .outdated {
      return nil
    }
    let name = entry.version?.text ?? entry.description
    switch entry.state {
    case .aboveTarget, .deleted, .undone, .available, .belowBaseline, .baselineIgnored: return nil
    case .failed, .missingFailed, .futureFailed:
      let what =
        isRepeatable
        ? "Detected failed repeatable migration: \(entry.description)."
        : "Detected failed migration to version \(name) (\(entry.description))."
      return (
        isRepeatable ? .failedRepeatableMigration : .failedVersionedMigration,
        what + "\nPlease remove any half-completed changes then run repair to fix the schema history."
      )
    case .missing, .future:
      return (
        isRepeatable ? .appliedRepeatableMigrationNotResolved : .appliedVersionedMigrationNotResolved,
        "Detected applied migration not resolved locally: \(name)."
          + "\nIf you removed this migration intentionally, run repair to mark the migration as deleted."
      )
    case .ignored:
      // A baseline migration that came too late is of no consequence.
      if entry.type.isBaselineMigration { return nil }
      return (
        .resolvedVersionedMigrationNotApplied,
        "Detected resolved migration not applied to database: \(name)."
          + "\nTo ignore this migration, set -ignoreMigrationPatterns='*:ignored'."
          + " To allow executing this migration, set -outOfOrder=true."
      )
    case .pending:
      return (
        isRepeatable ? .resolvedRepeatableMigrationNotApplied : .resolvedVersionedMigrationNotApplied,
        "Detected resolved \(isRepeatable ? "repeatable " : "")migration not applied to database: \(name)."
          + "\nTo fix this error, either run migrate, or set -ignoreMigrationPatterns='*:pending'."
      )
    case .outdated:
      if patterns.ignoresPending(isRepeatable: true) { return nil }
      return (
        .outdatedRepeatableMigration,
        "Detected outdated resolved repeatable migration that should be re-applied to database: \(name)."
          + "\nRun migrate to execute this migration."
      )
    case .superseded, .success, .outOfOrder, .baseline:
      return mismatch(entry, plan, patterns)
    }
  }

  private static func mismatch(
    _ entry: PlannedMigration, _ plan: MigrationPlan, _ patterns: IgnorePatterns
  ) -> (ErrorCode, String)? {
    guard let file = entry.resolved, let row = entry.applied, !row.type.isSynthetic, !row.type.isUndo
    else { return nil }
    let identity: String
    if let version = row.version {
      if let baseline = plan.baselineVersion, version <= baseline { return nil }
      identity = "migration version \(version.text)"
      if file.type != row.type {
        return (.typeMismatch, different("type", identity, row.type.rawValue, file.type.rawValue))
      }
      if row.checksum != file.checksum {
        return (.checksumMismatch, differentChecksum(identity, row, file))
      }
    } else {
      identity = "repeatable migration \(row.script)"
      // Only migrate's validation, which passes over pending ones, compares a repeatable's checksum; it does
      // not accept the one taken before placeholders were replaced (Flyway 13).
      if patterns.ignoresPending(isRepeatable: true), entry.state == .success, row.checksum != file.checksum {
        return (.checksumMismatch, differentChecksum(identity, row, file))
      }
    }
    let description = HistoryRow.abbreviated(description: file.description)
    if row.description != description {
      return (.descriptionMismatch, different("description", identity, row.description, description))
    }
    return nil
  }

  private static func differentChecksum(
    _ identity: String, _ row: HistoryRow, _ file: ResolvedMigration
  ) -> String {
    different("checksum", identity, row.checksum.map { String($0) } ?? "null", String(file.checksum))
  }

  private static func different(_ what: String, _ identity: String, _ applied: String, _ local: String)
    -> String
  {
    "Migration \(what) mismatch for \(identity)\n-> Applied to database : \(applied)"
      + "\n-> Resolved locally    : \(local)"
      + "\nEither revert the changes to the migration, or run repair to update the schema history."
  }
}
