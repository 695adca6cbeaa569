import Migrations
import Testing

@Suite("The plan: files and history matched")
struct PlanTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var files: [String]
    var rows: [HistoryRow]
    var target = "latest"
    var outOfOrder = false
    var lines: [String]
  }

  static let cases: [Case] = [
    Case(
      testDescription: "nothing applied: versions by number, then repeatables by description",
      files: ["R__a_second", "V10__c", "R__2_num", "V2__b", "V1.1__x", "R__10_num", "R__A_view"], rows: [],
      lines: [
        "1.1 Pending", "2 Pending", "10 Pending", "10 num Pending", "2 num Pending", "A view Pending",
        "a second Pending",
      ]),
    Case(
      testDescription: "a lower version that comes late is ignored",
      files: ["V1__a", "V2__b", "V3__c", "V4__d"], rows: [Make.row(1, "V1__a"), Make.row(2, "V3__c")],
      lines: ["1 Success", "3 Success", "2 Ignored", "4 Pending"]),
    Case(
      testDescription: "with outOfOrder it is pending",
      files: ["V1__a", "V2__b", "V3__c"], rows: [Make.row(1, "V1__a"), Make.row(2, "V3__c")],
      outOfOrder: true,
      lines: ["1 Success", "3 Success", "2 Pending"]),
    Case(
      testDescription: "and once applied it is out of order",
      files: ["V1__a", "V2__b", "V3__c"],
      rows: [Make.row(1, "V1__a"), Make.row(2, "V3__c"), Make.row(3, "V2__b")],
      lines: ["1 Success", "3 Success", "2 Out of Order"]),
    Case(
      testDescription: "an applied version without a file is missing, above all files it is future",
      files: ["V3__c"], rows: [Make.row(1, "V2__b"), Make.row(2, "V3__c"), Make.row(3, "V4__d")],
      lines: ["2 Missing", "3 Success", "4 Future"]),
    Case(
      testDescription: "failed rows keep their kind",
      files: ["V2__b"],
      rows: [
        Make.row(1, "V1__a", success: false), Make.row(2, "V2__b", success: false),
        Make.row(3, "V3__c", success: false),
      ],
      lines: ["1 Failed (Missing)", "2 Failed", "3 Failed (Future)"]),
    Case(
      testDescription: "a deleted version is open again, and then out of order",
      files: ["V1__a", "V2__b", "V3__c"],
      rows: [
        Make.row(1, "V1__a"), Make.row(2, "V2__b"), Make.row(3, "V3__c"), Make.row(4, "V2__b", type: .delete),
        Make.row(5, "V2__b"),
      ],
      lines: ["1 Success", "2 Deleted", "3 Success", "2 Out of Order"]),
    Case(
      testDescription: "the DELETE row of a repeatable is shown, that of a version is not",
      files: ["V1__a"],
      rows: [
        Make.row(1, "V1__a"), Make.row(2, "R__view"), Make.row(3, "R__view", type: .delete),
        Make.row(4, "V2__b"), Make.row(5, "V2__b", type: .delete),
      ],
      lines: ["1 Success", "view Deleted", "view Success", "2 Deleted"]),
    Case(
      testDescription: "a DELETE covers the newest run of a repeatable; older ones stay superseded",
      files: [],
      rows: [
        Make.row(1, "R__view", sum: 2), Make.row(2, "R__view"), Make.row(3, "R__view", type: .delete),
      ],
      lines: ["view Superseded", "view Deleted", "view Success"]),
    Case(
      testDescription: "a deleted repeatable that comes back is pending, changed or not",
      files: ["R__view"],
      rows: [Make.row(1, "R__view"), Make.row(2, "R__view", type: .delete)],
      lines: ["view Deleted", "view Success", "view Pending"]),
    Case(
      testDescription: "older runs of a missing repeatable are superseded, the newest is missing",
      files: [], rows: [Make.row(1, "R__view", sum: 2), Make.row(2, "R__view")],
      lines: ["view Superseded", "view Missing"]),
    Case(
      testDescription: "another type of one version is missing and pending, no mismatch",
      files: ["V3__c"], rows: [Make.row(1, "V3__c", type: .script)],
      lines: ["3 Future", "3 Pending"]),
    Case(
      testDescription: "on an empty schema the highest baseline migration runs, whatever the target",
      files: ["V1__a", "B2__base", "V2__b", "B3__base", "V4__d"], rows: [], target: "1",
      lines: ["1 Below Baseline", "2 Below Baseline", "2 Below Baseline", "3 Pending", "4 Above Target"]),
    Case(
      testDescription: "a baseline migration of the baseline's own version is passed over",
      files: ["V2__b", "B2__base", "B3__base"], rows: [Make.row(1, "V2__base", sum: nil, type: .baseline)],
      lines: ["2 Ignored (Baseline)", "2 Ignored (Baseline)", "2 Baseline", "3 Ignored"]),
    Case(
      testDescription: "a baseline row puts what is below it and at it out of play",
      files: ["V1__a", "V2__b", "V3__c"], rows: [Make.row(1, "V2__base", sum: nil, type: .baseline)],
      lines: ["1 Below Baseline", "2 Ignored (Baseline)", "2 Baseline", "3 Pending"]),
    Case(
      testDescription: "a baseline migration stands for all versions up to its own",
      files: ["V1__a", "V2__b", "B2__base", "V3__c"], rows: [],
      lines: ["1 Below Baseline", "2 Ignored (Baseline)", "2 Pending", "3 Pending"]),
    Case(
      testDescription: "a baseline migration that comes late is ignored",
      files: ["V1__a", "V2__b", "B2__base", "V3__c", "B3__base"],
      rows: [Make.row(1, "B2__base"), Make.row(2, "V3__c")],
      lines: ["1 Below Baseline", "2 Ignored (Baseline)", "2 Baseline", "3 Success", "3 Ignored"]),
    Case(
      testDescription: "a target stops versions, not repeatables",
      files: ["V1__a", "V2__b", "V3__c", "R__r"], rows: [], target: "2",
      lines: ["1 Pending", "2 Pending", "3 Above Target", "r Pending"]),
    Case(
      testDescription: "target next is the first pending version",
      files: ["V1__a", "V2__b", "V3__c"], rows: [Make.row(1, "V1__a")], target: "next",
      lines: ["1 Success", "2 Pending", "3 Above Target"]),
    Case(
      testDescription: "target current takes no version at all",
      files: ["V1__a", "V2__b", "R__r"], rows: [], target: "current",
      lines: ["1 Above Target", "2 Above Target", "r Pending"]),
  ]

  @Test("gives each line of info its state", arguments: cases)
  func states(_ example: Case) throws {
    let plan = try Make.plan(
      example.files.map { Make.file($0) }, example.rows, target: example.target,
      outOfOrder: example.outOfOrder)
    #expect(Make.lines(plan) == example.lines)
  }

  @Test("runs a changed repeatable again, and shows its old row as outdated, then as superseded")
  func repeatable() throws {
    let changed = [Make.file("R__view", sum: 2)]
    let first = try Make.plan(changed, [Make.row(1, "R__view", sum: 1)])
    #expect(Make.lines(first) == ["view Outdated", "view Pending"])
    let second = try Make.plan(changed, [Make.row(1, "R__view", sum: 1), Make.row(2, "R__view", sum: 2)])
    #expect(Make.lines(second) == ["view Superseded", "view Success"])
  }

  @Test(
    "takes a repeatable as unchanged when only its placeholders' values differ from a stored raw checksum")
  func equivalent() throws {
    let plan = try Make.plan([Make.file("R__view", sum: 2, equivalent: 1)], [Make.row(1, "R__view", sum: 1)])
    #expect(Make.lines(plan) == ["view Success"])
  }

  @Test("refuses two files of one version, however it is written, and two repeatables of one name")
  func duplicates() {
    let versions = #expect(throws: MigrationError.self) {
      try ResolvedMigration.ordered([Make.file("V1__a"), Make.file("V1.0__b")])
    }
    #expect(
      versions?.message
        == "Found more than one migration with version 1\nOffenders:\n-> /w/sql/V1__a.sql (SQL)"
        + "\n-> /w/sql/V1.0__b.sql (SQL)")
    #expect(versions?.code == .duplicateVersionedMigration)
    let names = #expect(throws: MigrationError.self) {
      try ResolvedMigration.ordered([Make.file("R__v"), Make.file("R__v")])
    }
    #expect(names?.code == .duplicateRepeatableMigration)
  }

  @Test("needs the target to exist, local or applied, unless it is written with a question mark")
  func target() throws {
    let files = [Make.file("V1__a"), Make.file("V3.10__b")]
    #expect(throws: MigrationError.missingTarget("3.5")) { try Make.plan(files, [], target: "3.5") }
    #expect(try Make.plan(files, [], target: "3.5?").pending.count == 1)
    #expect(try Make.plan(files, [], target: "3.10.0").pending.count == 2)
    #expect(try Make.plan(files, [Make.row(1, "V2__gone")], target: "2").currentVersion?.text == "2")
    #expect(throws: MigrationError.invalidVersion("abc")) { try Make.plan(files, [], target: "abc") }
  }

  @Test("refuses a history that deletes one version twice")
  func deletedTwice() throws {
    let rows = [
      Make.row(1, "V1__a"), Make.row(2, "V1__a", type: .delete), Make.row(3, "V1__a", type: .delete),
    ]
    #expect(throws: MigrationError.deletedTwice("1")) { try Make.plan([], rows) }
  }

  @Test("knows the highest applied version; deleted rows do not count")
  func current() throws {
    #expect(try Make.plan([], []).currentVersion == nil)
    let rows = [Make.row(1, "V1__a"), Make.row(2, "V5__e"), Make.row(3, "V5__e", type: .delete)]
    #expect(try Make.plan([Make.file("V1__a")], rows).currentVersion?.text == "1")
  }
}
