import Migrations
import Testing

/// Plays the performer: answers every step and writes down what was asked.
private struct Script {
  var rows: [HistoryRow] = []
  /// Steps that fail, by their short name.
  var failing: Set<String> = []
  /// Files that need no transaction, by name.
  var outside: Set<String> = []
  /// Files whose script may let the lock go, by name.
  var unlocking: Set<String> = []

  func play(_ files: [String], _ policy: MigrationRun.Policy = .init()) throws -> (
    steps: [String], run: MigrationRun
  ) {
    var run = MigrationRun(
      resolved: try ResolvedMigration.ordered(files.map { Make.file($0) }), policy: policy)
    var rows = rows
    var steps: [String] = []
    var step = run.start()
    while steps.count < 200 {
      let name = Self.name(step)
      steps.append(name)
      if case .finished = step { break }
      if failing.contains(name) {
        step = run.next(.failed(milliseconds: 7))
        continue
      }
      switch step {
      case .readHistory: step = run.next(.history(rows))
      case .inspect(let file): step = run.next(.inspected(transactional: !outside.contains(file.description)))
      case .run(let file, _):
        let lets = unlocking.contains(file.description)
        step = run.next(lets ? .ranAndMayHaveUnlocked(milliseconds: 5) : .ran(milliseconds: 5))
      case .record(let row):
        rows.append(row)
        step = run.next(.done)
      default: step = run.next(.done)
      }
    }
    return (steps, run)
  }

  static func name(_ step: MigrationStep) -> String {
    switch step {
    case .callback(let event): event.rawValue
    case .eachCallback(let event, _): event.rawValue
    case .lock: "lock"
    case .readHistory: "read"
    case .inspect(let file): "inspect \(file.description)"
    case .resetSession: "reset"
    case .begin: "begin"
    case .run(let file, _): "run \(file.description)"
    case .record(let row): "record \(row.installedRank) \(row.description)\(row.success ? "" : " failed")"
    case .forget(let rows): "forget \(rows.map { String($0.installedRank) }.joined(separator: " "))"
    case .commit: "commit"
    case .rollBack: "rollback"
    case .unlock: "unlock"
    case .pause(let attempt): "pause \(attempt)"
    case .finished(let error): error.map { "finished: \($0.message)" } ?? "finished"
    }
  }
}

