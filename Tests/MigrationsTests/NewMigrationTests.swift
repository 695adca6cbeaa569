import Migrations
import Testing

@Suite("The next version")
struct NextVersionTests {
  @Test(
    "follows the style of the highest",
    arguments: [
      (nil, "1"), ("3", "4"), ("9", "10"), ("004", "005"), ("099", "100"), ("999", "1000"), ("1.1", "1.2"),
      ("1_9", "1_10"), ("2.0.9", "2.0.10"), ("1.09", "1.10"), ("-7", "1"), ("+7", "8"),
      ("99999999999999999999999", "100000000000000000000000"),
      // Times become now's, in their own precision.
      ("20240131", "20261121"), ("202401311200", "202611211703"), ("20240131120000", "20261121170359"),
      ("002_20240829162505", "003_20261121170359"), ("1.20240131.7", "2.20261121"),
      // A counter behind a day.
      ("20240131.7", "20261121.1"), ("20240131_007", "20261121_001"),
      // The same day, or a clock that is behind.
      ("20261121", "20261121.1"), ("20261121.1", "20261121.2"), ("20991231", "20991231.1"),
      // No time: such months and hours there are not.
      ("20241301", "20241302"), ("202401312500", "202401312501"),
    ] as [(String?, String)])
  func next(_ highest: String?, _ next: String) throws {
    #expect(NextVersion.after(highest, now: "20261121170359") == next)
    if let highest { #expect(try MigrationVersion(next) > MigrationVersion(highest)) }
  }
}

@Suite("A new migration")
struct NewMigrationTests {
  private func make(
    _ request: NewMigration.Request, _ existing: [String] = [], _ rules: NamingRules = NamingRules()
  ) throws -> NewMigration {
    try NewMigration(
      request,
      existing: existing.compactMap { path in
        MigrationName.parse(path, rules).map { NewMigration.Existing(name: $0, path: path) }
      }, rules, now: "20261121170359")
  }

  @Test("has the version after the highest, a baseline's too, and its title as a file name has it")
  func versioned() throws {
    let request = NewMigration.Request.versioned(title: " add users ", version: nil)
    #expect(try make(request).fileName == "V1__add_users.sql")
    #expect(try make(request, ["V9__a.sql", "V10__b.sql"]).fileName == "V11__add_users.sql")
    #expect(try make(request, ["B012__a.sql", "U20__x.sql", "R__x.sql"]).fileName == "V013__add_users.sql")
    #expect(try make(request).heading == "-- add users")
    #expect(try make(.versioned(title: "x.SQL", version: "2_5")).fileName == "V2_5__x.sql")
  }

  @Test("honours prefixes, separator and suffixes, and refuses a name that would not be read")
  func naming() throws {
    var rules = NamingRules()
    (rules.versioned, rules.separator, rules.suffixes) = ("Ver", "-", [".pg", ".sql"])
    let request = NewMigration.Request.versioned(title: "x", version: nil)
    #expect(try make(request, ["Ver3-a.sql"], rules).fileName == "Ver4-x.pg")
    // What is repeatable begins like it.
    (rules.versioned, rules.repeatable) = ("", "1")
    #expect(throws: NewMigrationProblem.unreadable("1-x.pg")) { try make(request, [], rules) }
  }

  @Test("takes back the highest version, or the one that is named by version, description or file")
  func undo() throws {
    let files = ["V1__a_b.sql", "V2_1__c.sql", "R__c.sql", "V3.sql"]
    func name(_ wanted: String?) throws -> String { try make(.undo(of: wanted), files).fileName }
    #expect(try name(nil) == "U3.sql")
    #expect(try name("2.1") == "U2_1__c.sql")
    #expect(try name("c") == "U2_1__c.sql")
    #expect(try name("a b") == "U1__a_b.sql")
    #expect(try make(.undo(of: "a_b"), files).takesBack?.path == "V1__a_b.sql")
    #expect(throws: NewMigrationProblem.nothingToUndo("d")) { try name("d") }
    #expect(throws: NewMigrationProblem.nothingToUndo(nil)) { try make(.undo(of: nil), ["R__c.sql"]) }
  }

  @Test("never takes the place of another")
  func taken() throws {
    let files = ["V1.0__a.sql", "U1__a.sql", "R__a_b.sql"]
    for request in [
      NewMigration.Request.versioned(title: "other", version: "1"), .undo(of: "1"), .repeatable(title: "a b"),
    ] {
      #expect(throws: NewMigrationProblem.self) { try make(request, files) }
    }
    #expect(try make(.repeatable(title: "a"), files).fileName == "R__a.sql")
  }

  @Test(
    "needs a title that a file name can have", arguments: ["", " ", ".sql", "a/b", "a\\b", "a\u{0}b", "a\nb"])
  func titles(_ title: String) {
    #expect(throws: NewMigrationProblem.self) { try make(.versioned(title: title, version: nil)) }
    #expect(throws: NewMigrationProblem.self) { try make(.repeatable(title: title)) }
  }
}
