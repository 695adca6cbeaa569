import Migrations
import Testing

@Suite("The name of a script")
struct NameTests {
  @Test(
    "of a versioned migration gives version and description",
    arguments: [
      ("V1__first.sql", "1", "first"), ("V1_2__one_two.sql", "1.2", "one two"), ("V5.sql", "5", ""),
      ("V6__.sql", "6", ""), ("V2___x.sql", "2", " x"),
      ("V3__deep__double__sep.sql", "3", "deep  double  sep"),
      ("V4__upper.SQL", "4", "upper"), ("V9__space in name.sql", "9", "space in name"),
      ("V-7__early.sql", "-7", "early"),
    ])
  func versioned(_ name: String, _ version: String, _ description: String) throws {
    guard case .versioned(_, let found, let text) = MigrationName.parse(name, NamingRules()) else {
      Issue.record("\(name) is no versioned migration")
      return
    }
    #expect(found.text == version)
    #expect(text == description)
  }

  @Test(
    "of a repeatable gives a description",
    arguments: [("R__a_view.sql", "a view"), ("R__.sql", ""), ("R.sql", "")])
  func repeatable(_ name: String, _ description: String) {
    #expect(MigrationName.parse(name, NamingRules()) == .repeatable(description: description))
  }

  @Test(
    "of a callback gives its event, the longest that fits",
    arguments: [
      ("beforeMigrate.sql", CallbackEvent.beforeMigrate, ""),
      ("beforeMigrate__b_second.sql", .beforeMigrate, "b second"),
      ("beforeEachMigrateStatement.sql", .beforeEachMigrateStatement, ""),
      ("afterMigrateApplied.sql", .afterMigrateApplied, ""),
    ])
  func callback(_ name: String, _ event: CallbackEvent, _ description: String) {
    #expect(MigrationName.parse(name, NamingRules()) == .callback(event, description: description))
  }

  @Test(
    "that cannot be read says why, in Flyway's words",
    arguments: [
      (
        "R1__versioned_repeatable.sql",
        "Invalid repeatable migration / callback name format: R1__versioned_repeatable.sql"
          + " (It cannot contain a version and should look like this: R__versioned_repeatable.sql)"
      ),
      (
        "V3_single.sql",
        "Invalid versioned migration name format: V3_single.sql (could not recognise version number 3_single)"
      ),
      (
        "V6a__alpha.sql",
        "Invalid versioned migration name format: V6a__alpha.sql (could not recognise version number 6a)"
      ),
      (
        "V__noversion.sql",
        "Invalid versioned migration name format: V__noversion.sql"
          + " (It must contain a version and should look like this: V1.2__noversion.sql)"
      ),
      ("X5__unknown.sql", "Unrecognised migration name format: X5__unknown.sql"),
      ("v2__lowercase.sql", "Unrecognised migration name format: v2__lowercase.sql"),
      ("readme.sql", "Unrecognised migration name format: readme.sql"),
    ])
  func invalid(_ name: String, _ reason: String) {
    #expect(MigrationName.parse(name, NamingRules()) == .invalid(reason: reason))
  }

  @Test(
    "is not looked at when its suffix is another one",
    arguments: ["notes.txt", "V7__other.ddl", "V1__a.sql.conf"])
  func otherSuffix(_ name: String) {
    #expect(MigrationName.parse(name, NamingRules()) == nil)
  }

  @Test("follows prefixes, separator and suffixes that were set")
  func rules() throws {
    var rules = NamingRules()
    rules.versioned = "X"
    rules.separator = "-"
    rules.suffixes = [".sql", ".ddl"]
    #expect(
      MigrationName.parse("X5-a-b.ddl", rules)
        == .versioned(rawVersion: "5", try MigrationVersion("5"), description: "a-b"))
  }
}
