import Glibc
import LibPQ
import Migrations
import SQLText

/// Performs `migrate` and `undo`: does each step that a ``StepMachine`` asks for, and tells it what came of it.
struct Migrator {
  let session: MigrationSession
  let lock: MigrationLock
  /// The error that ended the run; a callback's replaces the one that called it.
  private var error: MigrationFailure?
  /// Why a turn is begun anew.
  private var reason = ""
  /// What the script that failed left.
  private var damage: Damage?
  /// What may be sent ahead of its answers. Only what reads answers, or must know, waits.
  private let queue: StatementQueue
  private var isInTransaction = false
  /// What the open transaction did to the history, to be told when it is committed.
  private var untold: [MigrationStep] = []
  /// The account of the script that runs without a transaction.
  private var journal: StatementJournal?
  /// The statement to go on at, until a script has taken it.
  private var resumeAt: Int?
  private let backendPID: Int32

  private enum Damage { case notStarted, rolledBack, committed, halfDone }

  init(_ session: MigrationSession, _ lock: MigrationLock) {
    self.session = session
    self.lock = lock
    queue = StatementQueue(session.connection, results: session.talk.results)
    resumeAt = session.settings.optional("resumeAt").flatMap { Int($0) }
    backendPID = session.connection.backendPID
  }

  /// What was done.
  struct Outcome {
    var applied: [AppliedMigration]
    var rolledBack: [AppliedMigration] = []
    var initialVersion: MigrationVersion?
    var error: MigrationFailure?
  }

  mutating func perform<Machine: StepMachine>(_ machine: Machine) -> Outcome {
    var run = machine
    var step = run.start()
    while true {
      if case .finished(let refused) = step {
        var failure = error ?? refused.map { MigrationFailure($0) }
        if let first = failure { failure = completed(first, run.applied) }
        if failure == nil, resumeAt != nil {
          session.talk.warn("--resume-at changed nothing: no script was cut off")
        }
        return Outcome(
          applied: run.applied, rolledBack: run.rolledBack, initialVersion: run.initialVersion, error: failure
        )
      }
      let started = Clock.milliseconds()
      do throws(MigrationFailure) {
        let result = try perform(step)
        step = run.next(result)
      } catch {
        if RetryRule.isWorthAnotherTry(sqlState: error.sqlState), !error.endedTransaction,
          let next = run.again()
        {
          damage = nil
          reason =
            (error.failure.place.map { $0.text + ": " } ?? "") + session.explanation(error.failure.what)
          step = next
          continue
        }
        let error = session.explained(error)
        // While tidying up only a callback has something to add.
        if self.error == nil || step.isCallback { self.error = error.after(self.error) }
        step = run.next(.failed(milliseconds: Clock.milliseconds() - started))
      }
    }
  }

  private mutating func perform(_ step: MigrationStep) throws(MigrationFailure) -> MigrationStepResult {
    switch step {
    case .callback(let event):
      try settle()
      try session.run(event)
    case .eachCallback(let event, _):
      if session.files.callbacks[event] == nil { break }
      try settle()
      try session.runInside(event)
    case .lock:
      try lock.take()
      // A lock that belongs to a transaction has opened it.
      isInTransaction = session.facts.isPooled
    case .readHistory: return .history(try session.history.rows())
    case .inspect(let file):
      do throws(MigrationFailure) {
        return .inspected(transactional: try session.inspect(session.source(of: file), file.config))
      } catch {
        damage = .notStarted
        throw Self.ofStatement(error, in: file)
      }
    case .resetSession: try add(session.facts.resetStatements)
    case .begin:
      if !isInTransaction { try add(session.facts.beginStatements) }
      isInTransaction = true
    case .run(let file, let transactional):
      let started = Clock.milliseconds()
      let guarding: GuardWatch
      do throws(MigrationFailure) { guarding = try execute(file, transactional) } catch {
        damage = !transactional ? .halfDone : error.endedTransaction ? .committed : .rolledBack
        if journal?.hasRefused == true { damage = nil }
        throw error
      }
      let time = Clock.milliseconds() - started
      return guarding.mayBeGone ? .ranAndMayHaveUnlocked(milliseconds: time) : .ran(milliseconds: time)
    case .record(let row):
      // The script may have left another role, or a search path without pg_catalog in front.
      let reset = row.success ? session.facts.resetStatements : []
      try add(reset + (row.success ? closingAccount() : []) + [session.history.insertion(row)])
      try recorded(row.success ? [step] : [])
    case .forget(let rows):
      try add(session.facts.resetStatements + closingAccount() + [session.history.deletion(rows)])
      try recorded([step])
    case .commit:
      try commit()
      isInTransaction = false
      tell()
    case .rollBack:
      isInTransaction = false
      untold = []
      try? settle()
      if session.connection.transactionStatus != .idle { try session.send("ROLLBACK") }
    case .unlock:
      try settle()
      // Nobody else of this history's is in the table while the lock is held.
      if !isInTransaction { try? session.progress.dropIfEmpty() }
      try lock.release()
    case .pause(let attempt):
      try session.ask { (_) throws(ServerError) in
        try session.pause(attempt, "\(reason); rolled back")
      }
    case .finished: break
    }
    return .done
  }

