import LibPQ
package import Migrations

/// What `info` found.
package struct InfoResult: Sendable {
  package var plan: MigrationPlan
  /// The lines to show.
  package var lines: [PlannedMigration]
  package var allSchemasEmpty: Bool
}

/// What `validate` found.
package struct ValidateResult: Sendable {
  package var findings: [InvalidMigration]
  /// Migrations that were looked at and are right.
  package var count: Int
  /// Set when the default schema is missing though there are migrations for it.
  package var missingSchema: String?
  package var isValid: Bool { findings.isEmpty && missingSchema == nil }
  /// There was nothing to look at: the locations may be wrong.
  package var isEmpty: Bool { isValid && count == 0 }
  package static let emptyWarning = "No migrations found. Are your locations set up correctly?"
}

/// What `migrate` did.
package struct MigrateResult: Sendable {
  package var applied: [AppliedMigration]
  /// What ran in a group that failed, and was rolled back with it.
  package var rolledBack: [AppliedMigration] = []
  package var initialVersion: MigrationVersion?
  package var milliseconds: Int
  package var error: MigrationFailure?

  /// The last version of this run.
  package var targetVersion: MigrationVersion? { applied.last { $0.file.version != nil }?.file.version }
}

extension MigrationSession {
  private var planPolicy: MigrationPlan.Policy {
    MigrationPlan.Policy(target: settings.target, outOfOrder: settings.flag("outOfOrder"))
  }

  /// Files and history as they stand; writes nothing.
  package func info() throws(MigrationFailure) -> InfoResult {
    let filter: InfoFilter
    do throws(MigrationError) { filter = try InfoFilter(settings) } catch { throw MigrationFailure(error) }
    let result = try around(.beforeInfo, .afterInfo, .afterInfoError) { () throws(MigrationFailure) in
      let resolved = try self.resolved()
      let rows = try history.rows()
      let empty = try ask { (connection) throws(ServerError) in try facts.nonEmptySchemas(connection) }
        .isEmpty
      let plan = try plan(resolved, rows, undos: try resolvedUndos())
      return InfoResult(plan: plan, lines: filter.lines(of: plan), allSchemasEmpty: empty)
    }
    try run(.afterInfoOperationFinish)
    return result
  }

  /// Whether files and history agree.
  package func validate() throws(MigrationFailure) -> ValidateResult {
    var resolved: [ResolvedMigration]?
    return try validate(ignoring: try patterns(), &resolved)
  }

  /// - Parameter known: what the files were found to be, so that each is read once.
  private func validate(
    ignoring patterns: IgnorePatterns, _ known: inout [ResolvedMigration]?
  ) throws(MigrationFailure) -> ValidateResult {
    let missing = try missingSchemas()
    if missing.contains(facts.defaultSchema) {
      // No callback runs where there is nothing yet.
      let resolved = try self.resolved()
      known = resolved
      let isWrong = !resolved.isEmpty && !patterns.ignoresPending(isRepeatable: false)
      return ValidateResult(
        findings: [], count: 0, missingSchema: isWrong ? SchemaFacts.quoted(facts.defaultSchema) : nil)
    }
    try run(.beforeValidate)
    let resolved = try self.resolved()
    known = resolved
    let plan = try self.plan(resolved, history.rows())
    let findings = Validation.findings(plan, ignoring: patterns)
    let result = ValidateResult(findings: findings, count: findings.isEmpty ? plan.entries.count : 0)
    if result.isEmpty { talk.warn(ValidateResult.emptyWarning) }
    try run(result.isValid ? .afterValidate : .afterValidateError)
    return result
  }

  /// Applies what is pending.
  package func migrate() throws(MigrationFailure) -> MigrateResult {
    let started = Clock.milliseconds()
    let patterns = try self.patterns()
    var known: [ResolvedMigration]?
    if settings.flag("validateOnMigrate") {
      let result = try validate(ignoring: patterns.adding(.init(.any, .pending)), &known)
      if !result.findings.isEmpty { throw MigrationFailure(.validation(result.findings)) }
    }
    let resolved: [ResolvedMigration]
    if let known { resolved = known } else { resolved = try self.resolved() }
    let lock = self.lock
    noticeLostClient()
    try prepare(lock)
    let outcome = perform(MigrationRun(resolved: resolved, policy: runPolicy(patterns)))
    var result = MigrateResult(
      applied: outcome.applied, rolledBack: outcome.rolledBack, initialVersion: outcome.initialVersion,
      milliseconds: Clock.milliseconds() - started, error: outcome.error)
    if let error = outcome.error, !error.isInMigration { throw error }
    if result.error == nil {
      do throws(MigrationFailure) { try run(.afterMigrateOperationFinish) } catch { result.error = error }
    }
    return result
  }

  private func runPolicy(_ patterns: IgnorePatterns) -> MigrationRun.Policy {
    var policy = MigrationRun.Policy()
    policy.plan = planPolicy
    policy.picks = CherryPick.list(settings.list("cherryPick"))
    policy.group = settings.flag("group")
    policy.mixed = settings.flag("mixed")
    policy.locksInTransaction = facts.isPooled && dryRun == nil
    policy.retries = settings.number("retries")
    policy.skipExecuting = settings.flag("skipExecutingMigrations")
    // With its default lock Flyway loses the failed row, and the next migrate simply tries again.
    policy.recordsFailures = !settings.flag("postgresql.transactional.lock")
    policy.ignoresFutureFailure = patterns.match(isRepeatable: false, .futureFailed)
    policy.installedBy = installedBy
    policy.schema = SchemaFacts.quoted(facts.defaultSchema)
    return policy
  }

  // MARK: - Helpers

  /// Has the server look, while a statement runs, whether we are still there: when we are killed, the next run need not
  /// wait for the rest of a long statement. Servers before 14, or on some systems, cannot; then it is as it was.
  func noticeLostClient() {
    guard connection.serverVersion >= 140_000, !facts.isPooled else { return }
    try? connection.execute("SET client_connection_check_interval = '2s'")
  }

  /// The lock that Flyway takes, too.
  var lock: MigrationLock {
    MigrationLock(self)
  }

  func patterns() throws(MigrationFailure) -> IgnorePatterns {
    do throws(MigrationError) { return try settings.ignorePatterns() } catch { throw MigrationFailure(error) }
  }

  func plan(
    _ resolved: [ResolvedMigration], _ rows: [HistoryRow], undos: [ResolvedMigration] = []
  ) throws(MigrationFailure) -> MigrationPlan {
    do throws(MigrationError) {
      return try MigrationPlan(resolved: resolved, applied: rows, policy: planPolicy, undos: undos)
    } catch {
      throw MigrationFailure(error)
    }
  }

  /// Runs a command between its callbacks.
  func around<Result>(
    _ before: CallbackEvent, _ after: CallbackEvent, _ failed: CallbackEvent,
    _ body: () throws(MigrationFailure) -> Result
  ) throws(MigrationFailure) -> Result {
    try run(before)
    let result: Result
    do throws(MigrationFailure) { result = try body() } catch {
      try run(failed)
      throw error
    }
    try run(after)
    return result
  }

  /// Asks the server something; its refusal becomes a failure.
  func ask<Answer>(
    _ question: (Connection) throws(ServerError) -> Answer
  ) throws(MigrationFailure) -> Answer {
    do throws(ServerError) { return try question(connection) } catch { throw MigrationFailure(error) }
  }
}
