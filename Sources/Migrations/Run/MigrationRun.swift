/// `migrate`, as a machine: it says what to do next, is told what came of it, and knows how to leave things
/// clean when a step fails. It touches nothing itself.
///
/// It takes the lock, reads the history, and keeps the lock until nothing is pending: while it holds it no other
/// migrator writes, so the plan is made once and goes on by itself. Only after a script that may have let the
/// lock go, or changed the history, is it taken and read anew. One turn applies one migration, or a group's all;
/// the script and its history row are one transaction. Source: Flyway 13, `migrate` and the order of its callbacks
/// (Flyway takes the lock and reads the history for each migration).
package struct MigrationRun: StepMachine {
  package struct Policy: Sendable {
    package var plan = MigrationPlan.Policy()
    /// `cherryPick`: only these are applied, in this order; empty for all.
    package var picks: [CherryPick] = []
    /// All pending ones in one transaction.
    package var group = false
    package var mixed = false
    /// The lock belongs to the transaction of a turn, and ends with it: behind a pooler there is no session that
    /// could hold it.
    package var locksInTransaction = false
    /// How often a turn whose transaction did not get a lock is begun anew.
    package var retries = 0
    /// Rows are written, scripts are not run.
    package var skipExecuting = false
    /// A failed migration outside a transaction leaves a row with success=false.
    package var recordsFailures = false
    /// A single failed row of a version that only a newer program knows is no obstacle.
    package var ignoresFutureFailure = true
    package var installedBy = ""
    /// As messages show it, quoted.
    package var schema = "\"public\""

    package init() {}
  }

  private let resolved: [ResolvedMigration]
  private let policy: Policy
  private var phase = Phase.opening
  private var queue: [Task] = [.step(.callback(.beforeMigrate))]
  private var last: MigrationStep?

  private var history: [HistoryRow] = []
  /// What is pending, in order; nil: the history has to be asked.
  private var pending: ArraySlice<ResolvedMigration>?
  private var group: [ResolvedMigration] = []
  private var inspections: [Bool] = []
  private var current: ResolvedMigration?
  private var milliseconds = 0
  private var uncommitted: [AppliedMigration] = []
  private var isLocked = false
  private var isInTransaction = false
  private var hasToldVersioned = false
  /// The callbacks between versioned and repeatable are part of the open transaction.
  private var tellsVersionedInside = false
  private var attempts = 0
  private var ruleError: MigrationError?

  /// What has been applied and committed, in order.
  package private(set) var applied: [AppliedMigration] = []
  package private(set) var rolledBack: [AppliedMigration] = []
  /// The highest version before the first migration; nil on an empty schema.
  package private(set) var initialVersion: MigrationVersion?
  private var hasReadOnce = false

  /// What happens when the queue is empty.
  private enum Phase: Sendable {
    /// beforeMigrate has run. → `choosing`
    case opening
    /// The history is known and the lock held. → `applying`, or `closing` when nothing is pending.
    case choosing
    /// The scripts of this turn are inspected. → `turned`
    case applying
    /// The turn is over. → `choosing`, or `closing` after a group or the target `next`.
    case turned
    /// A turn has been rolled back, to be begun anew. → `choosing`
    case retrying
    /// The last callbacks run. → `ended`
    case closing
    /// Something failed, and what can be tidied is being tidied. → `ended`
    case failing
    case ended
  }

  /// A record's row is only known when its turn has come.
  private enum Task: Sendable {
    case step(MigrationStep)
    case record(ResolvedMigration, success: Bool)
    case start(ResolvedMigration)
  }

  package init(resolved: [ResolvedMigration], policy: Policy) {
    self.resolved = resolved
    self.policy = policy
  }

  /// The first step.
  package mutating func start() -> MigrationStep { take() }

  /// The next step, now that the last one has come to `result`. After `.finished` there is none.
  package mutating func next(_ result: MigrationStepResult) -> MigrationStep {
    switch result {
    case .done: completed()
    case .history(let rows): history = rows
    case .inspected(let transactional): inspections.append(transactional)
    case .ran(let time): milliseconds = time
    case .ranAndMayHaveUnlocked(let time):
      milliseconds = time
      pending = nil
    case .failed(let time):
      milliseconds = time
      failed()
    }
    return take()
  }

  /// As ``next(_:)`` when the last step failed because somebody else held a lock: the transaction is rolled back,
  /// and after a pause the whole turn is done again.
  /// - Returns: nil when that cannot be, or has been done often enough: then it is a failure.
  package mutating func again() -> MigrationStep? {
    guard phase == .turned, isInTransaction, attempts < policy.retries else { return nil }
    attempts += 1
    phase = .retrying
    current = nil
    pending = nil
    if tellsVersionedInside { hasToldVersioned = false }
    queue = [.step(.rollBack)]
    if isLocked, !policy.locksInTransaction { queue.append(.step(.unlock)) }
    queue.append(.step(.pause(attempt: attempts)))
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
      case .record(let file, let success): step = .record(row(for: file, success: success))
      case .start(let file):
        current = file
        milliseconds = 0
        continue
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
    case .unlock: isLocked = false
    case .begin: isInTransaction = true
    case .record(let row):
      history.append(row)
      if let file = current, row.success {
        uncommitted.append(AppliedMigration(file: file, milliseconds: milliseconds))
        current = nil
        if !isInTransaction { settle() }
      }
    case .commit:
      isInTransaction = false
      if policy.locksInTransaction { isLocked = false }
      settle()
    case .rollBack:
      isInTransaction = false
      if policy.locksInTransaction { isLocked = false }
      if phase == .failing { rolledBack = uncommitted }
      uncommitted = []
    case .callback(.afterVersioned): hasToldVersioned = true
    case .callback, .eachCallback, .readHistory, .inspect, .resetSession, .run, .forget, .pause, .finished,
      nil:
      break
    }
  }

  private mutating func settle() {
    applied += uncommitted
    uncommitted = []
    attempts = 0
  }

  // MARK: - Phases

  private mutating func advance() {
    switch phase {
    case .opening, .retrying: openTurn()
    case .choosing: choose()
    case .applying: apply()
    case .turned: turn()
    case .closing, .failing:
      phase = .ended
      queue = [.step(.finished(ruleError))]
    case .ended: queue = [.step(.finished(ruleError))]
    }
  }

  private mutating func openTurn() {
    phase = .choosing
    queue = [.step(.lock), .step(.readHistory)]
  }

  private mutating func turn() {
    if policy.group || policy.plan.target == .next {
      if !policy.locksInTransaction { queue = [.step(.unlock)] }
      close()
    } else if policy.locksInTransaction {
      // The lock went with its transaction.
      pending = nil
      openTurn()
    } else if pending == nil {
      openTurn()
      // The lock may have gone or not; two would be one too many.
      queue.insert(.step(.unlock), at: 0)
    } else {
      phase = .choosing
    }
  }

  private mutating func choose() {
    do throws(MigrationError) {
      let rest: ArraySlice<ResolvedMigration>
      if let pending { rest = pending } else { rest = try plan() }
      group = Array(policy.group ? rest : rest.prefix(1))
      pending = rest.dropFirst(group.count)
    } catch {
      return refuse(error)
    }
    guard !group.isEmpty else {
      queue = [.step(policy.locksInTransaction ? .commit : .unlock)]
      return close()
    }
    inspections = []
    phase = .applying
    queue = policy.skipExecuting ? [] : group.map { .step(.inspect($0)) }
  }

  /// What is pending by the history as it was read.
  private mutating func plan() throws(MigrationError) -> ArraySlice<ResolvedMigration> {
    var planning = policy.plan
    // What is listed behind a higher version is still to come.
    if hasReadOnce, !policy.picks.isEmpty { planning.outOfOrder = true }
    let plan = try MigrationPlan(resolved: resolved, applied: history, policy: planning)
    if !hasReadOnce {
      hasReadOnce = true
      initialVersion = plan.currentVersion
    }
    try refuseFailed(plan)
    if !policy.picks.isEmpty { return try CherryPick.chosen(policy.picks, of: plan)[...] }
    return plan.pending.compactMap(\.resolved)[...]
  }

  private func refuseFailed(_ plan: MigrationPlan) throws(MigrationError) {
    let failed = plan.failed
    guard let first = failed.first else { return }
    if failed.count == 1, first.state == .futureFailed, policy.ignoresFutureFailure { return }
    throw .failed(first, schema: policy.schema)
  }

  private mutating func apply() {
    phase = .turned
    let isTransactional = !inspections.contains(false)
    if !policy.mixed, let error = MigrationError.mixed(group, transactional: inspections) {
      return refuse(error)
    }
    tellsVersionedInside = false
    var steps: [Task] = []
    if isTransactional, !isInTransaction { steps.append(.step(.begin)) }
    for file in group {
      if file.isRepeatable, !hasToldVersioned {
        hasToldVersioned = true
        // They have transactions of their own, unless a group's is already open.
        let told: [Task] = [.step(.callback(.afterVersioned)), .step(.callback(.beforeRepeatables))]
        // A lock's transaction is open from the start.
        tellsVersionedInside = isTransactional && (file != group.first || isInTransaction)
        if file == group.first { steps = told + steps } else { steps += told }
      }
      steps.append(.start(file))
      if !policy.skipExecuting {
        steps += [
          .step(.resetSession), .step(.eachCallback(.beforeEachMigrate, file)),
          .step(.run(file, transactional: isTransactional)), .step(.eachCallback(.afterEachMigrate, file)),
        ]
      }
      steps.append(.record(file, success: true))
    }
    if isTransactional { steps.append(.step(.commit)) }
    queue = steps
  }

  private mutating func close() {
    phase = .closing
    if !hasToldVersioned { queue.append(.step(.callback(.afterVersioned))) }
    if !applied.isEmpty { queue.append(.step(.callback(.afterMigrateApplied))) }
    queue.append(.step(.callback(.afterMigrate)))
  }

  // MARK: - Failing

  private mutating func refuse(_ error: MigrationError) {
    ruleError = error
    failed()
  }

  private mutating func failed() {
    if phase == .failing || phase == .ended {
      // What fails while tidying changes nothing about what is left to tidy; but an error that a callback put
      // in the place of the script's leaves no failed row (Flyway 13).
      if case .eachCallback = last {
        queue.removeAll { if case .record = $0 { true } else { false } }
      }
      return
    }
    phase = .failing
    queue = []
    // Only a script that failed has an error to tell about, not the callbacks around it.
    if let current, case .run = last {
      queue.append(.step(.eachCallback(.afterEachMigrateError, current)))
      if !isInTransaction, policy.recordsFailures { queue.append(.record(current, success: false)) }
    }
    if isInTransaction { queue.append(.step(.rollBack)) }
    if isLocked, !policy.locksInTransaction { queue.append(.step(.unlock)) }
    switch last {
    case .callback(.beforeMigrate), .callback(.afterMigrateApplied), .callback(.afterMigrate): break
    default: queue.append(.step(.callback(.afterMigrateError)))  // an open set: all that lies between these
    }
  }

  private func row(for file: ResolvedMigration, success: Bool) -> HistoryRow {
    HistoryRow(
      of: file, version: file.version, behind: history, installedBy: policy.installedBy,
      executionTime: milliseconds, success: success)
  }
}