  /// When the connection is lost now, the database is asked what became of the transaction.
  private mutating func commit() throws(MigrationFailure) {
    do throws(MigrationFailure) {
      try add(session.facts.commitStatements)
      try settle()
    } catch {
      guard !session.connection.isUsable, let row = untold.compactMap(\.recorded).last else { throw error }
      let verdict = LostCommit(session.target, backendPID: backendPID, session.history).verdict(on: row)
      let told = MigrationFailure.lostAtCommit(error, row, verdict)
      guard case .committed = verdict else { throw told }
      // The step is done; the next one that needs the server ends the run with this.
      self.error = told
    }
  }

  /// What makes the side table forget the script that is recorded now.
  private func closingAccount() -> [String] {
    guard !isInTransaction, let journal, journal.hasRows else { return [] }
    return [journal.table.removal(of: journal.file.script)]
  }

  private func add(_ statements: [String]) throws(MigrationFailure) {
    do throws(StatementQueue.Refusal) {
      for statement in statements { try queue.add(statement) }
    } catch {
      throw MigrationFailure(error.error)
    }
  }

  private func settle() throws(MigrationFailure) {
    do throws(StatementQueue.Refusal) { try queue.settle() } catch { throw MigrationFailure(error.error) }
  }

  /// - Returns: what the script may have done to the lock and the history.
  private mutating func execute(
    _ file: ResolvedMigration, _ transactional: Bool
  ) throws(MigrationFailure) -> GuardWatch {
    var executor = ScriptExecutor(connection: session.connection)
    executor.results = session.talk.results
    executor.showsStatement = session.talk.showsStatements
    executor.watch = GuardWatch(historyTable: session.history.table)
    if transactional {
      executor.queue = queue
    } else {
      try settle()
      let retries = StatementRetries(session)
      let journal = StatementJournal(session.progress, file, session.talk, retries)
      self.journal = journal
      if try journal.open(session.source(of: file), resumeAt: resumeAt) { resumeAt = nil }
      executor.journal = journal
      executor.isTriedAgain = { (error, statement, attempt) throws(ServerError) in
        try retries.isTriedAgain(error, statement, attempt: attempt)
      }
      executor.damage = { [connection = session.connection] statement in
        guard case .indexBuild(let name, let table) = InterruptedStatement(statement) else { return nil }
        return ConcurrentIndex(connection: connection, name: name, table: table).damage
      }
    }
    let session = session
    let events: (before: CallbackEvent, after: CallbackEvent, failed: CallbackEvent) =
      file.type.isUndo
      ? (.beforeEachUndoStatement, .afterEachUndoStatement, .afterEachUndoStatementError)
      : (.beforeEachMigrateStatement, .afterEachMigrateStatement, .afterEachMigrateStatementError)
    if [events.before, events.after, events.failed].contains(where: { session.files.callbacks[$0] != nil }) {
      executor.aroundStatement = { (worked) throws(MigrationFailure) in
        try session.runInside(worked.map { $0 ? events.after : events.failed } ?? events.before)
      }
    }
    do throws(MigrationFailure) {
      try executor.run(
        session.source(of: file), as: "Failed to execute script \(LocalPath.name(of: file.absolutePath))")
    } catch {
      throw Self.ofStatement(error, in: file)
    }
    return executor.watch
  }

