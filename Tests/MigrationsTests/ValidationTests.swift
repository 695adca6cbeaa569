import Migrations
import Testing

@Suite("Validation")
struct ValidationTests {
  private func findings(
    _ files: [ResolvedMigration], _ rows: [HistoryRow], ignoring: String? = nil
  ) throws -> [InvalidMigration] {
    Validation.findings(
      try Make.plan(files, rows), ignoring: try ignoring.map { try IgnorePatterns($0) } ?? IgnorePatterns())
  }

  @Test("names what is pending")
  func pending() throws {
    let found = try findings([Make.file("V3__c"), Make.file("R__view")], [])
    #expect(
      found.map(\.code) == [.resolvedVersionedMigrationNotApplied, .resolvedRepeatableMigrationNotApplied])
    #expect(
      found.first?.message
        == "Detected resolved migration not applied to database: 3."
        + "\nTo fix this error, either run migrate, or set -ignoreMigrationPatterns='*:pending'.")
  }

  @Test("names what was applied and has no file, and passes over the future by default")
  func missing() throws {
    let rows = [Make.row(1, "V2__b"), Make.row(2, "V3__c"), Make.row(3, "V4__d")]
    let found = try findings([Make.file("V3__c")], rows)
    #expect(found.map(\.version) == ["2"])
    #expect(
      found.first?.message
        == "Detected applied migration not resolved locally: 2."
        + "\nIf you removed this migration intentionally, run repair to mark the migration as deleted.")
    #expect(try findings([Make.file("V3__c")], rows, ignoring: "").map(\.version) == ["2", "4"])
    #expect(try findings([Make.file("V3__c")], rows, ignoring: " Versioned : MISSING , *:future").isEmpty)
    #expect(try findings([Make.file("V3__c")], rows, ignoring: "*:*").isEmpty)
  }

  @Test("shows both checksums when they differ")
  func checksum() throws {
    let found = try findings(
      [Make.file("V1__a", sum: 465_456_002)], [Make.row(1, "V1__a", sum: -955_116_569)])
    #expect(found.map(\.code) == [.checksumMismatch])
    #expect(
      found.first?.message
        == "Migration checksum mismatch for migration version 1\n-> Applied to database : -955116569"
        + "\n-> Resolved locally    : 465456002"
        + "\nEither revert the changes to the migration, or run repair to update the schema history.")
  }

  @Test("reports one thing for a migration: its checksum before its description")
  func oneEach() throws {
    #expect(
      try findings([Make.file("V1__b", sum: 2)], [Make.row(1, "V1__a", sum: 1)]).map(\.code) == [
        .checksumMismatch
      ])
    #expect(
      try findings([Make.file("V1__b")], [Make.row(1, "V1__a")]).map(\.code) == [.descriptionMismatch])
  }

  @Test("sees a changed repeatable twice: its row is outdated, its file pending")
  func outdated() throws {
    let files = [Make.file("R__b_view", sum: 2)]
    let rows = [Make.row(1, "R__b_view", sum: 1)]
    #expect(
      try findings(files, rows).map(\.code)
        == [.outdatedRepeatableMigration, .resolvedRepeatableMigrationNotApplied])
    #expect(try findings(files, rows, ignoring: "*:pending").isEmpty)
  }

  @Test("compares a repeatable's checksum only when pending ones are passed over, and then strictly")
  func strictRepeatable() throws {
    let files = [Make.file("R__view", sum: 2, equivalent: 1)]
    let rows = [Make.row(1, "R__view", sum: 1)]
    #expect(try findings(files, rows).isEmpty)
    #expect(try findings(files, rows, ignoring: "*:pending").map(\.code) == [.checksumMismatch])
  }

  @Test("does not mind what a baseline covers")
  func baseline() throws {
    let rows = [Make.row(1, "V2__base", sum: nil, type: .baseline)]
    #expect(try findings([Make.file("V1__a"), Make.file("V2__b")], rows).isEmpty)
  }

  @Test("reports a failed row first")
  func failed() throws {
    let found = try findings([Make.file("V4__bad", sum: 2)], [Make.row(1, "V4__bad", sum: 1, success: false)])
    #expect(found.map(\.code) == [.failedVersionedMigration])
    #expect(
      found.first?.message
        == "Detected failed migration to version 4 (bad)."
        + "\nPlease remove any half-completed changes then run repair to fix the schema history.")
  }

  @Test(
    "refuses patterns it cannot read",
    arguments: [
      ("bad", MigrationError.invalidPattern("bad")), ("a:missing", .invalidPatternKind("a")),
      ("*:success", .invalidPatternState("success")), ("*:missing:x", .invalidPattern("*:missing:x")),
    ])
  func patterns(_ text: String, _ error: MigrationError) {
    #expect(throws: error) { try IgnorePatterns(text) }
  }
}
