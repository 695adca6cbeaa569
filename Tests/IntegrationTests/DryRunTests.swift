import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("dbtool --dry-run")
struct DryRunTests {
  private static let scripts = [
    "V1__t.sql": """
    create table t (i int, what text); -- the semicolon is in front
    copy t from stdin;
    1\t${who}
    2\ta\\\\b
    \\.
    create function f() returns text language plpgsql as $$ begin return '${who};'; end $$;
    """,
    "V2__i.sql": "create index concurrently t_i on t (i)",
    "V3__role.sql":
      "create schema other; set search_path = other; insert into public.t values (3, ':who') -- last",
    "V4__begin.sql":
      "create function g() returns int language sql begin atomic; select case when true then 1 end; end;",
    "R__v.sql": "create or replace view v as select * from t;",
    "U4__begin.sql": "drop function g;",
    "U3__role.sql": "delete from t where i = 3; drop schema other;",
    "beforeMigrate.sql": "create table if not exists log (n serial, what text);",
    "beforeEachMigrateStatement.sql": "insert into public.log (what) values ('statement');",
    "afterEachMigrate.sql": "insert into public.log (what) values ('${flyway:filename}');",
    "afterMigrate__done.sql": "insert into public.log (what) values ('done');",
    "beforeEachUndo.sql": "insert into public.log (what) values ('undo');",
  ]
  private static let options = ["--placeholders.who", "its me", "--mixed"]

  @Test("makes a missing schema once, whichever command comes first")
  func schemas() throws {
    try MigrateFolder.with(["V1__a.sql": "create table a ()"]) { (folder) throws in
      let options = ["-schemas=n1,n2", "-baselineVersion=0", "baseline", "migrate"]
      let written = try folder.run(options + ["--dry-run"])
      #expect(written.stdout.split(separator: "\n").filter { $0.hasPrefix("CREATE SCHEMA") }.count == 2)
      try SharedPostgres.withDatabase { copy in
        try DatabaseDump.play(written.stdout, on: copy)
        #expect(try folder.run(options).status == 0)
        #expect(try DatabaseDump.schema(copy) == DatabaseDump.schema(folder.target))
        let rows = "SELECT string_agg(script, ' ' ORDER BY installed_rank) FROM n1.flyway_schema_history"
        #expect(try copy.connect().query(rows).first == folder.ask(rows))
      }
    }
  }

  @Test("leaves stdout to a command that only looks")
  func looking() throws {
    try MigrateFolder.with(["V1__a.sql": "select 1"]) { (folder) throws in
      let table = "| Versioned | 1       | a  "
      #expect(try folder.dbtool("info", "--dry-run", "-q").stdout.contains(table))
      // SQL has stdout when there is some; the table is a result all the same.
      #expect(try folder.dbtool("migrate", "info", "--dry-run", "-q").stderr.contains(table))
    }
  }

  @Test(
    "writes what migrate and undo run: played by psql it makes the same database, and touches nothing itself")
  func same() throws {
    try MigrateFolder.with(Self.scripts) { (folder) throws in
      try SharedPostgres.withDatabase { copy in
        let untouched = try DatabaseDump.schema(folder.target)
        let written = try folder.run(["migrate", "--dry-run"] + Self.options)
        #expect(written.status == 0, "\(written.stderr)")
        #expect(written.stderr.contains("5 migrations would be applied"))
        #expect(try DatabaseDump.schema(folder.target) == untouched)
        #expect(try folder.ask("SELECT to_regclass('flyway_schema_history') IS NULL") == "t")

        #expect(try folder.run(["migrate"] + Self.options).status == 0)
        try DatabaseDump.play(written.stdout, on: copy)
        #expect(try DatabaseDump.everything(copy) == DatabaseDump.everything(folder.target))

        for history in ["keep", "remove"] {
          let words = ["undo", "--undo-history", history] + Self.options
          let before = try DatabaseDump.everything(folder.target)
          #expect(try folder.run(words + ["--dry-run=undo.sql"]).status == 0)
          #expect(try DatabaseDump.everything(folder.target) == before)
          #expect(try folder.run(words).status == 0)
          let sql = try String(contentsOfFile: folder.path + "/undo.sql", encoding: .utf8)
          try DatabaseDump.play(sql, on: copy)
          #expect(try DatabaseDump.everything(copy) == DatabaseDump.everything(folder.target), "\(history)")
        }
      }
    }
  }

  @Test("the schemas it would create, the baseline and the repairs are in it, too")
  func around() throws {
    try MigrateFolder.with(["V2__b.sql": "create table b ();"]) { (folder) throws in
      try SharedPostgres.withDatabase { copy in
        func both(_ words: [String]) throws {
          let written = try folder.run(words + ["--dry-run", "--schemas", "public,extra"])
          #expect(written.status == 0, "\(written.stderr)")
          #expect(try folder.run(words + ["--schemas", "public,extra"]).status == 0)
          try DatabaseDump.play(written.stdout, on: copy)
          #expect(try DatabaseDump.everything(copy) == DatabaseDump.everything(folder.target))
        }
        try both(["baseline"])
        try both(["migrate"])
        try folder.write("V2__b.sql", "create table b (); -- changed")
        try both(["repair"])
      }
    }
  }

  @Test("the server itself keeps it from writing")
  func readOnly() throws {
    try MigrateFolder.with(["V1__a.sql": "create table a ();"]) { (folder) throws in
      let result = try folder.run(["migrate", "--dry-run", "--init-sql", "create table sly ()"])
      #expect(result.status == 0)
      #expect(result.stdout.contains("create table sly ();"))
      #expect(result.stderr.contains("initSql writes"))
      #expect(try folder.ask("SELECT to_regclass('sly') IS NULL") == "t")
    }
  }

  @Test("a script that cannot be read leaves no file; clean and JSON on stdout are refused")
  func refused() throws {
    try MigrateFolder.with(["V1__a.sql": "select '${missing}';"]) { (folder) throws in
      let failed = try folder.run(["migrate", "--dry-run=out.sql"])
      #expect(failed.status == 1)
      #expect(failed.stderr.contains("V1__a.sql:1"))
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(!names.contains { $0.hasPrefix("out.sql") })
      #expect(try folder.run(["clean", "--dry-run", "--clean-disabled=false"]).status == 64)
      #expect(try folder.run(["migrate", "--dry-run", "--json"]).status == 64)
    }
  }
}
