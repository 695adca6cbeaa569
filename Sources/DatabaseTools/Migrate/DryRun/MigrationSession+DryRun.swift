import LibPQ
import Migrations

extension MigrationSession {
  /// Opens the transaction that a dry run reads in: whatever would write is refused by the server.
  static func openReading(_ connection: Connection) throws(MigrationFailure) {
    do throws(ServerError) {
      try connection.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    } catch {
      throw MigrationFailure(error)
    }
  }

  /// `initSql` may set what names mean, so it is run; where it writes, it is only written down.
  static func tryInitSQL(_ sql: String, _ connection: Connection, _ talk: MigrationTalk)
    throws(MigrationFailure)
  {
    do throws(ServerError) {
      try connection.execute("SAVEPOINT init_sql")
      do throws(ServerError) { try connection.execute(sql) } catch {
        guard error.sqlState == "25006" else { throw error }
        try connection.execute("ROLLBACK TO SAVEPOINT init_sql")
        talk.warn(
          "initSql writes, so it is written down and not run: what it sets is not known to this dry run")
      }
    } catch {
      throw MigrationFailure(error)
    }
  }

  /// Writes an event's scripts down.
  /// - Parameter isAlone: each in a transaction of its own, unless it says otherwise.
  func write(_ event: CallbackEvent, isAlone: Bool, to script: DryRunScript) throws(MigrationFailure) {
    for file in files.callbacks[event] ?? [] {
      let config = try self.config(of: file)
      if !config.isExecuted { continue }
      let source = self.source(of: file, config)
      if isAlone {
        var transactional = false
        if !script.isInTransaction { transactional = try inspect(source, config) }
        if transactional { script.statement("BEGIN") }
        script.statement(facts.resetStatement)
        try script.script(source)
        if transactional { script.statement("COMMIT") }
      } else {
        try script.script(source)
      }
    }
  }

  /// Does what the machine asks for, or writes it down.
  func perform<Machine: StepMachine>(_ machine: Machine) -> Migrator.Outcome {
    if let dryRun { return DryRunner(session: self, script: dryRun).perform(machine) }
    var migrator = Migrator(self, lock)
    return migrator.perform(machine)
  }
}
