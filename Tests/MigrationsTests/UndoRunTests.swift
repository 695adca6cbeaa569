import Migrations
import Testing

/// Plays the performer: answers every step and writes down what was asked.
private struct Script {
  var rows: [HistoryRow]
  /// Steps that fail, by their short name.
  var failing: Set<String> = []
  /// Undo files that need no transaction, by description.
  var outside: Set<String> = []
  /// How often a step is short of a lock, by its short name.
  var locked: [String: Int] = [:]

  func play(_ policy: UndoRun.Policy = .init()) throws -> (steps: [String], run: UndoRun) {
    var run = UndoRun(
      undos: ["U1__a", "U2__b"].map { Make.file($0) }, resolved: ["V1__a", "V2__b"].map { Make.file($0) },
      policy: policy)
    var steps: [String] = []
    var locked = locked
    var committed = rows
    var open = rows
    var step = run.start()
    while steps.count < 200 {
      let name = Self.name(step)
      steps.append(name)
      if case .finished = step { break }
      if let count = locked[name], count > 0 {
        locked[name] = count - 1
        step = run.again() ?? run.next(.failed(milliseconds: 7))
        continue
      }
      switch step {
      case .record(let row): open.append(row)
      case .forget(let rows):
        open.removeAll { row in rows.contains { $0.installedRank == row.installedRank } }
      case .commit: committed = open
      case .rollBack: open = committed
      default: break  // an open set: the rest leaves the history alone
      }
      if failing.contains(name) {
        step = run.next(.failed(milliseconds: 7))
        continue
      }
      switch step {
      case .readHistory: step = run.next(.history(open))
      case .inspect(let file): step = run.next(.inspected(transactional: !outside.contains(file.description)))
      case .run: step = run.next(.ran(milliseconds: 5))
      default: step = run.next(.done)
      }
    }
    return (steps, run)
  }

  static func name(_ step: MigrationStep) -> String {
    switch step {
    case .callback(let event): event.rawValue
    case .eachCallback(let event, _): event.rawValue
    case .inspect(let file): "inspect \(file.script)"
    case .run(let file, _): "run \(file.script)"
    case .record(let row): "record \(row.installedRank) \(row.type.rawValue) \(row.success)"
    case .forget(let rows): "forget \(rows.map { String($0.installedRank) }.joined(separator: " "))"
    case .begin: "begin"
    case .commit: "commit"
    case .rollBack: "rollback"
    case .pause(let attempt): "pause \(attempt)"
    case .finished(let error): error.map { "finished: \($0.message)" } ?? "finished"
    default: "\(step)"
    }
  }
}

@Suite("An undo run, step by step")
struct UndoRunTests {
  private let two = [Make.row(1, "V1__a"), Make.row(2, "V2__b")]

  private func policy(target: String = "latest", _ change: (inout UndoRun.Policy) -> Void = { _ in }) throws
    -> UndoRun.Policy
  {
    var policy = UndoRun.Policy()
    policy.target = try MigrationTarget(target)
    change(&policy)
    return policy
  }

