import LibPQ
import Migrations

extension MigrationSession {
  /// Makes what `migrate` needs: schemas, history table, a baseline where that is wanted.
  ///
  /// Under the lock, so that of many migrators that start at once on an empty database one makes the table and
  /// the others find it made.
  func prepare(_ lock: MigrationLock) throws(MigrationFailure) {
    if settings.flag("createSchemas") {
      try run(.createSchema)
      try run(.beforeCreateSchema)
    }
    if try ask({ (_) throws(ServerError) in try history.exists() }),
      try missingSchemas().isEmpty
    {
      return
    }
    // A dry run keeps nobody out.
    if dryRun != nil { return try makeWhatIsMissing() }
    try lock.take()
    do throws(MigrationFailure) { try makeWhatIsMissing() } catch {
      lock.abandon()
      throw error
    }
    try lock.release()
  }

  private func makeWhatIsMissing() throws(MigrationFailure) {
    if settings.flag("createSchemas") { try createMissingSchemas() }
    try createTable()
  }

  /// The managed schemas that are not there; in a dry run, that would not be there by now.
  func missingSchemas() throws(MigrationFailure) -> [String] {
    try ask { (connection) throws(ServerError) in try facts.missingSchemas(connection) }
      .filter { dryRun?.schemas.contains($0) != true }
  }

  func createMissingSchemas() throws(MigrationFailure) {
    let missing = try missingSchemas()
    guard !missing.isEmpty else { return }
    let names = missing.map { SchemaFacts.quoted($0) }
    try transaction { () throws(MigrationFailure) in
      for name in names {
        talk.say("creating schema \(name)")
        try send("CREATE SCHEMA \(name)")
      }
      dryRun?.makeSchemas(missing)
      if try !ask({ (_) throws(ServerError) in try history.exists() }) {
        try ask { (_) throws(ServerError) in try history.create() }
      }
      let last = try history.rows().last
      let row = schemaRow(names, rank: last.map { $0.installedRank + 1 } ?? 0)
      try ask { (_) throws(ServerError) in try history.insert(row) }
    }
  }

  private func createTable() throws(MigrationFailure) {
    if try ask({ (_) throws(ServerError) in try history.exists() }) { return }
    var rows: [HistoryRow] = []
    let full = try ask { (connection) throws(ServerError) in try facts.nonEmptySchemas(connection) }
    if !full.isEmpty, !settings.flag("skipExecutingMigrations") {
      guard settings.flag("baselineOnMigrate") else {
        throw MigrationFailure(.nonEmptySchema(full.map { SchemaFacts.quoted($0) }))
      }
      rows = [baselineRow]
    }
    let create = { () throws(MigrationFailure) in
      self.talk.say("creating the history table \(self.history.quotedName)")
      try self.transaction { () throws(MigrationFailure) in
        try self.createHistory(rows)
      }
    }
    if rows.isEmpty { return try create() }
    try around(.beforeBaseline, .afterBaseline, .afterBaselineError, create)
  }

  /// Makes the table; without its schema, which is not made here, the error is Flyway's.
  func createHistory(_ rows: [HistoryRow]) throws(MigrationFailure) {
    do throws(ServerError) { try history.create(rows) } catch {
      var failure = MigrationFailure(error)
      failure.message = error.flywayReport(
        title: "Failed to execute script ", location: "", absolutePath: "", line: 1)
      if error.sqlState == "3F000" {
        failure.failure.hint = "create it, or let it be created: createSchemas=true"
      }
      throw failure
    }
  }

  var installedBy: String { settings.optional("installedBy") ?? facts.user }

  /// The row of the `baseline` command.
  var baselineRow: HistoryRow {
    let description = HistoryRow.abbreviated(description: settings.text("baselineDescription"))
    return HistoryRow(
      installedRank: 1, version: settings.baselineVersion, description: description, type: .baseline,
      script: description, checksum: nil, installedBy: installedBy, executionTime: 0, success: true)
  }

  /// All or nothing; a part of the transaction that is open, if one is.
  func transaction(_ body: () throws(MigrationFailure) -> Void) throws(MigrationFailure) {
    if dryRun == nil, connection.transactionStatus != .idle { return try body() }
    try send(facts.beginStatements)
    do throws(MigrationFailure) {
      try body()
      try send("COMMIT")
    } catch {
      if connection.isUsable, connection.transactionStatus != .idle { try? send("ROLLBACK") }
      throw error
    }
  }
}
