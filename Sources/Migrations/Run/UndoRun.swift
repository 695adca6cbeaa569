/// `undo`, as a machine with the steps of `migrate`. It touches nothing itself.
///
/// The lock is held from the first look at the history to the end, so that two calls undo two migrations and
/// never the same one twice. All scripts are looked over before the first one runs. Script and history row are
/// one transaction; one that did not get a lock is begun anew, and what was decided stays. Source: Flyway's manual,
/// `undo` and its callbacks.
package struct UndoRun: StepMachine {
  package struct Policy: Sendable {
    package var target = MigrationTarget.latest
    package var picks: [CherryPick] = []
    package var naming = NamingRules()
    /// All in one transaction.
    package var group = false
    package var mixed = false
    /// The lock belongs to the transaction, and ends with it: behind a pooler, where all is one group.
    package var locksInTransaction = false
    /// How often a transaction that did not get a lock is begun anew.
    package var retries = 0
    /// Rows are written, scripts are not run.
    package var skipExecuting = false
    /// A failed script outside a transaction leaves a row with success=false.
    package var recordsFailures = false
    package var history = UndoHistory.keep
    package var installedBy = ""
    /// As messages show it, quoted.
    package var schema = "\"public\""

    package init() {}
  }

  private let undos: [ResolvedMigration]
  private let resolved: [ResolvedMigration]
  private let policy: Policy
  private var phase = Phase.opening
  private var queue: [Task] = [.step(.callback(.beforeUndo)), .step(.lock), .step(.readHistory)]
  private var last: MigrationStep?

  private var history: [HistoryRow] = []
  private var steps: [UndoPlan.Step] = []
  private var inspections: [Bool] = []
  private var current: UndoPlan.Step?
  private var milliseconds = 0
  private var uncommitted: [AppliedMigration] = []
  private var isLocked = false
  private var isInTransaction = false
  private var attempts = 0
  private var ruleError: MigrationError?

  package private(set) var applied: [AppliedMigration] = []
  package private(set) var initialVersion: MigrationVersion?

  /// What happens when the queue is empty.
  private enum Phase: Sendable {
    /// beforeUndo has run, the lock is held, the history is read. → `running`, `closing` when there is nothing
    case opening
    /// The scripts are inspected, or a transaction was rolled back to be begun anew. → `closing`
    case running
    /// Everything is undone. → `ended`
    case closing
    /// Something failed, and what can be tidied is being tidied. → `ended`
    case failing
    case ended
  }

  /// What a row says is only known when its turn has come.
  private enum Task: Sendable {
    case step(MigrationStep)
    case start(UndoPlan.Step)
    case record(UndoPlan.Step, success: Bool)
  }

  package init(undos: [ResolvedMigration], resolved: [ResolvedMigration], policy: Policy) {
    self.undos = undos
    self.resolved = resolved
    self.policy = policy
  }

  package mutating func start() -> MigrationStep { take() }

  package mutating func next(_ result: MigrationStepResult) -> MigrationStep {
    switch result {
    case .done: completed()
    case .history(let rows): history = rows
    case .inspected(let transactional): inspections.append(transactional)
    // What is to be undone was decided at the start; nothing is read again.
    case .ran(let time), .ranAndMayHaveUnlocked(let time): milliseconds = time
    case .failed(let time):
      milliseconds = time
      failed()
    }
    return take()
  }

  /// As ``next(_:)`` when the last step failed because somebody else held a lock: the transaction is rolled back,
  /// and after a pause begun anew. Our own lock is kept meanwhile, unless it went with the transaction.
  /// - Returns: nil when that cannot be, or has been done often enough: then it is a failure.
  package mutating func again() -> MigrationStep? {
    guard phase == .closing, isInTransaction, attempts < policy.retries else { return nil }
    attempts += 1
    current = nil
    queue = [.step(.rollBack), .step(.pause(attempt: attempts))]
    if policy.locksInTransaction {
      phase = .opening
      inspections = []
      queue.append(.step(.lock))
    } else {
      phase = .running
    }
    queue.append(.step(.readHistory))
    return take()
  }

  private mutating func take() -> MigrationStep {
    while true {
      guard !queue.isEmpty else {
        advance()
        continue
      }
      let step: MigrationStep
      switch queue.removeFirst() {
      case .step(let next): step = next
      case .start(let next):
        current = next
        milliseconds = 0
        continue
      case .record(let done, let success):
        step =
          policy.history == .remove && success
          ? .forget(rowsStanding(on: done.row)) : .record(row(for: done, success: success))
      }
      last = step
      return step
    }
  }

  private mutating func completed() {
    switch last {
    case .lock:
      isLocked = true
      if policy.locksInTransaction { isInTransaction = true }
    case .unlock:
      isLocked = false
      if policy.locksInTransaction { isInTransaction = false }
    case .begin: isInTransaction = true
    case .record(let row):
      history.append(row)
      if row.success { undone() }
    case .forget(let rows):
      let ranks = Set(rows.map(\.installedRank))
      history.removeAll { ranks.contains($0.installedRank) }
      undone()
    case .commit:
      isInTransaction = false
      settle()
    case .rollBack:
      isInTransaction = false
      if policy.locksInTransaction { isLocked = false }
      uncommitted = []
    default: break  // an open set: steps that change nothing that is kept here
    }
  }

  private mutating func undone() {
    guard let step = current else { return }
    uncommitted.append(AppliedMigration(file: step.file, milliseconds: milliseconds))
    current = nil
    if !isInTransaction { settle() }
  }

  private mutating func settle() {
    applied += uncommitted
    uncommitted = []
    attempts = 0
  }

  // MARK: - Phases

  private mutating func advance() {
    switch phase {
    case .opening: choose()
    case .running: run()
    case .closing, .failing, .ended:
      phase = .ended
      queue = [.step(.finished(ruleError))]
    }
  }

  private mutating func choose() {
    do throws(MigrationError) {
      let plan = try MigrationPlan(resolved: resolved, applied: history)
      initialVersion = plan.currentVersion
      if let failed = plan.failed.first { throw .failed(failed, schema: policy.schema) }
      steps = try UndoPlan(
        undos: undos, resolved: resolved, applied: history, target: policy.target, picks: policy.picks,
        naming: policy.naming
      ).steps
    } catch {
      return refuse(error)
    }
    phase = .running
    queue = policy.skipExecuting ? [] : steps.map { .step(.inspect($0.file)) }
  }

  private mutating func run() {
    phase = .closing
    let kinds = policy.skipExecuting ? steps.map { _ in true } : inspections
    let rest = zip(steps, kinds).dropFirst(applied.count)
    if policy.group, !policy.mixed, let error = MigrationError.mixed(steps.map(\.file), transactional: kinds)
    {
      return refuse(error)
    }
    let isOne = policy.group && !kinds.contains(false) && !steps.isEmpty
    if isOne { queue.append(.step(.begin)) }
    for (step, kind) in rest {
      let isTransactional = policy.group ? isOne : kind
      if isTransactional, !isOne { queue.append(.step(.begin)) }
      queue.append(.start(step))
      if !policy.skipExecuting {
        queue += [
          .step(.resetSession), .step(.eachCallback(.beforeEachUndo, step.file)),
          .step(.run(step.file, transactional: isTransactional)),
          .step(.eachCallback(.afterEachUndo, step.file)),
        ]
      }
      queue.append(.record(step, success: true))
      if isTransactional, !isOne { queue.append(.step(.commit)) }
    }
    if isOne { queue.append(.step(.commit)) }
    queue += [.step(.unlock), .step(.callback(.afterUndo))]
  }

  // MARK: - Failing

  private mutating func refuse(_ error: MigrationError) {
    ruleError = error
    failed()
  }

  private mutating func failed() {
    // What fails while tidying changes nothing about what is left to tidy.
    if phase == .failing || phase == .ended { return }
    phase = .failing
    queue = []
    if let current {
      queue.append(.step(.eachCallback(.afterEachUndoError, current.file)))
      if !isInTransaction, policy.recordsFailures { queue.append(.record(current, success: false)) }
    }
    if isInTransaction { queue.append(.step(.rollBack)) }
    if isLocked { queue.append(.step(.unlock)) }
    queue.append(.step(.callback(.afterUndoError)))
  }

  // MARK: - Rows

  private func row(for step: UndoPlan.Step, success: Bool) -> HistoryRow {
    HistoryRow(
      of: step.file, version: step.row.version, behind: history, installedBy: policy.installedBy,
      executionTime: milliseconds, success: success)
  }

  /// What `--undo-history=remove` takes out: the migration's row, what earlier undoing of the same version left,
  /// and every row of the repeatables that were run after it, so that the next `migrate` runs them again.
  private func rowsStanding(on row: HistoryRow) -> [HistoryRow] {
    let isRepeatable = { (other: HistoryRow) in other.version == nil && !other.type.isSynthetic }
    let shaken = Set(
      history.filter { isRepeatable($0) && $0.installedRank > row.installedRank }.map(\.description))
    let undone = (try? AppliedHistory(history).isUndone) ?? history.map { _ in false }
    return zip(history, undone).filter { other, isUndone in
      if other.installedRank == row.installedRank { return true }
      if isRepeatable(other) { return shaken.contains(other.description) }
      return other.version == row.version && (other.type.isUndo || isUndone)
    }.map(\.0)
  }
}

/// What `undo` leaves in the history: `undoHistory`.
package enum UndoHistory: String, Sendable, CaseIterable {
  /// A row of type UNDO_SQL, as Flyway's paid editions write it; its community edition then refuses the history.
  case keep
  /// The row of the migration goes, as if it had never been applied.
  case remove
}
