import Migrations
import Testing

/// Plays the performer; each named step is short of a lock so many times.
private struct Performer {
  var locked: [String: Int]

  mutating func play(_ files: [String], _ policy: MigrationRun.Policy) throws -> (
    steps: [String], run: MigrationRun
  ) {
    var run = MigrationRun(
      resolved: try ResolvedMigration.ordered(files.map { Make.file($0) }), policy: policy)
    var rows: [HistoryRow] = []
    var open: [HistoryRow] = []
    var steps: [String] = []
    var step = run.start()
    while steps.count < 200 {
      let name = Self.name(step)
      steps.append(name)
      if case .finished = step { break }
      if let count = locked[name], count > 0 {
        locked[name] = count - 1
        step = run.again() ?? run.next(.failed(milliseconds: 1))
        continue
      }
      switch step {
      case .readHistory: step = run.next(.history(rows))
      case .inspect: step = run.next(.inspected(transactional: true))
      case .run: step = run.next(.ran(milliseconds: 1))
      case .record(let row):
        open.append(row)
        step = run.next(.done)
      case .commit:
        rows += open
        open = []
        step = run.next(.done)
      case .rollBack:
        open = []
        step = run.next(.done)
      default: step = run.next(.done)
      }
    }
    return (steps, run)
  }

  static func name(_ step: MigrationStep) -> String {
    switch step {
    case .lock: "lock"
    case .unlock: "unlock"
    case .begin: "begin"
    case .commit: "commit"
    case .rollBack: "rollback"
    case .pause(let attempt): "pause \(attempt)"
    case .run(let file, _): "run \(file.description)"
    case .callback(let event): event.rawValue
    case .finished(let error): error.map { "finished: \($0.message)" } ?? "finished"
    default: "-"
    }
  }
}

@Suite("A migrate run that is short of a lock")
struct RunRetryTests {
  private func policy(retries: Int, pooled: Bool = false) -> MigrationRun.Policy {
    var policy = MigrationRun.Policy()
    policy.retries = retries
    policy.locksInTransaction = pooled
    return policy
  }

  private func steps(
    _ files: [String], _ policy: MigrationRun.Policy, locked: [String: Int] = [:]
  ) throws -> [String] {
    var performer = Performer(locked: locked)
    let names = ["lock", "unlock", "begin", "commit", "rollback", "pause", "run", "finished"]
    return try performer.play(files, policy).steps.filter { step in names.contains { step.hasPrefix($0) } }
  }

  @Test("rolls back, frees the migration lock, waits, and begins the turn anew")
  func again() throws {
    let found = try steps(["V1__a"], policy(retries: 3), locked: ["run a": 2])
    #expect(
      found.prefix(17) == [
        "lock", "begin", "run a", "rollback", "unlock", "pause 1",
        "lock", "begin", "run a", "rollback", "unlock", "pause 2",
        "lock", "begin", "run a", "commit", "unlock",
      ])
    #expect(found.last == "finished")
  }

  @Test("fails when it has been tried often enough, and not at all later than that")
  func enough() throws {
    var performer = Performer(locked: ["run a": 9])
    let (steps, run) = try performer.play(["V1__a"], policy(retries: 2))
    #expect(steps.count { $0 == "run a" } == 3)
    #expect(steps.contains("afterMigrateError"))
    #expect(run.applied.isEmpty)
  }

  @Test("counts its tries for each migration")
  func eachItsOwn() throws {
    var performer = Performer(locked: ["run a": 2, "run b": 2])
    let (_, run) = try performer.play(["V1__a", "V2__b"], policy(retries: 2))
    #expect(run.applied.map(\.file.description) == ["a", "b"])
  }

  @Test("is not tried again by default, nor while there is no transaction")
  func off() throws {
    let off = try steps(["V1__a"], policy(retries: 0), locked: ["run a": 1])
    #expect(!off.contains { $0.hasPrefix("pause") })
    let early = try steps(["V1__a"], policy(retries: 5), locked: ["lock": 1])
    #expect(!early.contains { $0.hasPrefix("pause") })
  }

  @Test(
    "tells again between versioned and repeatable in a group, whose first telling was rolled back with it")
  func group() throws {
    var grouped = policy(retries: 1)
    grouped.group = true
    var performer = Performer(locked: ["run r": 1])
    let (steps, run) = try performer.play(["V1__a", "R__r"], grouped)
    #expect(steps.count { $0 == "afterVersioned" } == 2)
    #expect(run.applied.count == 2)
  }

  @Test("behind a pooler has lock, script and row in one transaction, and no unlock")
  func pooled() throws {
    let found = try steps(["V1__a", "V2__b"], policy(retries: 1, pooled: true), locked: ["run b": 1])
    #expect(
      found == [
        "lock", "run a", "commit", "lock", "run b", "rollback", "pause 1", "lock", "run b", "commit",
        "lock", "commit", "finished",
      ])
  }
}
