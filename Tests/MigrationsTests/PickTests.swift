import Migrations
import Testing

@Suite("cherryPick") struct PickTests {
  private let files = ["V1__a", "V2__b_two", "V3__c", "R__view"].map { Make.file($0) }

  /// The scripts that a run applies, and the error it ends with.
  private func run(_ picks: [String], _ rows: [HistoryRow] = []) throws -> [String] {
    var policy = MigrationRun.Policy()
    policy.picks = CherryPick.list(picks)
    var run = MigrationRun(resolved: try ResolvedMigration.ordered(files), policy: policy)
    var steps: [String] = []
    var step = run.start()
    while steps.count < 99 {
      switch step {
      case .readHistory: step = run.next(.history(rows))
      case .inspect: step = run.next(.inspected(transactional: true))
      case .run(let file, _):
        steps.append(file.script)
        step = run.next(.ran(milliseconds: 1))
      case .finished(let error): return steps + (error.map { [$0.message] } ?? [])
      default: step = run.next(.done)
      }
    }
    return steps
  }

  @Test("applies what is listed, in the order of the list, by version or description")
  func order() throws {
    #expect(try run(["3", "view", "1.0"]) == ["V3__c.sql", "R__view.sql", "V1__a.sql"])
    #expect(try run(["b_two"]) == ["V2__b_two.sql"])
    #expect(try run(["view", "view"]) == ["R__view.sql"])
  }

  @Test("passes over what is applied already, and refuses what it does not know or what has to wait")
  func refused() throws {
    #expect(try run(["1", "2"], [Make.row(1, "V1__a")]) == ["V2__b_two.sql"])
    #expect(try run(["9"]) == ["cherryPick names no migration: 9"])
    #expect(
      try run(["2"], [Make.row(1, "V3__c")])
        == ["cherryPick names a migration that is not pending but Ignored: 2"])
  }
}

@Suite("Which lines info shows") struct InfoFilterTests {
  private func lines(_ options: [String: String]) throws -> [String] {
    var values = SettingValues()
    for (name, value) in options { #expect(try values.set(checking: name, to: value)) }
    var rows = [Make.row(1, "V1__a"), Make.row(2, "V2__b"), Make.row(3, "R__view")]
    rows[0].installedOnLocal = "2020-11-30 12:59:00"
    rows[1].installedOnLocal = "2020-12-01 13:00:30"
    rows[2].installedOnLocal = "2021-01-05 08:00:00"
    let plan = try Make.plan(
      ["V1__a", "V2__b", "V3__c", "R__view"].map { Make.file($0) }, rows,
      undos: [Make.file("U1__a")])
    return try InfoFilter(MigrationSettings(values)).lines(of: plan).map {
      ($0.version?.text ?? $0.description) + " " + $0.state.rawValue
    }
  }

  @Test("since a date: those applied after it, and those not applied")
  func since() throws {
    #expect(
      try lines(["infoSinceDate": "01/12/2020 13:00"]) == ["2 Success", "view Success", "3 Pending"])
    #expect(try lines(["infoUntilDate": "01/12/2020 13:00"]) == ["1 Success"])
  }

  @Test("since a version: it, what is above, and repeatables; until a version: it and what is below")
  func versions() throws {
    #expect(try lines(["infoSinceVersion": "2"]) == ["2 Success", "view Success", "3 Pending"])
    #expect(try lines(["infoUntilVersion": "2"]) == ["1 Success", "2 Success"])
  }

  @Test("of states, by Flyway's names or those of the table, in any case")
  func states() throws {
    #expect(try lines(["infoOfState": "pending, Out_Of_Order"]) == ["3 Pending"])
    #expect(try lines(["infoOfState": "out of order"]) == [])
    #expect(try lines(["infoOfState": "available"]) == ["1 Available"])
    #expect(try lines([:]).count == 4)
  }

  @Test("a date or state that cannot be read is refused")
  func unreadable() {
    for (name, value, code) in [
      ("infoSinceDate", "2020-12-01", ErrorCode.error), ("infoUntilDate", "32/12/2020 13:00", .error),
      ("infoOfState", "nosuch", .fault),
    ] {
      let error = #expect(throws: MigrationError.self) { try lines([name: value]) }
      #expect(error?.code == code)
      #expect(error?.message.hasPrefix("'\(value)' is ") == true)
    }
  }
}

@Suite("What repair says before it acts") struct RepairTextTests {
  @Test("a line for each row, the old value and the new one")
  func lines() throws {
    let rows = [
      Make.row(1, "V1__a"), Make.row(2, "V2__gone"), Make.row(3, "V3__bad", success: false),
      Make.row(4, "V4__d"),
    ]
    let plan = try RepairPlan(
      resolved: [Make.file("V1__renamed", sum: 5), Make.file("V4__d")], applied: rows,
      ignoring: IgnorePatterns([]), installedBy: "app")
    #expect(
      plan.lines == [
        "row 3, version 3 (bad): failed; it is removed",
        "version 2 (gone): its file is gone; row 5 marks it as deleted",
        "row 1, version 1 (a): checksum 1 → 5, description \"a\" → \"renamed\"",
      ])
  }
}
