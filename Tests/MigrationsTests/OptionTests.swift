import Migrations
import Testing

@Suite("The option table")
struct OptionTests {
  @Test(
    "knows an option by name, variable and flag",
    arguments: [
      ("lockRetryCount", "FLYWAY_LOCK_RETRY_COUNT", "--lock-retry-count"),
      ("table", "FLYWAY_TABLE", "--table"),
      ("sqlMigrationPrefix", "FLYWAY_SQL_MIGRATION_PREFIX", "--sql-migration-prefix"),
      (
        "postgresql.transactional.lock", "FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK",
        "--postgresql-transactional-lock"
      ),
    ])
  func names(_ name: String, _ variable: String, _ flag: String) {
    #expect(MigrationOptions.find(name: name)?.option.name == name)
    #expect(MigrationOptions.find(variable: variable)?.option.name == name)
    #expect(MigrationOptions.find(flag: flag)?.option.name == name)
  }

  @Test("takes the name of a placeholder out of an option's name")
  func maps() {
    #expect(MigrationOptions.find(name: "placeholders.who")?.key == "who")
    #expect(MigrationOptions.find(variable: "FLYWAY_PLACEHOLDERS_WHO")?.key == "who")
    #expect(MigrationOptions.find(flag: "--placeholders.who")?.key == "who")
    #expect(MigrationOptions.find(name: "placeholders.") == nil)
  }

  @Test("does not know what is not there", arguments: ["noSuchOption", "Table", "", "placeholders"])
  func unknown(_ name: String) {
    #expect(MigrationOptions.find(name: name) == nil)
  }

  @Test("refuses by name what is not served, unless the value changes nothing")
  func refused() throws {
    var values = SettingValues()
    #expect(try values.set(checking: "driver", to: "org.postgresql.Driver"))
    let error = #expect(throws: MigrationError.self) { _ = try values.set(checking: "jarDirs", to: "lib") }
    #expect(error?.message == "the option 'jarDirs' is not served: there is no Java here")
  }

  @Test(
    "refuses Redgate's services, secrets managers and other databases' options by name",
    arguments: ["licenseKey", "check.reportFilename", "vault.url", "oracle.sqlplus", "provisioner"])
  func unserved(_ name: String) {
    var values = SettingValues()
    let error = #expect(throws: MigrationError.self) { _ = try values.set(checking: name, to: "x") }
    #expect(error?.code == .configuration)
    #expect(error?.message.contains("is not served: ") == true)
  }

  @Test("takes an empty boolean or number for none at all")
  func empty() throws {
    var values = SettingValues()
    for name in ["group", "lockRetryCount"] { #expect(try values.set(checking: name, to: "")) }
    #expect(values.names == [])
  }

  @Test("takes no boolean or number that is none")
  func kinds() {
    var values = SettingValues()
    #expect(throws: MigrationError.unreadableValue(name: "outOfOrder", value: "maybe")) {
      _ = try values.set(checking: "outOfOrder", to: "maybe")
    }
    #expect(throws: MigrationError.unreadableValue(name: "lockRetryCount", value: "x")) {
      _ = try values.set(checking: "lockRetryCount", to: "x")
    }
  }

  @Test("describes every option it serves")
  func described() {
    #expect(MigrationOptions.all.allSatisfy { !$0.summary.isEmpty })
    #expect(Set(MigrationOptions.all.map(\.name)).count == MigrationOptions.all.count)
  }
}
