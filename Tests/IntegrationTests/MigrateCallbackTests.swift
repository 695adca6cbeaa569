import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

/// Source of the rules: Flyway 13, the order of its events; the recorded project is s19-callbacks.
@Suite("Callbacks of the migration commands")
struct MigrateCallbackTests {
  /// A script for each event that writes the event's name.
  private static func scripts(_ more: [String: String]) -> [String: String] {
    var scripts = more
    for event in [
      "afterConnect", "beforeConnect", "createSchema", "beforeCreateSchema", "beforeMigrate", "afterMigrate",
      "afterMigrateApplied", "afterMigrateError", "afterVersioned", "afterMigrateOperationFinish",
      "beforeEachMigrate", "afterEachMigrate", "beforeBaseline", "afterBaseline", "afterBaselineError",
      "beforeInfo", "afterInfo", "afterInfoError", "afterInfoOperationFinish", "beforeValidate",
      "afterValidate", "afterValidateError", "beforeRepair", "afterRepair", "beforeClean", "afterClean",
    ] where scripts[event + ".sql"] == nil {
      scripts[event + ".sql"] = "insert into cb.log (what) values ('\(event)')"
    }
    return scripts
  }

  private func with(_ scripts: [String: String], _ body: (MigrateFolder) throws -> Void) throws {
    try MigrateFolder.with(Self.scripts(scripts)) { (folder) throws in
      try folder.target.connect().execute("CREATE SCHEMA cb; CREATE TABLE cb.log (n serial, what text)")
      try body(folder)
    }
  }

  /// What was written, all in one line, and starts afresh.
  private func log(_ folder: MigrateFolder) throws -> String {
    let lines = try folder.list("SELECT what FROM cb.log ORDER BY n").joined(separator: " ")
    try folder.target.connect().execute("TRUNCATE cb.log")
    return lines
  }

  @Test("are told when migrate makes the baseline itself, and when its command has ended")
  func baselining() throws {
    try with(["V1__a.sql": "select 1"]) { (folder) throws in
      try folder.target.connect().execute("CREATE TABLE legacy ()")
      #expect(try folder.flyway("migrate", "-baselineOnMigrate=true", "-baselineVersion=0").status == 0)
      #expect(
        try log(folder) == "afterConnect beforeValidate afterValidate createSchema beforeCreateSchema"
          + " beforeBaseline afterBaseline beforeMigrate beforeEachMigrate afterEachMigrate afterVersioned"
          + " afterMigrateApplied afterMigrate afterMigrateOperationFinish")
    }
  }

  @Test("surround every command, and the one that failed is told")
  func commands() throws {
    try with([:]) { (folder) throws in
      func call(_ words: String...) throws -> String {
        _ = try runDBTool(
          ["-url=" + folder.target.testURL] + words, environment: ["HOME": folder.path], in: folder.path)
        return try log(folder)
      }
      #expect(try call("info") == "afterConnect beforeInfo afterInfo afterInfoOperationFinish")
      #expect(try call("info", "-target=7") == "afterConnect beforeInfo afterInfoError")
      #expect(
        try call("baseline") == "afterConnect createSchema beforeCreateSchema beforeBaseline afterBaseline")
      #expect(
        try call("baseline", "-baselineVersion=4")
          == "afterConnect createSchema beforeCreateSchema beforeBaseline afterBaselineError")
      #expect(try call("validate") == "afterConnect beforeValidate afterValidate")
      #expect(try call("validate", "-schemas=not_there") == "afterConnect")
      #expect(try call("repair") == "afterConnect beforeRepair afterRepair")
      #expect(try call("clean") == "afterConnect")
      #expect(try call("clean", "-cleanDisabled=false") == "afterConnect beforeClean afterClean")
      #expect(try call("info", "-skipDefaultCallbacks=true") == "")
    }
  }

  @Test("stop before anything when beforeMigrate fails; what afterMigrate fails after stays applied")
  func failing() throws {
    try with(["V1__a.sql": "create table a ()", "beforeMigrate.sql": "select boom"]) { (folder) throws in
      let before = try folder.flyway("migrate")
      #expect(before.document["error"]?["errorCode"]?.text == "DB_CONNECTION")
      #expect(
        before.document["error"]?["message"]?.text?.hasPrefix(
          "Error while executing beforeMigrate callback: Failed to execute script beforeMigrate.sql\n")
          == true)
      #expect(
        try log(folder) == "afterConnect beforeValidate afterValidate createSchema beforeCreateSchema")
      #expect(try folder.history() == [])
      try folder.write("beforeMigrate.sql", "select 1")
      try folder.write("afterMigrate.sql", "select boom")
      let after = try folder.flyway("migrate")
      #expect(after.status == 1)
      #expect(after.document["migrations"] == nil)
      #expect(try log(folder).hasSuffix("afterVersioned afterMigrateApplied"))
      #expect(try folder.history() == ["1 true"])
    }
  }

  @Test("in callbackLocations take the place of those beside the migrations, by description, '' first")
  func locations() throws {
    try with(["V1__a.sql": "select 1"]) { (folder) throws in
      try folder.write(beside: "afterMigrate.sql", "insert into cb.log (what) values ('plain')")
      for what in ["2", "10"] {
        try folder.write(
          beside: "afterMigrate__x_\(what).sql", "insert into cb.log (what) values ('x \(what)')")
      }
      try FileManager.default.createDirectory(
        atPath: folder.path + "/cbs", withIntermediateDirectories: false)
      for name in ["afterMigrate.sql", "afterMigrate__x_2.sql", "afterMigrate__x_10.sql"] {
        try FileManager.default.moveItem(
          atPath: folder.path + "/" + name, toPath: folder.path + "/cbs/" + name)
      }
      #expect(try folder.flyway("migrate", "-callbackLocations=filesystem:cbs").status == 0)
      #expect(try log(folder) == "plain x 10 x 2")
      let missing = try folder.flyway(
        "migrate", "-callbackLocations=filesystem:none", "-failOnMissingLocations=true")
      #expect(missing.document["error"]?["errorCode"]?.text == "ERROR")
    }
  }
}
