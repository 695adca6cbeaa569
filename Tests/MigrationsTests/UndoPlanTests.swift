import Migrations
import Testing

@Suite("What undo takes back")
struct UndoPlanTests {
  private func versions(
    _ rows: [HistoryRow], undos: [String], target: String = "latest", picks: [String] = [],
    files: [String] = ["V1__a", "V2__b", "V3__c"]
  ) throws -> [String] {
    try UndoPlan(
      undos: UndoFiles.ordered(undos.map { Make.file($0) }), resolved: files.map { Make.file($0) },
      applied: rows, target: try MigrationTarget(target), picks: CherryPick.list(picks)
    ).steps.map { "\($0.row.version?.text ?? "") \($0.file.script)" }
  }

  private let three = [Make.row(1, "V1__a"), Make.row(2, "V2__b"), Make.row(3, "V3__c")]
  private let undos = ["U1__a", "U2__b", "U3__c"]

  @Test("without a target: the migration applied last, and nothing else")
  func last() throws {
    #expect(try versions(three, undos: undos) == ["3 U3__c.sql"])
    #expect(try versions(three, undos: undos, target: "current") == ["3 U3__c.sql"])
    #expect(try versions([], undos: undos) == [])
  }

  @Test("with a target: all down to it, the target among them")
  func target() throws {
    #expect(try versions(three, undos: undos, target: "2") == ["3 U3__c.sql", "2 U2__b.sql"])
    #expect(try versions(three, undos: undos, target: "0?") == ["3 U3__c.sql", "2 U2__b.sql", "1 U1__a.sql"])
    #expect(throws: MigrationError.missingTarget("7")) { try versions(three, undos: undos, target: "7") }
  }

  @Test("in the reverse of the order they were applied in, not of their versions")
  func outOfOrder() throws {
    let rows = [Make.row(1, "V1__a"), Make.row(2, "V3__c"), Make.row(3, "V2__b")]
    #expect(try versions(rows, undos: undos) == ["2 U2__b.sql"])
    #expect(try versions(rows, undos: undos, target: "2") == ["2 U2__b.sql", "3 U3__c.sql"])
    #expect(
      try versions(rows, undos: undos, target: "3") == [],
      "2 came last and is below the target: nothing is undone"
    )
  }

  @Test("what is undone or deleted already, baselines and repeatables are passed over")
  func passedOver() throws {
    let undone = three + [Make.row(4, "U3__c"), Make.row(5, "R__view")]
    #expect(try versions(undone, undos: undos) == ["2 U2__b.sql"])
    let again = undone + [Make.row(6, "V3__c")]
    #expect(try versions(again, undos: undos) == ["3 U3__c.sql"])
    let deleted = three + [Make.row(4, "V3__c", type: .delete)]
    #expect(try versions(deleted, undos: undos) == ["2 U2__b.sql"])
    let baseline = [Make.row(1, "V1__base", type: .baseline)]
    #expect(try versions(baseline, undos: undos) == [])
    #expect(try versions([Make.row(1, "B1__base")], undos: undos) == [])
  }

  @Test("a missing undo file refuses everything, by the version's name")
  func missing() throws {
    #expect(throws: MigrationError.missingUndo(version: "2", example: "U2__b.sql")) {
      try versions(three, undos: ["U1__a", "U3__c"], target: "1")
    }
    #expect(try versions(three, undos: ["U3__c"], target: "3") == ["3 U3__c.sql"])
    let error = MigrationError.missingUndo(version: "2", example: "U2__b.sql")
    #expect(
      error.message
        == "Unable to undo migration to version 2 as no corresponding undo migration has been found.")
  }

  @Test("the migration's own file need not be there any more")
  func withoutFile() throws {
    #expect(try versions(three, undos: undos, files: ["V1__a"]) == ["3 U3__c.sql"])
  }

  @Test("picked ones are undone from the end of the list, whatever the order they were applied in")
  func picked() throws {
    #expect(try versions(three, undos: undos, picks: ["2", "1"]) == ["1 U1__a.sql", "2 U2__b.sql"])
    #expect(try versions(three, undos: undos, picks: ["c"]) == ["3 U3__c.sql"])
    #expect(throws: MigrationError.notApplied("8")) { try versions(three, undos: undos, picks: ["8"]) }
  }

  @Test("two undo files of one version are refused")
  func duplicate() {
    #expect(throws: MigrationError.self) {
      try UndoFiles.ordered([Make.file("U1__a"), Make.file("U1.0__b")])
    }
  }
}

@Suite("A history with undone migrations")
struct UndoneHistoryTests {
  private let files = ["V1__a", "V2__b", "R__view"].map { Make.file($0) }
  private let undos = ["U1__a", "U2__b"].map { Make.file($0) }
  private let rows = [
    Make.row(1, "V1__a"), Make.row(2, "V2__b"), Make.row(3, "R__view"), Make.row(4, "U2__b"),
  ]

  @Test("an undone version is pending again, and the repeatables that came after it, too")
  func states() throws {
    let plan = try Make.plan(files, rows, undos: undos)
    #expect(
      Make.lines(plan) == [
        "1 Success", "2 Undone", "view Outdated", "2 Success", "2 Pending", "view Pending",
      ])
    #expect(plan.currentVersion?.text == "1")
    #expect(plan.entries.map(\.undoable) == ["Yes", "", "", "", "Yes", ""])
    #expect(plan.entries.map(\.category)[3] == "Undo")
    #expect(plan.available.map(\.script) == ["U1__a.sql"])
  }

  @Test("a repeatable from before the undone migration does not stand on it")
  func earlier() throws {
    let rows = [Make.row(1, "V1__a"), Make.row(2, "R__view"), Make.row(3, "V2__b"), Make.row(4, "U2__b")]
    #expect(
      Make.lines(try Make.plan(files, rows)) == [
        "1 Success", "view Success", "2 Undone", "2 Success", "2 Pending",
      ])
  }

  @Test("applied again, it is in order, and the repeatable that ran again is up to date")
  func again() throws {
    let plan = try Make.plan(files, rows + [Make.row(5, "V2__b"), Make.row(6, "R__view")])
    #expect(
      Make.lines(plan) == [
        "1 Success", "2 Undone", "view Superseded", "2 Success", "2 Success", "view Success",
      ])
  }

  @Test("validate passes over what is undone, also when its file is gone or another")
  func validate() throws {
    let changed = [Make.file("V1__a"), Make.file("V2__b", sum: 9), Make.file("R__view")]
    for files in [changed, [Make.file("V1__a"), Make.file("R__view")]] {
      let plan = try Make.plan(files, rows, undos: [Make.file("U2__b", sum: 7)])
      let pending = IgnorePatterns().adding(.init(.any, .pending))
      #expect(Validation.findings(plan, ignoring: pending) == [])
    }
  }

  @Test("repair leaves undone rows and undo rows alone, and removes an undo that failed")
  func repair() throws {
    let failed = rows + [Make.row(5, "U1__a", success: false)]
    let plan = try RepairPlan(
      resolved: [Make.file("V1__a", sum: 5), Make.file("V2__b", sum: 9)], applied: failed,
      ignoring: IgnorePatterns([.init(.repeatable, .any)]), installedBy: "app")
    #expect(plan.removed.map(\.installedRank) == [5])
    #expect(plan.deleted == [])
    #expect(plan.aligned.map(\.row.installedRank) == [1])
  }
}
