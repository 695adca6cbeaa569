import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

/// Source of the rules: Flyway 13, its documents and switches.
@Suite("What a call in Flyway's form prints")
struct MigrateDocumentTests {
  private static let bad = ["V1__a.sql": "select 1", "V2__b.sql": "-- why\nselect '${q}',\n  nosuch;"]

  @Test("when a statement fails has its text only with -X")
  func statement() throws {
    try MigrateFolder.with(Self.bad) { (folder) throws in
      let options = ["-placeholders.q=Q", "migrate"]
      func message(_ words: String...) throws -> String {
        let result = try folder.run(options + ["-outputType=json"] + words)
        return JSONValue(parsing: result.stdout)?["error"]?["message"]?.text ?? ""
      }
      #expect(
        try message().hasSuffix(
          "\nStatement  : Run Flyway with -X option to see the actual statement causing the problem\n"))
      #expect(try message("-X").hasSuffix("\nLine       : 2\nStatement  : -- why\nselect 'Q',\n  nosuch\n"))
      #expect(try !folder.run(options).stderr.contains("select 'Q'"))
      #expect(
        try folder.run(options + ["-X"]).stderr.contains(
          "the statement:\n          -- why\n          select 'Q',\n"))
    }
  }

  @Test("when a group fails lists what was rolled back with it, and counts nothing")
  func group() throws {
    try MigrateFolder.with([
      "V1__a.sql": "select 1", "V2__b.sql": "select 2", "V3__c.sql": "select nosuch",
    ]) { (folder) throws in
      let document = try folder.flyway("migrate", "-group=true").document
      #expect(document["migrations"]?.items.map { $0["version"]?.text } == ["1", "2"])
      #expect(document["migrationsExecuted"] == .integer(0))
      #expect(document["success"] == .bool(false))
      #expect(try folder.history() == [])
    }
  }

  @Test("of several commands is one document; of those whose last one failed, the failure alone")
  func several() throws {
    try MigrateFolder.with(Self.bad) { (folder) throws in
      let worked = try folder.flyway("info", "migrate", "-placeholders.q=Q", "-target=1").document
      #expect(worked["individualResults"]?.items.map { $0["operation"]?.text } == ["info", "migrate"])
      let failed = try folder.flyway("info", "migrate", "-placeholders.q=Q").document
      #expect(failed["individualResults"] == nil)
      #expect(failed["operation"]?.text == "migrate")
      #expect(failed["error"]?["errorCode"]?.text == "FAILED_VERSIONED_MIGRATION")
      let refused = try folder.flyway("info", "clean", "migrate").document
      #expect(refused.members.map(\.name) == ["error"])
    }
  }

  @Test("of several commands comes from as many sessions: none reaches the next")
  func sessions() throws {
    try MigrateFolder.with([
      "V1__a.sql": "set work_mem = '7MB'; create temp table leak ()",
      "R__b.sql": "create table seen as select current_setting('work_mem') m, to_regclass('leak') l",
      "afterConnect.sql": "create sequence if not exists public.told; select nextval('public.told')",
    ]) { (folder) throws in
      let options = ["-baselineOnMigrate=true", "-baselineVersion=0"]
      #expect(try folder.run(options + ["-cherryPick=1", "migrate", "info"]).status == 0)
      #expect(try folder.ask("SELECT last_value FROM told") == "2")
      #expect(try folder.run(options + ["validate", "migrate", "info"]).status == 1)
      #expect(try folder.ask("SELECT last_value FROM told") == "3")
      #expect(try folder.run(options + ["info", "migrate"]).status == 0)
      #expect(try folder.ask("SELECT m <> '7MB' AND l IS NULL FROM seen") == "t")
    }
  }

  @Test("names the error behind a callback's, which the aborted transaction refused")
  func aborted() throws {
    try MigrateFolder.with(["V1__a.sql": "select nosuch", "afterEachMigrateError.sql": "select 1"]) {
      (folder) throws in
      let result = try folder.flyway("migrate")
      let error = result.document["error"]
      #expect(
        error?["message"]?.text?.hasPrefix("Error while executing afterEachMigrateError callback") == true)
      let driver = error?["cause"]?["cause"]
      #expect(driver?["message"]?.text?.contains("current transaction is aborted") == true)
      #expect(driver?["cause"]?["message"]?.text?.contains("column \"nosuch\" does not exist") == true)
      #expect(result.stderr.contains("the transaction is aborted because of: ERROR: column \"nosuch\""))
    }
  }

  @Test("is chosen on the command line; of these options Flyway has no variables, and of dryRunOutput it has")
  func variables() throws {
    try MigrateFolder.with(["V1__a.sql": "create table a ()"]) { (folder) throws in
      func call(_ environment: [String: String], _ word: String) throws -> DBToolProcess.Result {
        try runDBTool(
          ["-url=" + folder.target.testURL, word],
          environment: ["HOME": folder.path].merging(environment) { _, new in new }, in: folder.path)
      }
      let shown = try call(
        [
          "FLYWAY_OUTPUT_TYPE": "json", "FLYWAY_COLOR": "always", "FLYWAY_OUTPUT_FILE": "out.json",
          "FLYWAY_INFO_SINCE_DATE": "never", "FLYWAY_INFO_OF_STATE": "nosuch",
        ], "info")
      #expect(shown.status == 0)
      #expect(shown.stdout.contains("| Versioned | 1       | a  "))
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/out.json"))
      #expect(try call(["FLYWAY_DRYRUN_OUTPUT": "out.sql"], "migrate").status == 0)
      #expect(
        try String(contentsOfFile: folder.path + "/out.sql", encoding: .utf8).contains("create table a ()"))
      #expect(try folder.ask("SELECT to_regclass('a')") == nil)
    }
  }

  @Test("drops the schemas that the first row says were created here, and empties others")
  func cleaning() throws {
    try MigrateFolder.with(["V1__a.sql": "create table a ()"]) { (folder) throws in
      func clean(_ schema: String, _ commands: [String]) throws -> JSONValue {
        let options = [
          "-schemas=" + schema, "-cleanDisabled=false", "-baselineVersion=0", "-outputType=json",
        ]
        #expect(try folder.run(options + commands).status == 0)
        return JSONValue(parsing: try folder.run(options + ["clean"]).stdout) ?? .null
      }
      let made = try clean("one", ["migrate"])
      #expect(made["schemasDropped"]?.items.map(\.text) == ["one"])
      // The baseline is the first row then, and what was created comes behind it.
      let baselined = try clean("two", ["baseline", "migrate"])
      #expect(baselined["schemasDropped"]?.items.isEmpty == true)
      #expect(baselined["schemasCleaned"]?.items.map(\.text) == ["two"])
      #expect(try folder.ask("SELECT to_regclass('two.a')") == nil)
    }
  }
}
