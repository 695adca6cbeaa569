import LibPQ
import Migrations
import SQLText

/// Keeps account of a script without a transaction: each statement is on record before it runs and after it, so that
/// a run that is cut off is followed by one that knows where to go on.
final class StatementJournal {
  let table: ProgressTable
  let file: ResolvedMigration
  private let talk: MigrationTalk
  private let retries: StatementRetries
  private var plan: ResumePlan?
  /// What ran, to be recorded as done together with the start of the next.
  private var pending: ResumePlan.Row?
  /// The table cannot be written: the script runs without account.
  private var isOff = false
  /// How many statements the script has.
  private var count = 0
  /// The statement under way.
  private var current: (ScriptStatement, Int)?
  /// It kept the script from going on; nothing of it ran.
  private(set) var hasRefused = false
  /// Whether there are rows to forget when the migration is applied.
  private(set) var hasRows = false

  init(
    _ table: ProgressTable, _ file: ResolvedMigration, _ talk: MigrationTalk, _ retries: StatementRetries
  ) {
    self.table = table
    self.file = file
    self.talk = talk
    self.retries = retries
  }

  /// Finds out where to go on. Must come before ``begin(_:_:)``.
  /// - Returns: whether a run before left something, so that `--resume-at` has a meaning.
  func open(_ source: ScriptSource, resumeAt: Int?) throws(MigrationFailure) -> Bool {
    let rows: [ResumePlan.Row]
    do throws(ServerError) {
      if try !table.exists() { try table.create() }
      rows = try table.rows(of: file.script)
    } catch {
      switchOff(error)
      return false
    }
    guard !rows.isEmpty else {
      guard resumeAt == nil else {
        hasRefused = true
        throw MigrationFailure(
          Failure(
            "\(LocalPath.name(of: file.absolutePath)) was not cut off: there is nothing to resume",
            hint: "migrate without --resume-at"))
      }
      return false
    }
    hasRows = true
    var hashes: [Int64] = []
    var places: [Int] = []
    try source.look { (piece) throws(MigrationFailure) in
      guard case .statement(let statement) = piece else { return }
      hashes.append(StatementHash.of(statement.text))
      places.append(statement.start.offset)
    }
    let plan: ResumePlan
    do throws(ResumeError) {
      plan = try ResumePlan(rows: rows, hashes: hashes, checksum: file.checksum, resumeAt: resumeAt)
    } catch {
      var failure = Failure(error.message, hint: error.hint)
      failure.place = Failure.Place(file: source.path)
      if case .changedStatement(let number) = error, number <= places.count,
        let (place, excerpt) = source.place(ofReplaced: places[number - 1])
      {
        failure.place = place
        failure.excerpt = excerpt
      }
      var result = MigrationFailure(
        failure, code: file.isRepeatable ? .failedRepeatableMigration : .failedVersionedMigration)
      result.isInMigration = true
      hasRefused = true
      throw result
    }
    self.plan = plan
    count = hashes.count
    let name = LocalPath.name(of: file.absolutePath)
    if plan.isAnew {
      talk.warn("\(name) has changed since a statement of it failed; it begins at its first statement again")
    } else if plan.first > hashes.count {
      talk.say("\(name): all statements have run; only its row is missing")
    }
    do throws(ServerError) {
      // What the plan does not stand on any more is forgotten.
      let from = plan.unknown == nil ? plan.first : plan.first + 1
      try table.connection.execute(table.removal(of: file.script, from: from))
    } catch {
      throw MigrationFailure(error)
    }
    return true
  }

  /// Records the start of a statement.
  /// - Returns: false when it has run already, in a run before.
  func begin(
    _ statement: ScriptStatement, _ number: Int, _ source: ScriptSource
  ) throws(MigrationFailure) -> Bool {
    current = nil
    if let plan {
      if number < plan.first { return Self.setsSession(statement) }
      if number == plan.first {
        if let unknown = plan.unknown, try isDone(statement, unknown, source) {
          pending = row(statement, number, .done)
          tell(number + 1)
          return false
        }
        if plan.hasFailed, case .indexBuild(let name, let table) = InterruptedStatement(statement) {
          // One that fails leaves an INVALID index, too; a valid one is another's.
          _ = try isBuilt(name, on: table, statement, source)
        }
        tell(number)
      }
    }
    guard !isOff else { return true }
    var rows = [row(statement, number, .started)]
    if let pending { rows.insert(pending, at: 0) }
    do throws(ServerError) {
      try table.write(rows, of: file.script)
      hasRows = true
      pending = nil
      current = (statement, number)
    } catch {
      if error.isConnectionLost { throw MigrationFailure(error) }
      switchOff(error)
    }
    return true
  }

  private func tell(_ next: Int) {
    guard next > 1, next <= count else { return }
    talk.say(
      "\(LocalPath.name(of: file.absolutePath)) goes on at statement \(next) of \(count); those before it have run"
        + " (to begin anew: --resume-at=1)")
  }

