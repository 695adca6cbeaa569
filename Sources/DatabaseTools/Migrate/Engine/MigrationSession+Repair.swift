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
        plan = try RepairPlan(resolved: resolved, applied: rows, ignoring: patterns, installedBy: installedBy)
      } catch {
        throw MigrationFailure(error)
      }
      if plan.actions.isEmpty { return plan }
      try transaction { () throws(MigrationFailure) in
        try ask { (_) throws(ServerError) in
          for row in plan.removed {
            talk.say("removing the failed \(Self.name(row))")
            try history.remove(row)
          }
          for row in plan.deleted {
            talk.say("marking \(Self.name(row)) as deleted")
            try history.insert(row)
          }
          for change in plan.aligned {
            talk.say("aligning \(Self.name(change.row)) with its file")
            try history.align(change.row)
          }
        }
      }
      return plan
    }
  }

  private static func name(_ row: HistoryRow) -> String {
    row.version.map { "version \($0.text) (\(row.description))" } ?? "repeatable \"\(row.description)\""
  }

  /// Says that the schema is at a version already.
  package func baseline() throws(MigrationFailure) {
    try around(.beforeBaseline, .afterBaseline, .afterBaselineError) { () throws(MigrationFailure) in
      let row = baselineRow
      if try ask({ (_) throws(ServerError) in try history.exists() }) {
        let rows = try history.rows()
        do throws(MigrationError) {
          try BaselineRule.check(
            rows, version: settings.baselineVersion, description: row.description, table: history.quotedName)
        } catch {
          throw MigrationFailure(error)
        }
        return
      }
      let missing = try ask { (connection) throws(ServerError) in try facts.missingSchemas(connection) }
      let names = settings.flag("createSchemas") ? missing.map { SchemaFacts.quoted($0) } : []
      try transaction { () throws(MigrationFailure) in
        for name in names { try send("CREATE SCHEMA \(name)") }
        try ask { (_) throws(ServerError) in
          try history.create([row])
          if !names.isEmpty { try history.insert(schemaRow(names, rank: 2)) }
        }
      }
    }
  }

  /// The row that remembers which schemas were created here.
  func schemaRow(_ names: [String], rank: Int) -> HistoryRow {
    HistoryRow(
      installedRank: rank, version: nil, description: "<< Flyway Schema Creation >>", type: .schema,
      script: HistoryRow.abbreviated(script: names.joined(separator: ",")), checksum: nil,
      installedBy: installedBy, executionTime: 0, success: true)
  }
}