@Suite("A migrate run, step by step")
struct RunTests {
  @Test("does nothing but ask when nothing is pending")
  func nothing() throws {
    let (steps, run) = try Script(rows: [Make.row(1, "V1__a")]).play(["V1__a"])
    #expect(
      steps == ["beforeMigrate", "lock", "read", "unlock", "afterVersioned", "afterMigrate", "finished"])
    #expect(run.applied.isEmpty)
    #expect(run.initialVersion?.text == "1")
  }

  @Test("puts a script and its row into one transaction, and holds the lock from the first to the last")
  func one() throws {
    let (steps, run) = try Script().play(["V1__a", "V2__b"])
    #expect(
      steps == [
        "beforeMigrate",
        "lock", "read", "inspect a", "begin", "reset", "beforeEachMigrate", "run a", "afterEachMigrate",
        "record 1 a",
        "commit",
        "inspect b", "begin", "reset", "beforeEachMigrate", "run b", "afterEachMigrate",
        "record 2 b",
        "commit",
        "unlock", "afterVersioned", "afterMigrateApplied", "afterMigrate", "finished",
      ])
    #expect(run.applied.map(\.milliseconds) == [5, 5])
  }

  @Test("takes the lock and reads the history anew after a script that may have let it go")
  func unlocked() throws {
    let (steps, run) = try Script(unlocking: ["a"]).play(["V1__a", "V2__b"])
    #expect(
      steps.filter { ["lock", "unlock", "read"].contains($0) || $0.hasPrefix("run") }
        == ["lock", "read", "run a", "unlock", "lock", "read", "run b", "unlock"])
    #expect(run.applied.count == 2)
  }

  @Test("tells before the first repeatable that the versions are done")
  func repeatables() throws {
    let (steps, _) = try Script().play(["R__r", "R__s", "V1__a"])
    let told = steps.filter { $0 == "afterVersioned" || $0 == "beforeRepeatables" || $0.hasPrefix("run ") }
    #expect(told == ["run a", "afterVersioned", "beforeRepeatables", "run r", "run s"])
  }

  @Test("rolls back what fails, frees the lock, and stops")
  func failure() throws {
    let (steps, run) = try Script(failing: ["run b"]).play(["V1__a", "V2__b", "V3__c"])
    #expect(
      steps.suffix(6) == [
        "run b", "afterEachMigrateError", "rollback", "unlock", "afterMigrateError", "finished",
      ])
    #expect(run.applied.map(\.file.description) == ["a"])
  }

  @Test("remembers of a group that failed what ran and was rolled back")
  func rolledBack() throws {
    var policy = MigrationRun.Policy()
    policy.group = true
    let (_, run) = try Script(failing: ["run c"]).play(["V1__a", "V2__b", "V3__c"], policy)
    #expect(run.rolledBack.map(\.file.description) == ["a", "b"])
    #expect(run.applied.isEmpty)
    #expect(try Script(failing: ["run b"]).play(["V1__a", "V2__b"]).run.rolledBack.isEmpty)
  }

  @Test("leaves a failed row only outside a transaction, and only when asked to")
  func failedRow() throws {
    let script = Script(failing: ["run a"], outside: ["a"])
    #expect(try !script.play(["V1__a"]).steps.contains("record 1 a failed"))
    var policy = MigrationRun.Policy()
    policy.recordsFailures = true
    #expect(
      try script.play(["V1__a"], policy).steps.suffix(6)
        == ["run a", "afterEachMigrateError", "record 1 a failed", "unlock", "afterMigrateError", "finished"])
    #expect(try !Script(failing: ["run a"]).play(["V1__a"], policy).steps.contains("record 1 a failed"))
  }

  @Test("tells an error of the script to its callbacks, an error of a callback beside it to none")
  func failingCallbacks() throws {
    let before = try Script(failing: ["beforeEachMigrate"]).play(["V1__a"]).steps
    #expect(before.suffix(4) == ["rollback", "unlock", "afterMigrateError", "finished"])
    #expect(!before.contains("afterEachMigrateError"))
    for event in ["beforeMigrate", "afterMigrateApplied", "afterMigrate"] {
      #expect(try !Script(failing: [event]).play(["V1__a"]).steps.contains("afterMigrateError"))
    }
    #expect(try Script(failing: ["afterVersioned"]).play(["V1__a"]).steps.contains("afterMigrateError"))
  }

  @Test("leaves no failed row when a callback's error takes the place of the script's")
  func replacedError() throws {
    var policy = MigrationRun.Policy()
    policy.recordsFailures = true
    let script = Script(failing: ["run a", "afterEachMigrateError"], outside: ["a"])
    #expect(
      try script.play(["V1__a"], policy).steps.suffix(5)
        == ["run a", "afterEachMigrateError", "unlock", "afterMigrateError", "finished"])
  }

  @Test("applies a group in one transaction, all or nothing")
  func group() throws {
    var policy = MigrationRun.Policy()
    policy.group = true
    let (steps, run) = try Script().play(["V1__a", "V2__b"], policy)
    #expect(steps.filter { $0 == "begin" || $0 == "commit" || $0 == "lock" } == ["lock", "begin", "commit"])
    #expect(run.applied.count == 2)
    #expect(try Script(failing: ["run b"]).play(["V1__a", "V2__b"], policy).run.applied.isEmpty)
  }

  @Test("refuses a group of both kinds, unless mixed is set")
  func mixedGroup() throws {
    var policy = MigrationRun.Policy()
    policy.group = true
    let script = Script(outside: ["vac"])
    let refused = try script.play(["V3__c", "V4__vac"], policy).steps
    #expect(refused.last?.hasSuffix("First offending migration: \"4 vac\" [non-transactional]") == true)
    #expect(refused.contains("unlock"))
    policy.mixed = true
    #expect(try !script.play(["V3__c", "V4__vac"], policy).steps.contains("begin"))
  }

  @Test("refuses to go on after a failed row")
  func failedBefore() throws {
    let rows = [Make.row(1, "V4__bad", success: false)]
    #expect(
      try Script(rows: rows).play(["V4__bad", "V5__x"]).steps.suffix(3)
        == [
          "unlock", "afterMigrateError",
          "finished: Schema \"public\" contains a failed migration to version 4 !",
        ])
  }

  @Test("applies one migration for the target next")
  func next() throws {
    var policy = MigrationRun.Policy()
    policy.plan.target = .next
    #expect(try Script().play(["V1__a", "V2__b"], policy).run.applied.map(\.file.description) == ["a"])
  }

  @Test("writes rows without running anything when it is told to skip")
  func skipping() throws {
    var policy = MigrationRun.Policy()
    policy.skipExecuting = true
    let (steps, run) = try Script().play(["V1__a"], policy)
    #expect(steps.contains("record 1 a") && !steps.contains("run a") && !steps.contains("inspect a"))
    #expect(run.applied.count == 1)
  }

  @Test("continues with the rank after the last one, gaps or not")
  func ranks() throws {
    let steps = try Script(rows: [Make.row(7, "V1__a")]).play(["V1__a", "V2__b"]).steps
    #expect(steps.contains("record 8 b"))
  }
}