  /// The statement ran. It is written down with the start of the next, or by ``close()``.
  func end() {
    guard let (statement, number) = current else { return }
    current = nil
    pending = row(statement, number, .done)
  }

  /// Everything ran.
  func close() throws(MigrationFailure) {
    guard !isOff, let last = pending else { return }
    pending = nil
    do throws(ServerError) { try table.write([last], of: file.script) } catch {
      if error.isConnectionLost { throw MigrationFailure(error) }
      switchOff(error)
    }
  }

  /// The server refused the statement. One that may leave something behind all the same stays unknown.
  func fail() {
    let connection = table.connection
    guard let (statement, number) = current, connection.isUsable else { return }
    current = nil
    // What commits by itself may have done a part of its work.
    switch statement.keywords.first {
    case "CALL": return
    case "DO" where statement.string.lowercased().contains("commit"): return
    default: break  // an open set: the others did nothing, or leave what can be seen
    }
    if connection.transactionStatus == .failed { try? connection.execute("ROLLBACK") }
    try? table.write([row(statement, number, .failed)], of: file.script)
  }

  // MARK: - Helpers

  private func row(
    _ statement: ScriptStatement, _ number: Int, _ outcome: ResumePlan.Row.Outcome
  ) -> ResumePlan.Row {
    ResumePlan.Row(
      number: number, hash: StatementHash.of(statement.text), outcome: outcome, checksum: file.checksum)
  }

  /// A setting lives in the session, which is another one now.
  private static func setsSession(_ statement: ScriptStatement) -> Bool {
    guard let first = statement.keywords.first else { return false }
    let second = statement.keywords.count > 1 ? statement.keywords[1] : ""
    return first == "RESET" || first == "SET" && !["LOCAL", "TRANSACTION", "CONSTRAINTS"].contains(second)
  }

  /// Whether the statement in which a run before was cut off took effect.
  private func isDone(
    _ statement: ScriptStatement, _ row: ResumePlan.Row, _ source: ScriptSource
  ) throws(MigrationFailure) -> Bool {
    switch InterruptedStatement(statement) {
    case .transactionStart: return false
    case .transactionEnd: return true
    case .indexBuild(let name, let table): return try isBuilt(name, on: table, statement, source)
    case .indexDrop(let name):
      do throws(ServerError) {
        return try self.table.connection.query("SELECT pg_catalog.to_regclass($1)::text", [name]).first == nil
      } catch {
        throw MigrationFailure(error)
      }
    case .unknown(let check):
      hasRefused = true
      throw unknown(statement, row, source, check)
    }
  }

  private func isBuilt(
    _ name: String, on table: String, _ statement: ScriptStatement, _ source: ScriptSource
  ) throws(MigrationFailure) -> Bool {
    let index = ConcurrentIndex(connection: self.table.connection, name: name, table: table)
    let state: ConcurrentIndex.State
    do throws(ServerError) {
      state = try index.state()
      if case .invalid = state { try retries.drop(index) }
    } catch {
      throw MigrationFailure(error)
    }
    switch state {
    case .missing, .invalid: return false
    case .valid(let name):
      if plan?.unknown != nil { talk.say("index \(name) was built by the run that was cut off") }
      return true
    case .underConstruction(let name, let pid):
      hasRefused = true
      let failure = Failure(
        "index \(name) is being built at this moment, by pid \(pid)",
        hint: "migrate again when that has come to an end")
      throw refusal(failure, at: statement, source)
    }
  }

  private func unknown(
    _ statement: ScriptStatement, _ row: ResumePlan.Row, _ source: ScriptSource, _ check: String
  ) -> MigrationFailure {
    let name = LocalPath.name(of: file.absolutePath)
    let failure = Failure(
      "a run before was cut off in statement \(row.number) of \(name); whether it took effect is not known",
      detail: "it started at \(row.startedOn); the statements before it have run, those after it have not",
      hint: "check \(check); then say where to go on:\n--resume-at=\(row.number) to run it again,"
        + " --resume-at=\(row.number + 1) if it took effect")
    return refusal(failure, at: statement, source)
  }

  /// A failure that keeps the script from going on at a statement.
  private func refusal(
    _ reason: Failure, at statement: ScriptStatement, _ source: ScriptSource
  ) -> MigrationFailure {
    var failure = reason
    failure.place = Failure.Place(file: source.path, line: statement.start.line)
    if let (place, excerpt) = source.place(ofReplaced: statement.start.offset) {
      failure.place = place
      failure.excerpt = excerpt
    }
    var result = MigrationFailure(
      failure, code: file.isRepeatable ? .failedRepeatableMigration : .failedVersionedMigration)
    result.isInMigration = true
    result.line = statement.start.line
    result.path = source.absolutePath
    return result
  }

  private func switchOff(_ error: ServerError) {
    isOff = true
    talk.warn(
      "\(LocalPath.name(of: file.absolutePath)) runs without account of its statements (\(error.message));"
        + " if it is cut off, nobody will know where")
  }
}
