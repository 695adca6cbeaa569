import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

/// Holds a table in a transaction of its own, under a name, until it is let go.
private final class TableHolder {
  private let connection: Connection
  let pid: Int32

  init(_ table: String, at target: DatabaseTarget, in mode: String = "ACCESS EXCLUSIVE") throws {
    connection = try target.connect(applicationName: "nightly report")
    pid = connection.backendPID
    try connection.execute("BEGIN")
    try connection.execute("LOCK TABLE \(table) IN \(mode) MODE")
  }

  func letGo() throws { try connection.execute("COMMIT") }
}

@Suite("A migration that waits")
struct MigrateWaitingTests {
  private func waits(_ process: DBToolProcess, for text: String) -> Bool {
    eventually(within: .seconds(60)) { process.stderrSoFar.contains(text) }
  }

  @Test("for a table lock says who holds it, and goes on when it is free")
  func tableLock() throws {
    try MigrateFolder.with(["V1__t.sql": "create table t (i int);"]) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      try folder.write("V2__j.sql", "alter table t add j int;")
      let holder = try TableHolder("t", at: folder.target)
      let process = try folder.start("migrate")
      #expect(
        waits(process, for: "held by pid \(holder.pid) (nightly report, 127.0.0.1), idle in transaction for"))
      #expect(process.stderrSoFar.contains("last statement: LOCK TABLE t IN ACCESS"))
      try holder.letGo()
      let result = process.finish()
      #expect(result.status == 0)
      #expect(try folder.history() == ["1 true", "2 true"])
    }
  }

  @Test("for another migrator's lock says who holds it; when that takes too long, in the error, too")
  func migratorLock() throws {
    try MigrateFolder.with(["V1__t.sql": "create table t (i int);"]) { (folder) throws in
      let other = try folder.target.connect(applicationName: "flyway")
      _ = try other.query("SELECT pg_advisory_lock(77433833903597)")
      let result = try folder.dbtool("migrate", "--lock-retry-count", "2")
      #expect(result.status == 1)
      let holder = "held by pid \(other.backendPID) (flyway, 127.0.0.1), idle for"
      #expect(result.stderr.contains("another migrator is at work; waiting for its lock (1 s), \(holder)"))
      #expect(result.stderr.contains("error: Number of retries exceeded"))
      #expect(result.stderr.contains("detail: the lock is \(holder)"))
      let process = try folder.start("migrate")
      #expect(waits(process, for: holder))
      other.close()
      #expect(process.finish().status == 0)
      #expect(try folder.history() == ["1 true"])
    }
  }

  @Test("not longer than --lock-timeout fails with the holder's name, and is rolled back")
  func lockTimeout() throws {
    try MigrateFolder.with(["V1__t.sql": "create table t (i int);"]) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      try folder.write("V2__j.sql", "create table u (i int); alter table t add j int;")
      let holder = try TableHolder("t", at: folder.target)
      let result = try folder.dbtool("migrate", "--lock-timeout", "2s")
      #expect(result.status == 1)
      #expect(result.stderr.contains("error: canceling statement due to lock timeout (SQLSTATE 55P03)"))
      #expect(result.stderr.contains("at sql/V2__j.sql:1:25"))
      #expect(result.stderr.contains("detail: the lock is held by pid \(holder.pid) (nightly report"))
      #expect(result.stderr.contains("--retries N"))
      #expect(try folder.ask("SELECT to_regclass('u')") == nil)
      #expect(try folder.history() == ["1 true"])
    }
  }

  @Test("not longer than --lock-timeout is tried again with --retries, until the lock is free")
  func retries() throws {
    try MigrateFolder.with(["V1__t.sql": "create table t (i int);"]) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      try folder.write("V2__j.sql", "create table u (i int); alter table t add j int;")
      let holder = try TableHolder("t", at: folder.target)
      let process = try folder.start("migrate", "--lock-timeout", "100ms", "--retries", "1000")
      #expect(waits(process, for: "(2 of 1000)"))
      #expect(process.stderrSoFar.contains("lock timeout"))
      #expect(process.stderrSoFar.contains("rolled back; trying again in"))
      try holder.letGo()
      #expect(process.finish().status == 0)
      #expect(try folder.history() == ["1 true", "2 true"])
    }
  }

  @Test("outside a transaction is tried again statement by statement, each done once")
  func retriedStatement() throws {
    try MigrateFolder.with(["V1__t.sql": "create table t (i int); create table log (i int);"]) {
      (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      try folder.write("V2__j.sql", "insert into log values (1); alter table t add j int;")
      try folder.write("V2__j.sql.conf", "executeInTransaction=false")
      let holder = try TableHolder("t", at: folder.target)
      let process = try folder.start("migrate", "--lock-timeout", "100ms", "--retries", "1000")
      #expect(waits(process, for: "(2 of 1000)"))
      try holder.letGo()
      #expect(process.finish().status == 0)
      #expect(try folder.ask("SELECT count(*) FROM log") == "1")
      #expect(try folder.history() == ["1 true", "2 true"])
    }
  }

  @Test("in CREATE INDEX CONCURRENTLY names the INVALID index that is left, and what becomes of it")
  func invalidIndex() throws {
    try withIndexBuild { (folder, holder) throws in
      let result = try folder.dbtool("migrate", "--lock-timeout", "2s")
      #expect(result.status == 1)
      #expect(result.stderr.contains("(SQLSTATE 55P03)\n  at sql/V2__i.sql:1:1\n"))
      #expect(result.stderr.contains("index t_i is left INVALID"))
      #expect(result.stderr.contains("the lock is held by pid \(holder.pid) (nightly report"))
      #expect(try isValid(folder) == "f")
      try holder.letGo()
      #expect(try folder.dbtool("migrate", "--lock-timeout", "30s").status == 0)
      #expect(try isValid(folder) == "t")
    }
  }

  @Test("in CREATE INDEX CONCURRENTLY drops the INVALID index before each retry, and builds it in the end")
  func retriedIndex() throws {
    try withIndexBuild { (folder, holder) throws in
      let process = try folder.start("migrate", "--lock-timeout", "100ms", "--retries", "1000")
      #expect(waits(process, for: "warning: index t_i is INVALID"))
      #expect(waits(process, for: "dropping index t_i: canceling statement due to lock timeout"))
      try holder.letGo()
      let result = process.finish()
      #expect(result.status == 0, "\(result.stderr)")
      #expect(try isValid(folder) == "t")
      #expect(try folder.history() == ["1 true", "2 true"])
      #expect(try folder.ask("SELECT to_regclass('dbtool_progress')") == nil)
    }
  }

  private func withIndexBuild(_ body: (MigrateFolder, TableHolder) throws -> Void) throws {
    try MigrateFolder.with(["V1__t.sql": "create table t (i int); insert into t values (1);"]) {
      (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      try folder.write("V2__i.sql", "create index concurrently t_i on t (i);")
      // A build waits in its second step for whoever has written to the table.
      try body(folder, try TableHolder("t", at: folder.target, in: "ROW EXCLUSIVE"))
    }
  }

  private func isValid(_ folder: MigrateFolder) throws -> String? {
    try folder.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_i'::regclass")
  }

  @Test("in undo is tried again, too")
  func retriedUndo() throws {
    let scripts = ["V1__t.sql": "create table t (i int);", "U1__t.sql": "drop table t;"]
    try MigrateFolder.with(scripts) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      let holder = try TableHolder("t", at: folder.target)
      let process = try folder.start("undo", "--lock-timeout", "100ms", "--retries", "1000")
      #expect(waits(process, for: "(2 of 1000)"))
      #expect(process.stderrSoFar.contains("rolled back; trying again in"))
      try holder.letGo()
      #expect(process.finish().status == 0)
      #expect(try folder.ask("SELECT to_regclass('t')") == nil)
      #expect(try folder.history() == ["1 true", "1 true"])
    }
  }

  @Test("has its limits in every migration, unless a script sets its own, which ends with it")
  func limits() throws {
    let shown = """
      insert into seen select current_setting('lock_timeout') || ' ' || current_setting('statement_timeout');
      """
    let scripts = [
      "V1__a.sql": "create table seen (what text); " + shown,
      "V2__b.sql": "set lock_timeout = '7s'; set statement_timeout = 0; " + shown,
      "V3__c.sql": shown,
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      #expect(try folder.dbtool("migrate", "--lock-timeout", "3s", "--statement-timeout", "1m").status == 0)
      #expect(try folder.ask("SELECT string_agg(what, ', ') FROM seen") == "3s 1min, 7s 0, 3s 1min")
    }
  }

  @Test("longer than --statement-timeout is ended by the server")
  func statementTimeout() throws {
    try MigrateFolder.with(["V1__slow.sql": "select pg_sleep(600);"]) { (folder) throws in
      let result = try folder.dbtool("migrate", "--statement-timeout", "500ms")
      #expect(result.status == 1)
      #expect(result.stderr.contains("canceling statement due to statement timeout (SQLSTATE 57014)"))
      #expect(result.stderr.contains("hint: the limit is --statement-timeout 500ms"))
      #expect(try folder.history() == [])
      let limited = folder.target.testURL("sslmode=disable&options=-cstatement_timeout%3D500")
      let other = try runDBTool(
        ["migrate", "--url", limited], environment: ["HOME": folder.path], in: folder.path)
      #expect(other.stderr.contains("hint: the limit is the server's statement_timeout"))
    }
  }

  @Test("and its options are refused with the right form when they cannot be read")
  func badOptions() throws {
    try MigrateFolder.with([:]) { (folder) throws in
      let bad = try folder.dbtool("migrate", "--lock-timeout", "soon")
      #expect(bad.status == 64)
      #expect(bad.stderr.contains("error: --lock-timeout cannot be 'soon'"))
      #expect(bad.stderr.contains("hint: a number and ms, s, m, h or d"))
      #expect(try folder.dbtool("migrate", "--retries", "often").status == 64)
    }
  }

  @Test("for the server to come up goes on as soon as it is there")
  func serverArrives() throws {
    try MigrateFolder.with(["V1__t.sql": "create table t (i int);"]) { (folder) throws in
      let port = try PoolProcess.freePort()
      let url = "postgres://127.0.0.1:\(port)/\(folder.target.database ?? "")?sslmode=disable"
      let process = try DBToolProcess(
        ["migrate", "--url", url, "--user", folder.target.user ?? "", "--wait", "5m"],
        environment: ["HOME": folder.path, "PGPASSWORD": folder.target.password?.reveal ?? ""],
        in: folder.path)
      #expect(waits(process, for: "waiting for the server (0 s): connection to server at"))
      let pool = try PoolProcess(folder.target, port: port)
      defer { pool.process.send(SIGKILL) }
      #expect(process.finish().status == 0)
      #expect(try folder.history() == ["1 true"])
    }
  }

  @Test("for a server that does not come ends when --wait does; what waiting cannot mend ends it at once")
  func serverDoesNotArrive() throws {
    try MigrateFolder.with([:]) { (folder) throws in
      let port = try PoolProcess.freePort()
      let none = try runDBTool(
        ["migrate", "--url", "postgres://127.0.0.1:\(port)/x", "--wait", "1s"],
        environment: ["HOME": folder.path],
        in: folder.path)
      #expect(none.status == 1)
      #expect(none.stderr.contains("Connection refused"))
      var target = folder.target
      target.database = "no_such_database"
      let wrong = try runDBTool(
        ["migrate", "--url", target.testURL, "--wait", "1h"], environment: ["HOME": folder.path],
        in: folder.path)
      #expect(wrong.status == 1)
      #expect(wrong.stderr.contains("(SQLSTATE 3D000)"))
    }
  }
}

