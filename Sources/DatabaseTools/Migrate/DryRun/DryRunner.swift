import LibPQ
import Migrations

/// Walks a ``StepMachine`` without a change: each step's SQL goes into a ``DryRunScript``.
struct DryRunner {
  let session: MigrationSession
  let script: DryRunScript

  func perform<Machine: StepMachine>(_ machine: Machine) -> Migrator.Outcome {
    var run = machine
    var first: MigrationFailure?
    var step = run.start()
    while true {
      if case .finished(let refused) = step {
        return Migrator.Outcome(
          applied: run.applied, initialVersion: run.initialVersion,
          error: first ?? refused.map { MigrationFailure($0) })
      }
      do throws(MigrationFailure) { step = run.next(try perform(step)) } catch {
        if first == nil { first = error }
        step = run.next(.failed(milliseconds: 0))
      }
    }
  }

  private func perform(_ step: MigrationStep) throws(MigrationFailure) -> MigrationStepResult {
    switch step {
    case .callback(let event): try session.run(event)
    case .eachCallback(let event, _): try session.runInside(event)
    case .readHistory: return .history(try session.history.rows())
    case .inspect(let file):
      return .inspected(transactional: try session.inspect(session.source(of: file), file.config))
    case .resetSession: try session.send(session.facts.resetStatement)
    case .begin: try session.send("BEGIN")
    case .commit: try session.send("COMMIT")
    case .rollBack: if script.isInTransaction { try session.send("ROLLBACK") }
    case .run(let file, _):
      try script.script(session.source(of: file), around(file))
      return .ran(milliseconds: 0)
    case .record(let row):
      try session.send(session.facts.resetStatement)
      try session.ask { (_) throws(ServerError) in try session.history.insert(row) }
      let version = row.version.map { "version \($0.text)" } ?? "repeatable"
      session.talk.say("would \(row.type.isUndo ? "undo" : "apply") \(version)  \(row.description)")
    case .forget(let rows):
      try session.send(session.facts.resetStatement)
      try session.ask { (_) throws(ServerError) in try session.history.forget(rows) }
    case .lock, .unlock, .pause, .finished: break
    }
    return .done
  }

  private func around(_ file: ResolvedMigration) -> ((Bool?) throws(MigrationFailure) -> Void)? {
    let session = session
    let events: (before: CallbackEvent, after: CallbackEvent) =
      file.type.isUndo
      ? (.beforeEachUndoStatement, .afterEachUndoStatement)
      : (.beforeEachMigrateStatement, .afterEachMigrateStatement)
    guard session.files.callbacks[events.before] != nil || session.files.callbacks[events.after] != nil else {
      return nil
    }
    return { (worked) throws(MigrationFailure) in
      try session.runInside(worked == nil ? events.before : events.after)
    }
  }
}
