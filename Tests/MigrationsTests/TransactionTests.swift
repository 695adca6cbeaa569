import Migrations
import SQLText
import Testing

@Suite("Statements and transactions")
struct TransactionTests {
  private func canRun(_ sql: String, _ version: Int = 150_000) throws -> Bool {
    guard case .statement(let statement)? = try ScriptSplitter.pieces(of: Array(sql.utf8)).first else {
      return true
    }
    return TransactionRule.canRunInTransaction(statement, serverVersion: version)
  }

  @Test(
    "that PostgreSQL refuses inside a transaction block are recognised",
    arguments: [
      "VACUUM ANALYZE t", "vacuum", "VACUUM (FULL) t", "create index concurrently t_id on t(id)",
      "create unique index concurrently if not exists t_id2 on t(t2)", "drop index concurrently t_id",
      "/* why */ CREATE -- not\n INDEX CONCURRENTLY ON t (i)", "CREATE DATABASE x", "drop database x",
      "CREATE TABLESPACE s LOCATION '/x'", "ALTER SYSTEM SET work_mem = '1MB'", "REINDEX SCHEMA public",
      "REINDEX TABLE CONCURRENTLY t", "REINDEX (CONCURRENTLY) TABLE t", "reindex (verbose) database d",
      "DISCARD ALL", "CLUSTER", "CLUSTER VERBOSE", "COMMIT PREPARED 'x'", "ROLLBACK PREPARED 'x'",
      "ALTER TABLE p DETACH PARTITION c CONCURRENTLY", "ALTER DATABASE d SET TABLESPACE s",
      "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", "DROP SUBSCRIPTION s",
      "ALTER SUBSCRIPTION s REFRESH PUBLICATION", "ALTER SUBSCRIPTION s SET (failover = true)",
      "REINDEX (VERBOSE, CONCURRENTLY) INDEX i", "REINDEX VERBOSE SYSTEM d", "CLUSTER (VERBOSE)",
    ])
  func refused(_ sql: String) throws {
    #expect(try !canRun(sql))
  }

  @Test(
    "that look alike but are fine are let into one",
    arguments: [
      "create index t_id on t(id)", "create index \"concurrently\" on t(id)", "reindex table t",
      "CLUSTER t USING i", "REINDEX TABLE system.t", "reindex (concurrently false) index i",
      "DISCARD TEMP", "COMMIT", "ROLLBACK", "alter table t add column vacuum int",
      "alter type mood add value 'b'",
      "insert into t values ('VACUUM')", "CREATE TABLE database (i int)",
      "ALTER DATABASE d SET work_mem = '1MB'",
      "ALTER TABLE p DETACH PARTITION c", "ALTER SUBSCRIPTION s DISABLE", "select 'create database'",
    ])
  func accepted(_ sql: String) throws {
    #expect(try canRun(sql))
  }

  @Test("depend on the server: ALTER TYPE … ADD VALUE needs none before 12")
  func version() throws {
    #expect(try !canRun("alter type mood add value 'b'", 110_000))
    #expect(try canRun("alter type mood add value 'b'", 120_000))
  }

  private func inspect(
    _ sql: String, _ policy: ScriptInspection.Policy = .init(serverVersion: 150_000), _ conf: String = ""
  ) throws -> Bool {
    var inspection = ScriptInspection(policy, try ScriptConfig(conf))
    for case .statement(let statement) in try ScriptSplitter.pieces(of: Array(sql.utf8)) {
      try inspection.add(statement)
    }
    return inspection.isTransactional
  }

  @Test("of one kind decide for their script")
  func oneKind() throws {
    #expect(try inspect("create table t(); select 1"))
    #expect(try !inspect("vacuum; vacuum"))
    #expect(try inspect(""))
  }

  @Test("of both kinds in one script are refused, unless mixed is set")
  func mixed() throws {
    let sql = "insert into t values (1);\nvacuum t;\n"
    let error = #expect(throws: MigrationError.self) { try inspect(sql) }
    #expect(
      error?.message
        == "Detected both transactional and non-transactional statements within the same migration (even though"
        + " mixed is false). Offending statement found at line 2: vacuum t [non-transactional]")
    #expect(try !inspect(sql, .init(mixed: true, serverVersion: 150_000)))
    #expect(try !inspect(sql, .init(executeInTransaction: false, serverVersion: 150_000)))
    #expect(try !inspect(sql, .init(serverVersion: 150_000), "executeInTransaction=false"))
  }

  @Test("give way to the script's own configuration, which wins over the global one")
  func config() throws {
    let off = ScriptInspection.Policy(executeInTransaction: false, serverVersion: 150_000)
    #expect(try !inspect("select 1", off))
    #expect(try inspect("select 1", off, "executeInTransaction=true"))
  }

  @Test(
    "are kept apart by Flyway's own lock key",
    arguments: [
      ("\"public\".\"flyway_schema_history\"", 77_433_833_903_597),
      ("\"shop\".\"flyway_schema_history\"", 77_433_678_579_072),
    ] as [(String, Int64)])
  func lockKey(_ table: String, _ key: Int64) {
    #expect(AdvisoryLockKey.key(ofTable: table) == key)
  }
}
