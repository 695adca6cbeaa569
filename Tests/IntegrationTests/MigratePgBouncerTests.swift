import DatabaseTools
import LibPQ
import TestSupport
import Testing

@Suite(
  "Migrating through pgbouncer",
  .enabled(
    if: PgBouncer.path != nil, "pgbouncer is not installed; scripts/setup.sh --tests installs it"))
struct MigratePgBouncerTests {
  private static let scripts = [
    "V1__a.sql": "create table a (i int); set search_path = nowhere; set statement_timeout = '1h';",
    "V2__b.sql": "create table b (i int);", "U2__b.sql": "drop table b;",
    "R__v.sql": "create or replace view v as select 1;",
  ]

  private func withFolder(_ mode: String, _ body: (PgBouncer, MigrateFolder) throws -> Void) throws {
    try PgBouncer.with(mode) { pooler in
      try MigrateFolder.with(Self.scripts, on: pooler.target) { folder in try body(pooler, folder) }
    }
  }

  /// What a client finds in each of the server's sessions, that nobody should find there.
  private func leftovers(_ pooler: PgBouncer) throws -> [String] {
    let clients = try (1...3).map { _ in try pooler.target.connect() }
    for client in clients { try client.execute("BEGIN") }
    return try clients.flatMap { client in
      let rows = try client.query(
        """
        SELECT name || '=' || setting FROM pg_settings WHERE source = 'session'
          AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', 'TimeZone', 'standard_conforming_strings')
        UNION ALL SELECT 'lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
        """)
      return (0..<rows.count).map { rows[$0, 0] ?? "" }
    }
  }

  @Test("in transaction mode every command works, and leaves nothing in a session that is lent on")
  func transaction() throws {
    try withFolder("transaction") { (pooler, folder) throws in
      for words in [
        ["info"], ["migrate"], ["migrate"], ["validate"], ["undo"], ["migrate", "-group=true"], ["repair"],
      ] {
        let result = try folder.run(words + ["--lock-timeout", "20s"])
        #expect(result.status == 0, "\(words): \(result.stderr)")
        #expect(result.stderr.contains("warning: a pooler stands before the server"))
        #expect(try leftovers(pooler) == [])
      }
      #expect(try folder.history() == ["1 true", "2 true", "v true", "2 true", "2 true", "v true"])
    }
  }

  @Test("in transaction mode what needs a session is refused before anything ran, with the way out")
  func refused() throws {
    try withFolder("transaction") { (pooler, folder) throws in
      try folder.write("V3__i.sql", "create index concurrently a_i on a (i);")
      let refused = try folder.dbtool("migrate")
      #expect(refused.status == 1)
      #expect(refused.stderr.contains("error: sql/V3__i.sql cannot run in a transaction, and the server is"))
      #expect(refused.stderr.contains("hint: connect to the server itself"))
      #expect(try folder.history() == ["1 true", "2 true"])
      try MigrateFolder.with(Self.scripts, on: pooler.direct) { (other) throws in
        try other.write("V3__i.sql", "create index concurrently a_i on a (i);")
        #expect(try other.dbtool("migrate").status == 0)
        #expect(try other.history() == ["1 true", "2 true", "3 true", "v true"])
      }
    }
  }

  @Test("in transaction mode eight that start at once all end well, one applies")
  func together() throws {
    try withFolder("transaction") { (_, folder) throws in
      let processes = try (1...8).map { _ in try folder.start("migrate") }
      for result in processes.map({ $0.finish() }) { #expect(result.status == 0, "\(result.stderr)") }
      #expect(try folder.history() == ["1 true", "2 true", "v true"])
    }
  }

  @Test("in session mode, with postgresql.transactional.lock=false, everything works")
  func session() throws {
    try withFolder("session") { (_, folder) throws in
      try folder.write("V3__i.sql", "create index concurrently a_i on a (i);")
      let migrated = try folder.dbtool("migrate", "--postgresql-transactional-lock=false")
      #expect(migrated.status == 0, "\(migrated.stderr)")
      #expect(try folder.history() == ["1 true", "2 true", "3 true", "v true"])
    }
  }
}
