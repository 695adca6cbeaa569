import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

/// Holds a table's lock, so that a migration stops exactly where it wants the table.
private struct Gate {
  private let session: Connection

  init(_ folder: MigrateFolder, _ sql: String = "LOCK TABLE gate") throws {
    session = try folder.target.connect()
    try session.execute("CREATE TABLE IF NOT EXISTS gate (i int)")
    try session.execute("BEGIN; \(sql)")
  }

  func open() throws { try session.execute("ROLLBACK") }
}

extension MigrateFolder {
  fileprivate func count(_ table: String) throws -> String? { try ask("SELECT count(*) FROM \(table)") }

  /// How many sessions of dbtool there are.
  fileprivate func sessions() throws -> String? {
    try ask(
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'dbtool migrate'"
    )
  }

  /// Waits until a session of dbtool waits for a lock in a statement of this kind.
  fileprivate func waitUntilBlocked(in words: String) throws {
    let isBlocked = try eventually {
      try ask(
        """
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'dbtool migrate' AND wait_event_type = 'Lock' AND query ILIKE '%\(words)%'
        """) == "1"
    }
    #expect(isBlocked, "nobody is blocked in \(words)")
  }

  /// Starts migrate, kills it in a statement, and waits until its session is gone.
  fileprivate func killMigrate(in words: String) throws {
    let process = try start("migrate")
    try waitUntilBlocked(in: words)
    process.send(SIGKILL)
    #expect(process.finish().status == 128 + SIGKILL)
    let isGone = try eventually { try sessions() == "0" }
    #expect(isGone)
  }
}

@Suite("A migration that is cut off")
struct MigrateCrashTests {
  private static let outside = "executeInTransaction=false"

