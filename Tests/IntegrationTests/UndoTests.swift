import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("dbtool undo")
struct UndoTests {
  private static let shop = [
    "V1__a.sql": "create table a (i int);", "U1__a.sql": "drop table a;",
    "V2__b.sql": "create table b (i int);", "U2__drop_b.sql": "drop view if exists v; drop table b;",
    "R__v.sql": "create or replace view v as select i from b;",
  ]

  private func rows(_ folder: MigrateFolder) throws -> [String] {
    let rows = try folder.target.connect().query(
      """
      SELECT concat_ws(' ', installed_rank, version, type, script, description, success)
      FROM flyway_schema_history ORDER BY installed_rank
      """)
    return (0..<rows.count).map { rows[$0, 0] ?? "" }
  }

  @Test("takes the last one back, leaves Flyway's row, and the next migrate brings all of it back")
  func there() throws {
    try MigrateFolder.with(Self.shop) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      let undone = try folder.dbtool("undo")
      #expect(undone.status == 0)
      #expect(undone.stdout.hasPrefix("undid 1 migration, now at version 1"))
      #expect(undone.stderr.contains("--undo-history=remove"))
      #expect(try folder.ask("SELECT to_regclass('b') IS NULL AND to_regclass('v') IS NULL") == "t")
      let one = ["1 1 SQL V1__a.sql a t", "2 2 SQL V2__b.sql b t", "3 SQL R__v.sql v t"]
      #expect(try rows(folder) == one + ["4 2 UNDO_SQL U2__drop_b.sql drop b t"])
      #expect(
        try folder.ask("SELECT checksum FROM flyway_schema_history WHERE installed_rank = 4") == "2117982056")
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try folder.ask("SELECT count(*) FROM v") == "0")
      #expect(
        try rows(folder).suffix(2) == ["5 2 SQL V2__b.sql b t", "6 SQL R__v.sql v t"])
      #expect(try folder.dbtool("validate").status == 0)
    }
  }

  @Test("with a target takes all back down to it, and tells it in Flyway's document")
  func target() throws {
    try MigrateFolder.with(Self.shop) { (folder) throws in
      _ = try folder.dbtool("migrate")
      let result = try folder.dbtool("undo", "-target=1", "-outputType=json")
      #expect(result.status == 0)
      let document = JSONValue(parsing: result.stdout)
      #expect(document?["migrationsUndone"] == .integer(2))
      #expect(document?["initialSchemaVersion"]?.text == "2")
      #expect(document?["targetSchemaVersion"] == .null)
      #expect(document?["undoneMigrations"]?.items.compactMap { $0["version"]?.text } == ["2", "1"])
      #expect(
        document?["undoneMigrations"]?.items.first?["filepath"]?.text == folder.path + "/sql/U2__drop_b.sql")
      let info = JSONValue(parsing: try folder.dbtool("info", "--json").stdout)?["migrations"]?.items ?? []
      #expect(
        info.compactMap { $0["state"]?.text } == [
          "Undone", "Undone", "Outdated", "Success", "Success", "Pending", "Pending", "Pending",
        ])
      #expect(
        info.last { $0["version"]?.text == "2" }?["undoFilepath"]?.text == folder.path + "/sql/U2__drop_b.sql"
      )
    }
  }

  @Test("with undoHistory=remove leaves a history that has never seen it")
  func remove() throws {
    try MigrateFolder.with(Self.shop) { (folder) throws in
      _ = try folder.dbtool("migrate")
      let undone = try folder.dbtool("undo", "--undo-history=remove")
      #expect(undone.status == 0)
      #expect(!undone.stderr.contains("warning"))
      #expect(try rows(folder) == ["1 1 SQL V1__a.sql a t"])
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try rows(folder).map { $0.split(separator: " ")[0] } == ["1", "2", "3"])
    }
  }

  @Test("a script that fails is rolled back with its row, with the place in the file")
  func failing() throws {
    var scripts = Self.shop
    scripts["U2__drop_b.sql"] = "drop view v;\ndrop table nosuch;"
    try MigrateFolder.with(scripts) { (folder) throws in
      _ = try folder.dbtool("migrate")
      let result = try folder.dbtool("undo")
      #expect(result.status == 1)
      #expect(result.stderr.contains("U2__drop_b.sql:2:"))
      #expect(result.stderr.contains("rolled back"))
      #expect(try folder.ask("SELECT count(*) FROM v") == "0")
      #expect(try rows(folder).count == 3)
    }
  }

  @Test("a version without an undo file is named, and nothing is undone")
  func missing() throws {
    var scripts = Self.shop
    scripts["U1__a.sql"] = nil
    try MigrateFolder.with(scripts) { (folder) throws in
      _ = try folder.dbtool("migrate")
      let result = try folder.dbtool("undo", "--target", "1")
      #expect(result.status == 1)
      #expect(
        result.stderr.contains(
          "error: Unable to undo migration to version 1 as no corresponding undo migration has been found."))
      #expect(result.stderr.contains("U1__a.sql"))
      #expect(try folder.ask("SELECT to_regclass('b') IS NOT NULL") == "t")
    }
  }

  @Test("the callbacks run in Flyway's order, those of a statement, too")
  func callbacks() throws {
    var scripts = Self.shop
    scripts["V3__log.sql"] = "create table log (n serial, what text);"
    scripts["U3__nothing.sql"] = "select 1;"
    for event in [
      "beforeUndo", "beforeEachUndo", "beforeEachUndoStatement", "afterEachUndoStatement", "afterEachUndo",
      "afterUndo",
    ] {
      scripts["\(event).sql"] = "insert into log (what) values ('\(event)');"
    }
    try MigrateFolder.with(scripts) { (folder) throws in
      _ = try folder.dbtool("migrate")
      #expect(try folder.dbtool("undo").status == 0)
      #expect(
        try folder.ask("SELECT string_agg(what, ' ' ORDER BY n) FROM log")
          == "beforeUndo beforeEachUndo beforeEachUndoStatement afterEachUndoStatement afterEachUndo afterUndo"
      )
    }
  }

  @Test("migrate passes over undo files, also when names are validated")
  func naming() throws {
    try MigrateFolder.with(Self.shop) { (folder) throws in
      #expect(try folder.dbtool("migrate", "-validateMigrationNaming=true").status == 0)
      #expect(try folder.history() == ["1 true", "2 true", "v true"])
    }
  }

  @Test("each undo file of the storefront brings the schema back to what it was before")
  func storefront() throws {
    try SharedPostgres.withDatabase { target in
      func run(_ words: String...) throws {
        let result = try runDBTool(
          words + ["--quiet", "--url", target.testURL, "--locations", "filesystem:migrations"],
          in: StorefrontDatabase.root)
        try #require(result.status == 0, "\(words): \(result.stderr)")
      }
      var before: [String] = []
      for version in 1...6 {
        before.append(try DatabaseDump.schema(target))
        try run("migrate", "--target", "\(version)")
      }
      for version in (1...6).reversed() {
        try run("undo")
        #expect(try DatabaseDump.schema(target) == before[version - 1], "after U\(version)")
      }
      try run("migrate")
    }
  }
}