@Suite("A signal while migrations run")
struct MigrateSignalTests {
  /// Starts a migration that sleeps in the server, and waits until it does.
  private func sleeping(_ folder: MigrateFolder, _ words: String...) throws -> DBToolProcess {
    let process = try DBToolProcess(
      ["migrate", "--no-color", "--url", folder.target.testURL] + words, environment: ["HOME": folder.path],
      in: folder.path)
    #expect(try eventually(within: .seconds(60)) { try sleepers(folder) == "1" })
    return process
  }

  private func sleepers(_ folder: MigrateFolder) throws -> String? {
    try folder.ask(
      """
      SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
        AND query LIKE '%pg_sleep(600%' AND pid <> pg_backend_pid()
      """)
  }

  @Test(
    "cancels the statement, rolls back, frees the lock, and ends with 128 and its number",
    arguments: [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT"), (SIGHUP, "SIGHUP")])
  func transactional(_ signal: Int32, _ name: String) throws {
    let scripts = [
      "V1__a.sql": "create table a (i int);",
      "V2__slow.sql": "create table t (i int);\nselect pg_sleep(600);",
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      let process = try sleeping(folder)
      process.send(signal)
      let result = process.finish()
      #expect(result.status == 128 + signal)
      #expect(
        result.stderr.contains("error: interrupted by \(name) (SQLSTATE 57014)\n  at sql/V2__slow.sql:2:1\n"))
      #expect(result.stderr.contains("Nothing was changed by this migration: it was rolled back."))
      #expect(try sleepers(folder) == "0")
      #expect(try folder.ask("SELECT to_regclass('t')") == nil)
      #expect(
        try folder.ask(
          "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4163491309 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ) == "0")
      #expect(try folder.history() == ["1 true"])
    }
  }

  @Test("outside a transaction says what stays")
  func nonTransactional() throws {
    let scripts = [
      "V1__slow.sql": "create table t (i int);\nselect pg_sleep(600);",
      "V1__slow.sql.conf": "executeInTransaction=false",
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      let process = try sleeping(folder)
      process.send(SIGTERM)
      let result = process.finish()
      #expect(result.status == 143)
      #expect(result.stderr.contains("error: interrupted by SIGTERM"))
      #expect(try folder.ask("SELECT to_regclass('t')") == "t")
      #expect(try sleepers(folder) == "0")
    }
  }

  @Test("in Flyway's form has the same status, and the document is written")
  func flywayForm() throws {
    try MigrateFolder.with(["V1__slow.sql": "select pg_sleep(600);"]) { (folder) throws in
      let process = try sleeping(folder, "-outputType=json")
      process.send(SIGTERM)
      let result = process.finish()
      #expect(result.status == 143)
      #expect(result.stdout.contains("\"errorCode\": \"FAILED_VERSIONED_MIGRATION\""))
      #expect(result.stdout.contains("\"sqlState\": \"57014\""))
    }
  }

  @Test("while another migrator holds the lock ends the wait")
  func waiting() throws {
    try MigrateFolder.with(["V1__t.sql": "create table t (i int);"]) { (folder) throws in
      let other = try folder.target.connect()
      _ = try other.query("SELECT pg_advisory_lock(77433833903597)")
      let process = try folder.start("migrate")
      #expect(
        eventually(within: .seconds(60)) { process.stderrSoFar.contains("another migrator is at work") })
      process.send(SIGTERM)
      let result = process.finish()
      #expect(result.status == 143)
      #expect(result.stderr.contains("error: interrupted by SIGTERM"))
      #expect(try folder.ask("SELECT to_regclass('t')") == nil)
    }
  }

  @Test("that comes twice ends it at once, though the statement cannot be cancelled")
  func twice() throws {
    // The handler swallows the first cancel, and sleeps on.
    let stubborn = """
      do $$ begin
        for n in 1..1000 loop
          begin perform pg_sleep(600); exception when query_canceled then null; end;
        end loop;
      end $$;
      """
    try MigrateFolder.with(["V1__slow.sql": stubborn]) { (folder) throws in
      let process = try sleeping(folder)
      process.send(SIGTERM)
      // The second must not be taken for the first one's twin: the kernel keeps one of a kind.
      #expect(eventually { !DBToolProcess.blocks(SIGTERM, in: process.pid) })
      process.send(SIGTERM)
      #expect(process.finish().status == 143)
    }
  }
}

extension DBToolProcess {
  /// Whether a process keeps this signal waiting, by the mask that the kernel shows.
  fileprivate static func blocks(_ signal: Int32, in pid: Int32) -> Bool {
    let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
    let mask = text.split(separator: "\n").first { $0.hasPrefix("SigBlk:") }?.split(separator: "\t").last
    guard let bits = mask.flatMap({ UInt64($0, radix: 16) }) else { return false }
    return bits & (1 << UInt64(signal - 1)) != 0
  }
}
