import DatabaseTools
import Foundation
import LibPQ
import Migrations
import SQLText
import TestSupport
import Testing

@Suite("Scripts, as the server takes them")
struct MigrateScriptTests {
  /// Each writes what it does into `log`.
  static let scripts = [
    "/* a /* b */ ; c */ insert into log values ('1;--'); -- x ; y\ninsert into log values ($q$2 ; $$ ;$q$);;\n;",
    #"insert into log values (E'it\'s;'), (e'it\'s;'); insert into log values (U&'d\0061;')"#,
    """
    create function f(i int) returns text begin atomic
      select case when i > 0 then case when i > 1 then 'two;' else 'one;' end else 'no;' end;
    end;
    insert into log select f(i) from generate_series(0, 2) i;
    """,
    """
    create procedure p(t text) language sql begin atomic
      insert into log values (t); insert into log values ('end');
    end;
    call p('begin; end;');
    """,
    "copy log from stdin with (format csv);\n\"a;b\"\n\"c\nd\"\n\\.\ninsert into log select count(*) from log;\n",
    "copy log from stdin;\n\\.\ncopy log from stdin;\n-- ; $$ ' \"\n\\.\n",
    "prepare q as select $1::text; create table my$tab$1 (\"a;b\" text); insert into log values ('$1')",
    "do $body$ begin perform $x$;$x$; insert into log values ('do;'); end; $body$ ;",
    "create rule r as on insert to log where new.t = 'r' do also (select 1; select 2); insert into log values ('r');",
    "insert into log select '1' -- c;\n '2'; insert into log values ('a'\n'b;c'), ($é$d;e$é$), ($$ $a$ $$);",
    "begin; insert into log values ('kept'); commit; insert into log values ('later');",
    "create view atomic as select 1 as begin; insert into log select begin::text from atomic;",
    "insert into log select i::text from (values (1), (2)) v (i) where i::int=-1 or i=$$2$$::int;",
    #"set standard_conforming_strings = on; insert into log values ('\'); insert into log values ('b;')"#,
    "insert into log values (b'01'::text), (N'n;'), ('''' || ';');\r\ninsert into log values ('crlf');\r\n",
  ]

  @Test("do the same as when psql runs them", arguments: scripts)
  func sameAsPsql(_ script: String) throws {
    let before = "create table log (t text);\n"
    try MigrateFolder.with(["V1__log.sql": before, "V2__script.sql": script]) { (folder) throws in
      let result = try folder.dbtool("migrate")
      #expect(result.status == 0, "\(result.stderr)")
      let expected = try SharedPostgres.withDatabase { target in
        let psql = Process()
        psql.executableURL = URL(filePath: "/usr/bin/env")
        psql.arguments = [
          "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-f", "-", target.testURL,
        ]
        let pipe = Pipe()
        psql.standardInput = pipe
        try psql.run()
        pipe.fileHandleForWriting.write(Data((before + script).utf8))
        pipe.fileHandleForWriting.closeFile()
        psql.waitUntilExit()
        #expect(psql.terminationStatus == 0)
        return try Self.log(target)
      }
      #expect(try Self.log(folder.target) == expected)
      #expect(!expected.isEmpty)
    }
  }

  private static func log(_ target: DatabaseTarget) throws -> [String] {
    let rows = try target.connect().query("SELECT t FROM log")
    return (0..<rows.count).map { rows[$0, 0] ?? "" }
  }

