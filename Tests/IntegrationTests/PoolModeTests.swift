import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("When a backend is given back, and what is kept on it") struct PoolModeTests {
  private func processID(_ client: Connection) throws -> String? {
    try client.query("SELECT pg_backend_pid()").first
  }

  @Test("in session mode a client has one backend from its first query until it leaves, which is then clean")
  func session() throws {
    try PoolProcess.with(backends: 2, "--pool-mode", "session", "--borrow-timeout", "200ms") { pool in
      let first = try pool.connect()
      let second = try pool.connect()
      let own = try processID(first)
      try first.execute("CREATE TEMP TABLE own (a int); SET search_path TO pg_temp")
      #expect(try processID(second) != own)
      #expect(try processID(first) == own)
      #expect(try first.query("SELECT count(*) FROM own").first == "0")
      // Session mode is no pin: nothing is counted against max_pinned_percent.
      #expect(pool.metric("clients_pinned") == 0)

      let third = try pool.connect()
      #expect(throws: ServerError.self) { try third.query("SELECT 1") }
      first.close()
      #expect(eventually { (try? third.query("SELECT to_regclass('own') IS NULL").first) == "t" })
      let path = try third.query("SHOW search_path").first
      #expect(path != "pg_temp")
    }
  }

  @Test("a user's own mode is stronger than the pool's")
  func ofUser() throws {
    try SharedPostgres.withDatabase { database in
      let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).toml")
      defer { try? FileManager.default.removeItem(at: file) }
      let text = """
        [[pool.users]]
        name = "\(database.user ?? "")"
        password = "\(database.password?.reveal ?? "")"
        pool_mode = "session"
        """
      try Data(text.utf8).write(to: file)
      let flags = ["--config", file.path, "--borrow-timeout", "200ms"]
      try PoolProcess.with(database, backends: 1, flags) { pool in
        let first = try pool.connect()
        #expect(try first.query("SELECT 1").first == "1")
        let second = try pool.connect()
        #expect(throws: ServerError.self) { try second.query("SELECT 1") }
      }
    }
  }

  @Test("a pool that ends says goodbye to clients that keep a backend without a transaction")
  func drain() throws {
    try SharedPostgres.withDatabase { database in
      let pool = try PoolProcess(database, backends: 2, ["--pool-mode", "session", "--drain-timeout", "60s"])
      defer { if pool.process.isRunning { pool.process.send(SIGKILL) } }
      #expect(eventually(within: .seconds(60)) { pool.page("/readyz")?.status == 200 })
      let idle = try pool.connect()
      let busy = try pool.connect()
      #expect(try idle.query("SELECT 1").first == "1")
      try busy.execute("BEGIN")
      pool.process.send(SIGTERM)
      #expect(eventually { (try? idle.query("SELECT 1")) == nil })
      #expect(pool.process.isRunning)
      try busy.execute("COMMIT")
      #expect(eventually { !pool.process.isRunning })
    }
  }

  @Test("session_state = pin: what a client sets keeps it on its backend, until it is as at its start")
  func pin() throws {
    try PoolProcess.with(backends: 2, "--session-state", "pin") { pool in
      let client = try pool.connect()
      let other = try pool.connect()
      try client.execute("SET statement_timeout = '4321ms'")
      // Asked of the server once the client has its answer.
      #expect(eventually { pool.metric("clients_pinned") == 1 })
      #expect(pool.metric("pins_total{reason=\"setting\"}") == 1)
      for _ in 1...5 {
        #expect(try other.query("SHOW statement_timeout").first == "0")
        #expect(try client.query("SHOW statement_timeout").first == "4321ms")
      }
      try client.execute("BEGIN; SET LOCAL work_mem = '5MB'; COMMIT")
      try client.execute("RESET statement_timeout")
      #expect(eventually { pool.metric("clients_pinned") == 0 })
    }
  }

  @Test("session_check = tokens: cleaned only after what may have left something, and then always")
  func tokens() throws {
    try PoolProcess.with(backends: 1, "--session-check", "tokens") { pool in
      let one = try pool.connect()
      let two = try pool.connect()
      #expect(try one.query("SELECT 1").first == "1")
      let before = try #require(pool.metric("cleanings_total"))
      for _ in 1...5 {
        #expect(try two.query("SELECT 2").first == "2")
        #expect(try one.query("SELECT 1").first == "1")
      }
      #expect(pool.metric("cleanings_total") == before)

      try one.execute("CREATE TABLE made (id serial, a int)")
      try one.execute("INSERT INTO made (a) VALUES (1)")
      try one.execute("SET work_mem = '7MB'")
      #expect(try two.query("SHOW work_mem").first != "7MB")
      #expect(try one.query("SHOW work_mem").first == "7MB")
      try one.execute("DO $$BEGIN PERFORM set_config('app.tenant', 'one', false); END$$")
      #expect(try two.query("SELECT coalesce(current_setting('app.tenant', true), '')").first == "")
      #expect(try one.query("SELECT current_setting('app.tenant', true)").first == "one")

      // What pins comes last: there is one backend.
      try one.execute("INSERT INTO made (a) VALUES (2)")
      #expect(throws: ServerError.self) { try two.query("SELECT lastval()") }
    }
  }
}
