import LibPQ
package import Migrations

extension MigrationSession {
  /// Puts the history right, in one transaction. Nothing to do is no error, nor is a table that is not there.
  package func repair() throws(MigrationFailure) -> RepairPlan {
    try around(.beforeRepair, .afterRepair, .afterRepairError) { () throws(MigrationFailure) in
      let resolved = try self.resolved()
      let rows = try history.rows()
      let patterns = try self.patterns()
      let plan: RepairPlan
      do throws(MigrationError) {
        plan = try RepairPlan(
          resolved: resolved, applied: rows, ignoring: patterns,
          picks: CherryPick.list(settings.list("cherryPick")), installedBy: installedBy)
      } catch {
        throw MigrationFailure(error)
      }
      let cutOff = try ask { (_) throws(ServerError) in try progress.isEmpty() } == false
      if plan.actions.isEmpty, !cutOff { return plan }
      for line in plan.lines { talk.say(line) }
      try transaction { () throws(MigrationFailure) in
        if cutOff {
          talk.say("forgetting how far scripts without a transaction had come: they begin anew")
          try send(progress.removal())
        }
        try ask { (_) throws(ServerError) in
          for row in plan.removed { try history.remove(row) }
          for row in plan.deleted { try history.insert(row) }
          for change in plan.aligned { try history.align(change.row) }
        }
      }
      return plan
    }
  }

  /// Says that the schema is at a version already.
  package func baseline() throws(MigrationFailure) {
    var isNew = false
    if settings.flag("createSchemas") {
      try run(.createSchema)
      try run(.beforeCreateSchema)
      isNew = try createSchemasForBaseline()
    }
    try around(.beforeBaseline, .afterBaseline, .afterBaselineError) { () throws(MigrationFailure) in
      if isNew { return }
      let row = baselineRow
      guard try ask({ (_) throws(ServerError) in try history.exists() }) else {
        return try transaction { () throws(MigrationFailure) in
          try createHistory([row])
        }
      }
      let rows = try history.rows()
      do throws(MigrationError) {
        try BaselineRule.check(
          rows, version: settings.baselineVersion, description: row.description, table: history.quotedName)
      } catch {
        throw MigrationFailure(error)
      }
    }
  }

  /// Makes the schemas that are missing, and with them the history: the baseline first, then what was made.
  /// - Returns: whether the history was made here.
  private func createSchemasForBaseline() throws(MigrationFailure) -> Bool {
    let missing = try missingSchemas()
    if missing.isEmpty { return false }
    let names = missing.map { SchemaFacts.quoted($0) }
    let exists = try ask { (_) throws(ServerError) in try history.exists() }
    let last = exists ? try history.rows().last : nil
    try transaction { () throws(MigrationFailure) in
      for name in names { try send("CREATE SCHEMA \(name)") }
      dryRun?.makeSchemas(missing)
      try ask { (_) throws(ServerError) in
        if !exists { try history.create([baselineRow]) }
        try history.insert(schemaRow(names, rank: exists ? last.map { $0.installedRank + 1 } ?? 0 : 2))
      }
    }
    return !exists
  }

  /// The row that remembers which schemas were created here.
  func schemaRow(_ names: [String], rank: Int) -> HistoryRow {
    HistoryRow(
      installedRank: rank, version: nil, description: "<< Flyway Schema Creation >>", type: .schema,
      script: HistoryRow.abbreviated(script: names.joined(separator: ",")), checksum: nil,
      installedBy: installedBy, executionTime: 0, success: true)
  }
}
