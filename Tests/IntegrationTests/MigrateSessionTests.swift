import DatabaseTools
import LibPQ
import TestSupport
import Testing

/// Source of the rules: Flyway 13; the expected values are what it was seen to do.
@Suite("The session a migration finds, and the row it leaves")
struct MigrateSessionTests {
  @Test("has its role and search path back, as Flyway sets them; settings and temporary tables stay")
  func reset() throws {
    let scripts = [
      "V1__a.sql":
        "set search_path = pg_catalog; set role pg_monitor; set work_mem = '7MB'; create temp table kept (i int)",
      "V2__b.sql": """
      create table x as select current_setting('work_mem') || ' ' || current_setting('search_path') || ' '
        || current_user || ' ' || (select count(*) from kept) as found
      """,
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      let result = try folder.flyway("migrate")
      #expect(result.status == 0, "\(result.stderr)")
      let user = try folder.ask("SELECT current_user") ?? ""
      #expect(try folder.ask("SELECT found FROM public.x") == #"7MB "public","$user", public \#(user) 0"#)
    }
  }

  @Test(
    "is shown with the time of its row as Java prints it",
    arguments: [
      ("2026-01-01 10:00:00", "2026-01-01T10:00:00Z"), ("2026-01-01 10:00:00.5", "2026-01-01T10:00:00.500Z"),
      ("2026-01-01 10:00:00.123456", "2026-01-01T10:00:00.123456Z"),
    ])
  func times(_ stored: String, _ shown: String) throws {
    try MigrateFolder.with(["V1__a.sql": "select 1"]) { (folder) throws in
      #expect(try folder.flyway("migrate").status == 0)
      try folder.target.connect().execute("UPDATE flyway_schema_history SET installed_on = '\(stored)'")
      let document = try folder.flyway("info", "-initSql=set timezone = 'UTC'").document
      guard case .array(let lines)? = document["migrations"] else {
        Issue.record("no list of migrations")
        return
      }
      #expect(lines.first?["installedOnUTC"]?.text == shown)
    }
  }

  @Test("needs a schema that is there when none may be made")
  func noSchema() throws {
    try MigrateFolder.with(["V1__a.sql": "select 1"]) { (folder) throws in
      for command in ["migrate", "baseline"] {
        let result = try folder.flyway(command, "-schemas=nowhere", "-createSchemas=false")
        #expect(result.status == 1)
        let error = result.document["error"]
        #expect(error?["errorCode"]?.text == "DB_CONNECTION")
        #expect(error?["sqlState"]?.text == "3F000")
        #expect(
          error?["message"]?.text?.hasPrefix("Failed to execute script \n-------------------------\n") == true
        )
        #expect(result.stderr.contains("hint: create it, or let it be created: createSchemas=true"))
        #expect(try folder.ask("SELECT to_regnamespace('nowhere')") == nil)
      }
    }
  }

  @Test(
    "counts a schema as empty where Flyway does: what an extension brought, views that are stored, row types")
  func emptiness() throws {
    for (sql, isEmpty) in [
      ("CREATE MATERIALIZED VIEW m AS SELECT 1", true), ("CREATE TYPE c AS (i int)", true),
      ("CREATE TABLE p (i int) PARTITION BY RANGE (i)", true), ("CREATE EXTENSION hstore", true),
      ("CREATE SEQUENCE s", false), ("CREATE VIEW v AS SELECT 1", false),
      ("CREATE TYPE e AS ENUM ('a')", false), ("CREATE DOMAIN d AS int", false),
      ("CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1", false),
    ] {
      try MigrateFolder.with([:]) { (folder) throws in
        try folder.target.connect().execute(sql)
        let document = try folder.flyway("migrate").document
        let code = document["error"]?["errorCode"]?.text
        #expect(code == (isEmpty ? nil : "NON_EMPTY_SCHEMA_WITHOUT_SCHEMA_HISTORY_TABLE"), "\(sql)")
      }
    }
  }

  @Test("runs on after Flyway's history of every kind of row, and refuses what Flyway cannot read")
  func rows() throws {
    try MigrateFolder.with(["V1__a.sql": "select 1", "V3__c.sql": "select 3"]) { (folder) throws in
      #expect(try folder.flyway("migrate", "-target=1").status == 0)
      func type(_ name: String) throws -> String? {
        try folder.target.connect().execute(
          "DELETE FROM flyway_schema_history WHERE version = '2'; INSERT INTO flyway_schema_history"
            + " VALUES (2, '2', 'b', '\(name)', 'b', NULL, 'someone', now(), 1, true)")
        return try folder.flyway("info").document["error"]?["errorCode"]?.text
      }
      for known in ["JDBC", "SPRING_JDBC", "SCRIPT", "CUSTOM", "JDBC_BASELINE", "SQL_STATE_SCRIPT"] {
        #expect(try type(known) == nil, "\(known)")
      }
      #expect(try type("sql") == "FAULT")
      #expect(try type("NOSUCH") == "ERROR")
    }
  }
}