  /// What went into the history is told when it is committed.
  private mutating func recorded(_ steps: [MigrationStep]) throws(MigrationFailure) {
    if !isInTransaction { try settle() }
    untold += steps
    if !isInTransaction { tell() }
  }

  private mutating func tell() {
    for step in untold { tell(step) }
    untold = []
  }

  private func tell(_ step: MigrationStep) {
    switch step {
    case .record(let row) where row.success:
      let version = row.version.map { "version \($0.text)" } ?? "repeatable"
      let verb = row.type.isUndo ? "undid" : "applied"
      session.talk.say("\(verb) \(version)  \(row.description)  (\(SpentTime.text(row.executionTime)))")
    case .forget(let rows):
      guard let row = rows.last(where: { $0.version != nil }) else { return }
      session.talk.say("undid version \(row.version?.text ?? "")  \(row.description); its row is removed")
    default: break  // an open set: the rest is not worth a line
    }
  }

  /// A statement's failure as one of its migration; others stay as they are.
  private static func ofStatement(_ error: MigrationFailure, in file: ResolvedMigration) -> MigrationFailure {
    guard error.line != nil else { return error }
    var failure = error
    failure.isInMigration = true
    failure.code = file.isRepeatable ? .failedRepeatableMigration : .failedVersionedMigration
    failure.causes.insert(failure.message, at: 0)
    return failure
  }

  /// Adds what state things are in now.
  private func completed(_ error: MigrationFailure, _ applied: [AppliedMigration]) -> MigrationFailure {
    guard let damage else { return session.connection.isUsable ? error : lost(error) }
    let state =
      switch damage {
      case .notStarted: "Nothing of this migration was run."
      case .rolledBack: "Nothing was changed by this migration: it was rolled back."
      case .committed: "What the script committed itself stays; only what came after that was rolled back."
      case .halfDone:
        "What ran before this statement stays: the script has no transaction. migrate goes on with this statement;"
          + " undo the rest by hand and repair, and it begins anew."
      }
    let verb = applied.first?.file.type.isUndo == true ? "undone" : "applied"
    let before =
      switch applied.count {
      case 0: ""
      case 1: " The migration before it stays \(verb)."
      default: " The \(applied.count) migrations before it stay \(verb)."
      }
    var failure = error
    failure.failure.hint = failure.failure.hint.map { $0 + "\n" + state + before } ?? state + before
    return failure
  }
}

extension Migrator {
  /// The connection went between two scripts.
  private func lost(_ error: MigrationFailure) -> MigrationFailure {
    guard error.failure.hint == nil else { return error }
    var failure = error
    failure.failure.hint =
      "what is told above stays as it was told, and nothing is half done; run it again when the server is back"
    return failure
  }
}

extension MigrationFailure {
  /// A callback's failure that took the place of another. In the transaction that is aborted, it only happened because
  /// of that one.
  fileprivate func after(_ first: MigrationFailure?) -> MigrationFailure {
    guard let cause = first?.causes.last, failure.sqlState == "25P02" else { return self }
    var failure = self
    failure.causes.append(cause)
    failure.failure.related.append("the transaction is aborted because of: \(cause)")
    return failure
  }
}

extension MigrationStep {
  fileprivate var recorded: HistoryRow? {
    if case .record(let row) = self { row } else { nil }
  }

  fileprivate var isCallback: Bool {
    switch self {
    case .callback, .eachCallback: true
    case .lock, .readHistory, .inspect, .resetSession, .begin, .run, .record, .forget, .commit, .rollBack,
      .unlock,
      .pause, .finished:
      false
    }
  }
}

/// Time that only goes forward.
enum Clock {
  static func milliseconds() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
  }
}
