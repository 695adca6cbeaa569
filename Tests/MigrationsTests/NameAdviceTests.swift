import Migrations
import Testing

@Suite("Advice about misnamed scripts") struct NameAdviceTests {
  @Test(
    "the name says what was meant",
    arguments: [
      ("001_init.sql", "V1__init.sql"), ("1__init.sql", "V1__init.sql"), ("V1_init.sql", "V1__init.sql"),
      ("v2__orders.sql", "V2__orders.sql"), ("V3-add index.sql", "V3__add_index.sql"),
      ("1.2_more.sql", "V1.2__more.sql"), ("2024_01_31_add.sql", "V2024.01.31__add.sql"),
      ("000012_users.up.sql", "V12__users.sql"), ("000012_users.down.sql", "U12__users.sql"),
      ("20240131120000_add_index.SQL", "V20240131120000__add_index.SQL"),
      ("R1__view.sql", "R__view.sql"), ("r_view.sql", "R__view.sql"),
      ("beforemigrate.sql", "beforeMigrate.sql"), ("AFTERMIGRATE_grants.sql", "afterMigrate__grants.sql"),
      ("init.sql", "V8__init.sql"), ("Users.sql", "V8__Users.sql"), ("7_2nd_try.sql", "V7__2nd_try.sql"),
      ("V__no_version.sql", "V8__no_version.sql"), ("000.sql", "V0.sql"),
    ])
  func advice(name: String, better: String) throws {
    let highest = try MigrationVersion("7.3")
    let advice = NameAdvice(for: name, NamingRules(), highest: highest)
    #expect(advice?.fileName == better)
  }

  @Test("the advised name is one that migrate understands")
  func understood() throws {
    let advice = try #require(NameAdvice(for: "001_init.sql", NamingRules(), highest: nil))
    #expect(advice.name == .versioned(rawVersion: "1", try MigrationVersion("1"), description: "init"))
  }

  @Test("on an empty history the first free version is 1")
  func first() {
    #expect(NameAdvice(for: "init.sql", NamingRules(), highest: nil)?.fileName == "V1__init.sql")
  }

  @Test("a project's own prefixes and separator are kept to")
  func rules() {
    var rules = NamingRules()
    rules.versioned = "M"
    rules.separator = "-"
    #expect(NameAdvice(for: "3_users.sql", rules, highest: nil)?.fileName == "M3-users.sql")
  }

  @Test("without anything to go by there is no advice", arguments: ["U__x.sql", "u_x.sql", "notes.txt"])
  func none(name: String) {
    #expect(NameAdvice(for: name, NamingRules(), highest: nil) == nil)
  }
}