  @Test("script and row in one transaction, under the lock, between the callbacks")
  func one() throws {
    let (steps, run) = try Script(rows: two).play()
    #expect(
      steps == [
        "beforeUndo", "lock", "readHistory", "inspect U2__b.sql", "begin", "resetSession", "beforeEachUndo",
        "run U2__b.sql", "afterEachUndo", "record 3 UNDO_SQL true", "commit", "unlock", "afterUndo",
        "finished",
      ])
    #expect(run.applied.map(\.file.script) == ["U2__b.sql"])
    #expect(run.initialVersion?.text == "2")
  }

  @Test("each in a transaction of its own, looked over before the first one runs")
  func several() throws {
    let (steps, _) = try Script(rows: two, outside: ["b"]).play(try policy(target: "1"))
    #expect(
      steps.filter { !$0.contains("Each") && $0 != "resetSession" } == [
        "beforeUndo", "lock", "readHistory", "inspect U2__b.sql", "inspect U1__a.sql", "run U2__b.sql",
        "record 3 UNDO_SQL true", "begin", "run U1__a.sql", "record 4 UNDO_SQL true", "commit", "unlock",
        "afterUndo", "finished",
      ])
  }

  @Test("a group is one transaction")
  func group() throws {
    let (steps, _) = try Script(rows: two).play(try policy(target: "1") { $0.group = true })
    #expect(steps.filter { ["begin", "commit"].contains($0) } == ["begin", "commit"])
    let mixed = try Script(rows: two, outside: ["a"]).play(try policy(target: "1") { $0.group = true })
    #expect(mixed.steps.last?.contains("same migration group") == true)
    #expect(!mixed.steps.contains { $0.hasPrefix("run") })
  }

  @Test("the first failure ends it; what was undone before stays so")
  func failure() throws {
    let (steps, run) = try Script(rows: two, failing: ["run U1__a.sql"]).play(try policy(target: "1"))
    #expect(steps.suffix(5) == ["afterEachUndoError", "rollback", "unlock", "afterUndoError", "finished"])
    #expect(run.applied.map(\.file.script) == ["U2__b.sql"])
  }

  @Test("a failed script without a transaction leaves a failed row where failures are recorded")
  func failedRow() throws {
    let (steps, _) = try Script(rows: two, failing: ["run U2__b.sql"], outside: ["b"]).play(
      try policy { $0.recordsFailures = true })
    #expect(steps.contains("record 3 UNDO_SQL false"))
  }

  @Test("a failed migration has to be repaired first")
  func failedBefore() throws {
    let rows = two + [Make.row(3, "V3__c", success: false)]
    let (steps, _) = try Script(rows: rows).play()
    #expect(
      steps == [
        "beforeUndo", "lock", "readHistory", "unlock", "afterUndoError",
        "finished: Schema \"public\" contains a failed migration to version 3 !",
      ])
  }

  @Test("undoHistory=remove takes out the row, traces of earlier undoing, and repeatables that came later")
  func remove() throws {
    let rows =
      two + [
        Make.row(3, "U2__b"), Make.row(4, "R__before"), Make.row(5, "V2__b"), Make.row(6, "R__view"),
      ]
    let (steps, _) = try Script(rows: rows).play(try policy { $0.history = .remove })
    #expect(steps.contains("forget 2 3 5 6"))
    #expect(!steps.contains { $0.hasPrefix("record") })
  }

  @Test("short of a lock, rolls back and begins that migration anew, with our own lock kept")
  func again() throws {
    let (steps, run) = try Script(rows: two, locked: ["run U1__a.sql": 2]).play(
      try policy(target: "1") { $0.retries = 2 })
    let shown = steps.filter { !$0.contains("Each") && $0 != "resetSession" }
    let tried = ["begin", "run U1__a.sql", "rollback"]
    #expect(
      shown == [
        "beforeUndo", "lock", "readHistory", "inspect U2__b.sql", "inspect U1__a.sql", "begin",
        "run U2__b.sql",
        "record 3 UNDO_SQL true", "commit",
      ] + tried + ["pause 1", "readHistory"] + tried + ["pause 2", "readHistory"] + [
        "begin", "run U1__a.sql", "record 4 UNDO_SQL true", "commit", "unlock", "afterUndo", "finished",
      ])
    #expect(run.applied.map(\.file.script) == ["U2__b.sql", "U1__a.sql"])
  }

  @Test("short of a lock in a group, does all of it again; more often than allowed, fails")
  func groupAgain() throws {
    let grouped = try policy(target: "1") {
      $0.group = true
      $0.retries = 1
    }
    let (steps, run) = try Script(rows: two, locked: ["run U1__a.sql": 1]).play(grouped)
    #expect(steps.count { $0 == "run U2__b.sql" } == 2)
    #expect(run.applied.count == 2)
    let failed = try Script(rows: two, locked: ["run U1__a.sql": 2]).play(grouped)
    #expect(
      failed.steps.suffix(5) == ["afterEachUndoError", "rollback", "unlock", "afterUndoError", "finished"])
    #expect(failed.run.applied.isEmpty)
  }

  @Test("behind a pooler takes the lock and decides anew, as the lock went with the transaction")
  func pooledAgain() throws {
    let (steps, run) = try Script(rows: two, locked: ["run U2__b.sql": 1]).play(
      try policy {
        $0.group = true
        $0.locksInTransaction = true
        $0.retries = 1
      })
    #expect(
      steps.filter { ["lock", "rollback", "pause 1", "readHistory", "run U2__b.sql"].contains($0) } == [
        "lock", "readHistory", "run U2__b.sql", "rollback", "pause 1", "lock", "readHistory", "run U2__b.sql",
      ])
    #expect(run.applied.count == 1)
  }

  @Test("nothing to undo is no error")
  func nothing() throws {
    let (steps, run) = try Script(rows: []).play()
    #expect(steps == ["beforeUndo", "lock", "readHistory", "unlock", "afterUndo", "finished"])
    #expect(run.applied.isEmpty)
  }
}
