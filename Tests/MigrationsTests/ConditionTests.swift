import Migrations
import Testing

@Suite("shouldExecute")
struct ConditionTests {
  @Test(
    "holds or not",
    arguments: [
      ("true", true), (" FALSE ", false), ("a==a", true), ("a == b", false), ("a!=b", true), ("A==a", false),
      ("two words==two words", true), ("==", true), ("!=x", true), ("false||true", true),
      ("true||true&&false", true), ("(true||true)&&false", false), ("((a==a))&&(b!=c||false)", true),
      ("a==a && b==c || true", true),
    ])
  func value(_ text: String, _ holds: Bool) throws {
    let condition = try ScriptCondition(text)
    #expect(condition.holds == holds)
    #expect(condition.text == text)
  }

  @Test(
    "is refused where it says neither",
    arguments: ["", "maybe", "true &&", "|| true", "(true", "true)", "a==b==c", "true false", "()", "a=b"])
  func unreadable(_ text: String) {
    let error = #expect(throws: MigrationError.self) { try ScriptCondition(text) }
    #expect(error?.code == .configuration)
  }

  private func file(_ name: String, sum: Int32 = 1) throws -> ResolvedMigration {
    var file = Make.file(name, sum: sum)
    file.config = try ScriptConfig("shouldExecute=false")
    return file
  }

  @Test("that does not hold leaves a migration alone: Ignored, not pending, and no error")
  func left() throws {
    let plan = try Make.plan([Make.file("V1__a"), try file("V2__b"), try file("R__r")], [])
    #expect(Make.lines(plan) == ["1 Pending", "2 Ignored", "r Ignored"])
    #expect(plan.pending.map(\.description) == ["a"])
    let patterns = try IgnorePatterns("*:pending")
    #expect(Validation.findings(plan, ignoring: patterns).isEmpty)
    #expect(
      try Validation.findings(plan, ignoring: IgnorePatterns("")).map(\.code)
        == [.resolvedVersionedMigrationNotApplied])
  }

  @Test("says nothing of what was applied, and a repeatable that changed since is not run again")
  func applied() throws {
    let rows = [Make.row(1, "V1__a"), Make.row(2, "R__r")]
    let plan = try Make.plan([try file("V1__a"), try file("R__r", sum: 2)], rows)
    #expect(Make.lines(plan) == ["1 Success", "r Outdated", "r Ignored"])
    #expect(try Validation.findings(plan, ignoring: IgnorePatterns("")).isEmpty)
  }

  @Test("that does not hold keeps a baseline migration from standing for others")
  func baseline() throws {
    let plan = try Make.plan([Make.file("V1__a"), try file("B2__b"), Make.file("V3__c")], [])
    #expect(Make.lines(plan) == ["1 Pending", "2 Ignored", "3 Pending"])
  }
}
