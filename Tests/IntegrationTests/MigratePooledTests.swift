import TestSupport
import Testing

@Suite("Migrating through a transaction pooler, the one here is `dbtool pool`") struct MigratePooledTests {
  private static let scripts = [
    "V1__a.sql": "create table a (i int); set search_path = nowhere; set statement_timeout = '1h';",
    "V2__b.sql": "create table b (i int);", "U2__b.sql": "drop table b;",
    "R__v.sql": "create or replace view v as select 1;",
  ]
  private static let concurrently = "create index concurrently a_i on a (i);"

  private func withPooledFolder(_ body: (PoolProcess, MigrateFolder) throws -> Void) throws {
    try PoolProcess.with(backends: 2) { pool in
      try MigrateFolder.with(Self.scripts, on: pool.target) { folder in try body(pool, folder) }
    }
  }

  @Test("each migration takes the lock in its own transaction, and leaves nothing of its session behind")
  func transactional() throws {
    try withPooledFolder { pool, folder in
      let migrated = try folder.dbtool("migrate")
      #expect(migrated.status == 0, "\(migrated.stderr)")
      #expect(migrated.stderr.contains("warning: a pooler stands before the server"))
      #expect(try folder.history() == ["1 true", "2 true", "v true"])
      #expect(try folder.dbtool("undo").status == 0)
      #expect(try folder.ask("SELECT to_regclass('public.b')") == nil)
      #expect(try folder.dbtool("migrate").status == 0)
      let next = try pool.wireClient()
      #expect(try next.query("SHOW statement_timeout").value == "0")
      try pool.expectClean()
    }
  }

  @Test("five that start at once: one applies, all end well")
  func together() throws {
    try withPooledFolder { _, folder in
      let processes = try (1...5).map { _ in try folder.start("migrate") }
      for result in processes.map({ $0.finish() }) { #expect(result.status == 0, "\(result.stderr)") }
      #expect(try folder.history() == ["1 true", "2 true", "v true"])
    }
  }

  @Test("what needs a session is refused with the way out, and nothing of it has run")
  func refused() throws {
    try withPooledFolder { _, folder in
      try folder.write("V3__i.sql", Self.concurrently)
      let refused = try folder.dbtool("migrate")
      #expect(refused.status == 1)
      #expect(
        refused.stderr.contains(
          "error: sql/V3__i.sql cannot run in a transaction, and the server is reached through a transaction pooler"
        ))
      #expect(refused.stderr.contains("  hint: connect to the server itself"))
      #expect(try folder.history() == ["1 true", "2 true"])
    }
  }

  @Test("with postgresql.transactional.lock=false the pool keeps the session for as long as the lock is held")
  func session() throws {
    try withPooledFolder { pool, folder in
      try folder.write("V3__i.sql", Self.concurrently)
      let migrated = try folder.dbtool("migrate", "--postgresql-transactional-lock=false")
      #expect(migrated.status == 0, "\(migrated.stderr)")
      #expect(try folder.history() == ["1 true", "2 true", "3 true", "v true"])
      #expect(try folder.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_i'::regclass") == "t")
      try pool.expectClean()
    }
  }
}