  @Test("in a transaction leaves nothing, and the next run applies it")
  func transactional() throws {
    let scripts = [
      "V1__a.sql": "create table a (i int);",
      "V2__b.sql": "create table b (i int);\ninsert into gate values (1);\ninsert into b values (1);",
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      #expect(try folder.dbtool("baseline", "--baseline-version", "0").status == 0)
      let gate = try Gate(folder)
      try folder.killMigrate(in: "insert into gate")
      #expect(try folder.history() == ["0 true", "1 true"])
      #expect(try folder.ask("SELECT to_regclass('b')") == nil)
      try gate.open()
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try folder.history() == ["0 true", "1 true", "2 true"])
      #expect(try folder.count("b") == "1")
    }
  }

  /// A script that stops in its third statement, at the gate.
  private static let fourRows = """
    create table a (i int);
    insert into a values (1);
      insert into gate values (2);
    insert into a values (3);
    """

  private func withCutOffScript(_ body: (MigrateFolder) throws -> Void) throws {
    try MigrateFolder.with(["V1__rows.sql": Self.fourRows, "V1__rows.sql.conf": Self.outside]) {
      (folder) throws in
      #expect(try folder.dbtool("baseline", "--baseline-version", "0").status == 0)
      let gate = try Gate(folder)
      try folder.killMigrate(in: "insert into gate")
      try gate.open()
      try body(folder)
    }
  }

  @Test("outside a transaction stops at the statement whose fate is unknown, and goes on where a person says")
  func unknown() throws {
    try withCutOffScript { (folder) throws in
      let stopped = try folder.dbtool("migrate")
      #expect(stopped.status == 1)
      #expect(stopped.stderr.contains("error: a run before was cut off in statement 3 of V1__rows.sql"))
      #expect(stopped.stderr.contains("at sql/V1__rows.sql:3:3\n"))
      #expect(stopped.stderr.contains("--resume-at=3 to run it again, --resume-at=4 if it took effect"))
      #expect(try folder.count("a") == "1")
      #expect(try folder.history() == ["0 true"])
      let resumed = try folder.dbtool("migrate", "--resume-at=3")
      #expect(resumed.status == 0)
      #expect(resumed.stderr.contains("V1__rows.sql goes on at statement 3 of 4"))
      #expect(try folder.count("a") == "2")
      #expect(try folder.count("gate") == "1")
      #expect(try folder.history() == ["0 true", "1 true"])
      #expect(try folder.ask("SELECT to_regclass('dbtool_progress')") == nil)
    }
  }

  @Test("outside a transaction passes over the unknown statement when a person says that it took effect")
  func passedOver() throws {
    try withCutOffScript { (folder) throws in
      let wrong = try folder.dbtool("migrate", "--resume-at=6")
      #expect(wrong.status == 1)
      #expect(wrong.stderr.contains("the script has 4 statements; it cannot go on at statement 6"))
      #expect(try folder.dbtool("migrate", "--resume-at=4").status == 0)
      #expect(try folder.count("a") == "2")
      #expect(try folder.count("gate") == "0")
      #expect(try folder.history() == ["0 true", "1 true"])
    }
  }

  @Test("outside a transaction is not gone on with when the file has changed before that place")
  func changed() throws {
    try withCutOffScript { (folder) throws in
      try folder.write("V1__rows.sql", Self.fourRows.replacing("values (1)", with: "values (10)"))
      let stopped = try folder.dbtool("migrate")
      #expect(stopped.status == 1)
      #expect(stopped.stderr.contains("error: statement 2 of this script is not the one"))
      #expect(stopped.stderr.contains("at sql/V1__rows.sql:2:1\n"))
      #expect(try folder.count("a") == "1")
    }
  }

  @Test("outside a transaction begins anew after repair")
  func repaired() throws {
    try withCutOffScript { (folder) throws in
      #expect(try folder.dbtool("repair").status == 0)
      try folder.target.connect().execute("DROP TABLE a")
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try folder.count("a") == "2")
      #expect(try folder.count("gate") == "1")
    }
  }

  @Test(
    "by an error of the server goes on at the statement that failed, with the settings of those before it")
  func failed() throws {
    let script = "create schema x;\nset search_path to x;\ncreate table a (i int);\ninsert into b values (1);"
    try MigrateFolder.with(["V1__x.sql": script, "V1__x.sql.conf": Self.outside]) { (folder) throws in
      #expect(try folder.dbtool("migrate").stderr.contains("at sql/V1__x.sql:4:13\n"))
      try folder.write("V1__x.sql", script.replacing("into b", with: "into a"))
      let resumed = try folder.dbtool("migrate")
      #expect(resumed.status == 0)
      #expect(resumed.stderr.contains("goes on at statement 4 of 4"))
      #expect(try folder.count("x.a") == "1")
      #expect(try folder.history() == ["1 true"])
    }
  }

  @Test("in a transaction of its own, outside ours, begins at that transaction again")
  func ownTransaction() throws {
    let script =
      "create table a (i int);\nbegin;\ninsert into a values (1);\ninsert into gate values (1);\ncommit;"
    try MigrateFolder.with(["V1__x.sql": script, "V1__x.sql.conf": Self.outside]) { (folder) throws in
      #expect(try folder.dbtool("baseline", "--baseline-version", "0").status == 0)
      let gate = try Gate(folder)
      try folder.killMigrate(in: "insert into gate")
      try gate.open()
      let resumed = try folder.dbtool("migrate")
      #expect(resumed.status == 0)
      #expect(resumed.stderr.contains("goes on at statement 2 of 5"))
      #expect(try folder.count("a") == "1")
      #expect(try folder.count("gate") == "1")
    }
  }

  /// An index build that waits for a transaction which has seen the table.
  private func withCutOffIndex(_ body: (MigrateFolder) throws -> Void) throws {
    let scripts = [
      "V1__t.sql": "create table t (i int);\ninsert into t values (1);",
      "V2__index.sql": "create index concurrently t_i on t (i);",
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      #expect(try folder.dbtool("migrate", "--target", "1").status == 0)
      let gate = try Gate(folder, "INSERT INTO t VALUES (2)")
      try folder.killMigrate(in: "create index concurrently")
      try gate.open()
      #expect(try folder.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_i'::regclass") == "f")
      try body(folder)
    }
  }

  @Test("in CREATE INDEX CONCURRENTLY finds the INVALID index, names it, and builds it again")
  func invalidIndex() throws {
    try withCutOffIndex { (folder) throws in
      let resumed = try folder.dbtool("migrate")
      #expect(resumed.status == 0)
      #expect(resumed.stderr.contains("index t_i is INVALID"))
      #expect(try folder.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_i'::regclass") == "t")
      #expect(try folder.history() == ["1 true", "2 true"])
      #expect(try folder.ask("SELECT to_regclass('dbtool_progress')") == nil)
    }
  }

  @Test("by an error in CREATE INDEX CONCURRENTLY drops the INVALID index before it builds it again")
  func failedIndex() throws {
    let script = "create unique index concurrently t_i on t (i);"
    let scripts = [
      "V1__t.sql": "create table t (i int); insert into t values (1), (1);", "V2__i.sql": script,
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      #expect(try folder.dbtool("migrate").stderr.contains("SQLSTATE 23505"))
      #expect(try folder.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_i'::regclass") == "f")
      try folder.target.connect().execute("DELETE FROM t WHERE ctid = '(0,1)'")
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try folder.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_i'::regclass") == "t")
    }
  }

  @Test("in CREATE INDEX CONCURRENTLY takes an index that is valid for done")
  func validIndex() throws {
    try withCutOffIndex { (folder) throws in
      try folder.target.connect().execute("REINDEX INDEX t_i")
      let before = try folder.ask("SELECT 't_i'::regclass::oid")
      let resumed = try folder.dbtool("migrate")
      #expect(resumed.status == 0)
      #expect(resumed.stderr.contains("index t_i was built by the run that was cut off"))
      #expect(try folder.ask("SELECT 't_i'::regclass::oid") == before)
      #expect(try folder.history() == ["1 true", "2 true"])
    }
  }

  @Test("leaves a side table that makes no schema look used, and that clean drops")
  func sideTable() throws {
    try MigrateFolder.with(["V1__v.sql": "vacuum;\nvacuum nothing;"]) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 1)
      #expect(try folder.count("dbtool_progress") == "2")
      try folder.target.connect().execute("DROP TABLE flyway_schema_history")
      #expect(try folder.dbtool("migrate").stderr.contains("relation \"nothing\" does not exist"))
      #expect(try folder.dbtool("clean", "--clean-disabled=false").status == 0)
      #expect(try folder.ask("SELECT to_regclass('dbtool_progress')") == nil)
    }
  }

  @Test("leaves no side table for good when it was cut off between its last row and the end")
  func forgottenSideTable() throws {
    let scripts = [
      "V1__v.sql": "select 1;", "V1__v.sql.conf": Self.outside, "V2__a.sql": "insert into gate values (1);",
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      #expect(try folder.dbtool("baseline", "--baseline-version", "0").status == 0)
      let gate = try Gate(folder)
      try folder.killMigrate(in: "insert into gate")
      try gate.open()
      #expect(try folder.count("dbtool_progress") == "0")
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try folder.ask("SELECT to_regclass('dbtool_progress')") == nil)
    }
  }

  @Test("makes no side table when every script is a transaction")
  func noSideTable() throws {
    try MigrateFolder.with(["V1__v.sql": "select 1;"]) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try folder.ask("SELECT to_regclass('dbtool_progress')") == nil)
      #expect(try folder.dbtool("migrate", "--resume-at=2").status == 0)
    }
  }

  // MARK: - At COMMIT

  /// V2's COMMIT waits at the gate, in a deferred trigger.
  private static let slowCommit = [
    "V1__t.sql": """
    create table t (i int);
    create function pass() returns trigger language plpgsql as $$ begin insert into gate values (1); return null; end $$;
    create constraint trigger late after insert on t deferrable initially deferred for each row execute function pass();
    """,
    "V2__slow.sql": "insert into t values (1);",
  ]

  @Test("by a lost connection at COMMIT asks the database, and says that nothing of it is there")
  func lostBeforeCommit() throws {
    try MigrateFolder.with(Self.slowCommit) { (folder) throws in
      #expect(try folder.dbtool("migrate", "--target", "1").status == 0)
      let gate = try Gate(folder)
      let process = try folder.start("migrate")
      try folder.waitUntilBlocked(in: "COMMIT")
      _ = try folder.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dbtool migrate' AND datname = current_database()"
      )
      let ended = process.finish()
      #expect(ended.status == 1)
      #expect(ended.stderr.contains("error: the connection was lost while version 2 was committed"))
      #expect(ended.stderr.contains("the history has no row of it: version 2 was rolled back"))
      try gate.open()
      #expect(try folder.history() == ["1 true"])
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try folder.count("t") == "1")
    }
  }

  @Test("by a lost connection behind COMMIT asks the database, and says that it stays applied")
  func lostAfterCommit() throws {
    try RestartableServer.with { server in
      try MigrateFolder.with(Self.slowCommit, on: server.target) { (folder) throws in
        #expect(try folder.dbtool("migrate", "--target", "1").status == 0)
        let admin = try folder.target.connect()
        try admin.execute("ALTER DATABASE postgres SET synchronous_commit = on")
        let gate = try Gate(folder)
        let process = try folder.start("migrate")
        try folder.waitUntilBlocked(in: "COMMIT")
        // From here on a COMMIT is written, and then waits for a standby that is not there.
        try admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try admin.execute("SELECT pg_reload_conf()")
        // Until the server has heard of it, somebody else's commits go through.
        let commits = URL(filePath: folder.path).appending(path: "commits.txt")
        try "CREATE TEMP TABLE probe (i int) ON COMMIT DROP \\watch 0.01"
          .write(to: commits, atomically: true, encoding: .utf8)
        let others = try PoolProgram(
          PoolProgram.postgres("psql"), ["-Xq", "-f", commits.path, folder.target.testURL], databaseURL: "")
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        let isHeard = try eventually { try folder.ask(waiting) == "1" }
        others.end(by: SIGKILL)
        #expect(isHeard)
        _ = try folder.ask(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        #expect(try eventually { try folder.ask(waiting) == "0" })
        try gate.open()
        let waits = try eventually { try folder.ask(waiting) == "1" }
        #expect(waits)
        _ = try folder.ask(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        let ended = process.finish()
        #expect(ended.status == 1)
        #expect(ended.stderr.contains("the history has its row: version 2 was committed and stays applied"))
        #expect(try folder.history() == ["1 true", "2 true"])
        #expect(try folder.dbtool("migrate").status == 0)
      }
    }
  }

  @Test("by a crash of the server loses nothing that was said to be applied")
  func serverCrash() throws {
    try RestartableServer.with { server in
      let scripts = [
        "V1__a.sql": "create table a (i int);",
        "V2__b.sql": "create table b (i int);\ninsert into gate values (1);",
      ]
      try MigrateFolder.with(scripts, on: server.target) { (folder) throws in
        // The throwaway server answers a COMMIT before it is on disk.
        try folder.target.connect().execute("ALTER DATABASE postgres SET synchronous_commit = on")
        #expect(try folder.dbtool("baseline", "--baseline-version", "0").status == 0)
        let gate = try Gate(folder)
        let process = try folder.start("migrate")
        try folder.waitUntilBlocked(in: "insert into gate")
        try server.stop("immediate")
        withExtendedLifetime(gate) {}
        let ended = process.finish()
        #expect(ended.status == 1)
        #expect(ended.stderr.contains("applied version 1"))
        #expect(ended.stderr.contains("Nothing was changed by this migration"))
        try server.start()
        #expect(try folder.history() == ["0 true", "1 true"])
        #expect(try folder.dbtool("migrate").status == 0)
        #expect(try folder.history() == ["0 true", "1 true", "2 true"])
      }
    }
  }

  // MARK: - Many

  @Test("has nothing to do with twenty that start at once: one applies, all end well")
  func twenty() throws {
    let scripts = Dictionary(
      uniqueKeysWithValues: (1...10).map { ("V\($0)__t.sql", "create table t\($0) (i int);") })
    try MigrateFolder.with(scripts) { (folder) throws in
      let processes = try (1...20).map { _ in try folder.start("migrate") }
      let results = processes.map { $0.finish() }
      for result in results { #expect(result.status == 0, "\(result.stderr)") }
      #expect(results.count { $0.stdout.contains("applied 10 migrations") } == 1)
      #expect(try folder.history() == (1...10).map { "\($0) true" })
    }
  }
}
