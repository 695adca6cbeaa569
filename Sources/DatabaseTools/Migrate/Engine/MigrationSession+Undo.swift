import LibPQ
package import Migrations

/// What `undo` did.
package struct UndoResult: Sendable {
  /// The undo migrations that ran, in order.
  package var undone: [AppliedMigration]
  /// The highest version before; nil on an empty schema.
  package var initialVersion: MigrationVersion?
  /// The highest version now.
  package var version: MigrationVersion?
  package var milliseconds: Int
  package var warnings: [String] = []
}

extension MigrationSession {
  /// Takes the migration applied last back, or all down to the target.
  package func undo() throws(MigrationFailure) -> UndoResult {
    let started = Clock.milliseconds()
    let undos = try resolvedUndos()
    let resolved = try self.resolved()
    let rows = try history.rows()
    let outcome = perform(UndoRun(undos: undos, resolved: resolved, policy: undoPolicy))
    if let error = outcome.error { throw error }
    var result = UndoResult(
      undone: outcome.applied, initialVersion: outcome.initialVersion,
      milliseconds: Clock.milliseconds() - started)
    result.version =
      outcome.applied.isEmpty ? outcome.initialVersion : try plan(resolved, try history.rows()).currentVersion
    if dryRun == nil, !outcome.applied.isEmpty, settings.undoHistory == .keep,
      !rows.contains(where: { $0.type.isUndo })
    {
      let warning =
        "the history now has a row of type UNDO_SQL, which Flyway's community edition refuses to read;"
        + " --undo-history=remove leaves none"
      talk.warn(warning)
      result.warnings.append(warning)
    }
    return result
  }

  private var undoPolicy: UndoRun.Policy {
    var policy = UndoRun.Policy()
    policy.target = settings.target
    policy.picks = CherryPick.list(settings.list("cherryPick"))
    policy.naming = settings.naming
    policy.group = settings.flag("group") || facts.isPooled
    policy.mixed = settings.flag("mixed")
    policy.locksInTransaction = facts.isPooled && dryRun == nil
    policy.retries = settings.number("retries")
    policy.skipExecuting = settings.flag("skipExecutingMigrations")
    policy.recordsFailures = !settings.flag("postgresql.transactional.lock")
    policy.history = settings.undoHistory
    policy.installedBy = installedBy
    policy.schema = SchemaFacts.quoted(facts.defaultSchema)
    return policy
  }
}