  @Test(
    "cannot run in a transaction where the server says so, and only there",
    arguments: [
      "VACUUM", "VACUUM (ANALYZE) t", "ANALYZE t", "CREATE INDEX CONCURRENTLY ON t (i)",
      "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_i ON t (i)", "CREATE INDEX t_i ON t (i)",
      "DROP INDEX CONCURRENTLY t_j", "DROP INDEX IF EXISTS t_i", "CREATE DATABASE nobody_wants_it",
      "DROP DATABASE nobody_wants_it", "DROP TABLESPACE nobody_wants_it", "ALTER SYSTEM RESET work_mem",
      "REINDEX SCHEMA public", "REINDEX (VERBOSE) SCHEMA public", "REINDEX TABLE t",
      "REINDEX TABLE CONCURRENTLY t", "REINDEX (CONCURRENTLY) TABLE t",
      "REINDEX (CONCURRENTLY FALSE) TABLE t",
      "REINDEX (VERBOSE) TABLE t", "DISCARD ALL", "DISCARD PLANS", "CLUSTER", "CLUSTER VERBOSE",
      "COMMIT PREPARED 'x'", "ROLLBACK PREPARED 'x'", "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
      "ALTER TABLE p DETACH PARTITION p1", "ALTER TYPE mood ADD VALUE 'x'",
      "ALTER DATABASE nobody_wants_it SET TABLESPACE pg_default",
      "CREATE SUBSCRIPTION s2 CONNECTION 'dbname=x' PUBLICATION p", "ALTER SUBSCRIPTION s DISABLE",
      "ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)",
    ])
  func transactions(_ sql: String) throws {
    try SharedPostgres.withDatabase { target in
      let connection = try target.connect()
      for statement in [
        "CREATE TABLE t (i int)", "CREATE INDEX t_j ON t (i)", "CREATE TYPE mood AS ENUM ('a')",
        "CREATE TABLE p (i int) PARTITION BY RANGE (i)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1)",
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
        "ALTER SUBSCRIPTION s SET (slot_name = NONE)", "BEGIN",
      ] {
        try connection.execute(statement)
      }
      var state = ""
      do throws(ServerError) { try connection.execute(sql) } catch { state = error.sqlState }
      try connection.execute("ROLLBACK")
      try connection.execute("DROP SUBSCRIPTION s")
      guard case .statement(let statement)? = try ScriptSplitter.pieces(of: Array(sql.utf8)).first else {
        Issue.record("no statement")
        return
      }
      let canRun = TransactionRule.canRunInTransaction(statement, serverVersion: connection.serverVersion)
      #expect(canRun == (state != "25001"), "the server said '\(state)'")
    }
  }

  @Test(
    "that open what they never close fail with its place, and nothing of them runs",
    arguments: [
      ("select 1;\n/* open", 2, 1, "ERROR"), ("select 'open\nx", 1, 8, "FAILED_VERSIONED_MIGRATION"),
      ("create table c (i int);\ncopy c from stdin;\n1\n", 2, 1, "ERROR"),
      ("select $x$ abc", 1, 8, "FAILED_VERSIONED_MIGRATION"),
      ("select (1;", 1, 8, "FAILED_VERSIONED_MIGRATION"),
      ("select \"a", 1, 8, "FAILED_VERSIONED_MIGRATION"),
      ("create function f() returns int begin atomic select 1;", 1, 33, "ERROR"),
    ])
  func unclosed(_ script: String, _ line: Int, _ column: Int, _ code: String) throws {
    try MigrateFolder.with(["V1__a.sql": "create table a ();", "V2__b.sql": script]) { (folder) throws in
      let result = try folder.flyway("migrate")
      #expect(result.status == 1)
      #expect(result.document["error"]?["errorCode"]?.text == code)
      #expect(result.stderr.contains("  at sql/V2__b.sql:\(line):\(column)\n"))
      #expect(try folder.history() == ["1 true"])
      #expect(try folder.ask("SELECT to_regclass('c')") == nil)
    }
  }

  @Test("fail with the place in a DO block, and with the statement that a function made")
  func bodies() throws {
    let block = "do $$\nbegin\n  perform 1;\n  perform nosuch();\nend $$"
    try MigrateFolder.with(["V1__a.sql": block]) { (folder) throws in
      #expect(try folder.dbtool("migrate").stderr.contains("  at sql/V1__a.sql:4:3\n"))
      try folder.write(
        "V1__a.sql",
        """
        create function f() returns int language plpgsql as $$
        begin
          return nosuch from pg_class;
        end $$;
        select f();
        """)
      let stderr = try folder.dbtool("migrate").stderr
      #expect(stderr.contains("  at sql/V1__a.sql:5:1\n"))
      #expect(
        stderr.contains("  detail: PL/pgSQL function f() line 3 at RETURN\n          in the statement:\n"))
    }
  }
}
