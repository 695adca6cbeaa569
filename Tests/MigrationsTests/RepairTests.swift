import Migrations
import Testing

@Suite("Repairing and baselining a history")
struct RepairTests {
  private func plan(
    _ files: [ResolvedMigration], _ rows: [HistoryRow], ignoring: String = "*:future"
  ) throws -> RepairPlan {
    try RepairPlan(
      resolved: ResolvedMigration.ordered(files), applied: rows, ignoring: IgnorePatterns(ignoring),
      installedBy: "dba")
  }

  @Test("takes out failed rows, and nothing else")
  func failed() throws {
    let rows = [Make.row(1, "V1__a"), Make.row(2, "V2__b", success: false)]
    let plan = try plan([Make.file("V1__a"), Make.file("V2__b")], rows)
    #expect(plan.removed.map(\.installedRank) == [2])
    #expect(plan.actions == ["Removed failed migrations"])
  }

  @Test("takes out only the failed rows that cherryPick names, when it names any")
  func picked() throws {
    let rows = [
      Make.row(1, "V1__a", success: false), Make.row(2, "V2__b", success: false),
      Make.row(3, "R__some_view", success: false),
    ]
    let plan = try RepairPlan(
      resolved: [], applied: rows, ignoring: IgnorePatterns("*:*"),
      picks: CherryPick.list(["2.0", "some_view"]), installedBy: "dba")
    #expect(plan.removed.map(\.installedRank) == [2, 3])
  }

  @Test("marks missing files as deleted behind the last row; the future is left alone by default")
  func missing() throws {
    let rows = [Make.row(1, "V1__a"), Make.row(2, "V2__b"), Make.row(3, "V3__c")]
    let found = try plan([Make.file("V2__b")], rows)
    #expect(
      found.deleted.map { "\($0.installedRank) \($0.version?.text ?? "") \($0.type.rawValue)" } == [
        "4 1 DELETE"
      ])
    #expect(found.deleted.first?.installedBy == "dba")
    #expect(try plan([Make.file("V2__b")], rows, ignoring: "*:missing").deleted.map(\.version?.text) == ["3"])
  }

  @Test("takes over checksum and description of a file, not its script or version text")
  func aligned() throws {
    let row = Make.row(1, "V1__old", sum: 1)
    let plan = try plan([Make.file("V01__new", sum: 2)], [row])
    let right = try #require(plan.aligned.first?.row)
    #expect(right.checksum == 2 && right.description == "new")
    #expect(right.script == row.script && right.version?.text == "1")
  }

  @Test("touches a repeatable's checksum only when it was taken before placeholders were replaced")
  func repeatable() throws {
    let file = Make.file("R__v", sum: 2, equivalent: 1)
    #expect(try plan([file], [Make.row(1, "R__v", sum: 1)]).aligned.map(\.row.checksum) == [2])
    #expect(try plan([file], [Make.row(1, "R__v", sum: 3)]).aligned.isEmpty)
  }

  @Test("a baseline is taken again when it is the same one, and refused otherwise")
  func baseline() throws {
    let rows = [Make.row(1, "V2__imported", sum: nil, type: .baseline)]
    let two = try MigrationVersion("2.0")
    try BaselineRule.check(rows, version: two, description: "imported", table: "t")
    func refusal(_ rows: [HistoryRow], _ version: String) throws -> String? {
      let version = try MigrationVersion(version)
      return #expect(throws: MigrationError.self) {
        try BaselineRule.check(rows, version: version, description: "imported", table: "t")
      }?.message
    }
    #expect(
      try refusal(rows, "3")
        == "Unable to baseline schema history table t with (3,imported) as it has already been baselined with"
        + " (2,imported)")
    #expect(
      try refusal([Make.row(1, "V1__a")], "3")
        == "Unable to baseline schema history table t as it already contains migrations")
    #expect(
      try refusal([Make.row(1, "V1__a", type: .delete)], "3")?.contains(
        "contains migrations.\nDelete the schema history table") == true)
    #expect(try refusal([], "3")?.contains("exists, and is empty.\nDelete the schema history table") == true)
  }

  @Test("a text too long for its column is cut as Flyway cuts it")
  func abbreviation() {
    let long = String(repeating: "é", count: 201)
    #expect(HistoryRow.abbreviated(description: long) == String(repeating: "é", count: 197) + "...")
    #expect(HistoryRow.abbreviated(description: String(long.dropLast())).count == 200)
    let path = "abc" + String(repeating: "d", count: 1000)
    #expect(HistoryRow.abbreviated(script: path) == "..." + String(repeating: "d", count: 997))
  }
}
