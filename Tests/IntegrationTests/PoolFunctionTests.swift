import DatabaseTools
import LibPQ
import TestSupport
import Testing

@Suite("What functions do to a session, unseen in any text") struct PoolFunctionTests {
  /// - Parameter body: its `noise` lets other clients have every backend between two statements of the one that is
  ///   tested, but the one that it keeps.
  private func withNoise(
    _ pool: PoolProcess, _ body: (_ client: Connection, _ noise: (_ kept: Int) throws -> Void) throws -> Void
  ) throws {
    let others = try (0..<pool.backends).map { _ in try pool.connect() }
    try body(try pool.connect()) { kept in
      for other in others.dropLast(kept) { try other.execute("BEGIN") }
      for other in others.dropLast(kept) { try other.execute("COMMIT") }
    }
  }

  @Test("settings that a function or a procedure makes follow its caller, also those that others make for it")
  func settings() throws {
    try PoolProcess.with(backends: 3) { pool in
      try pool.direct().execute(
        """
        CREATE FUNCTION inner_one(tenant text) RETURNS void LANGUAGE plpgsql AS
          $$ BEGIN PERFORM set_config('app.tenant', tenant, false); END $$;
        CREATE FUNCTION outer_one(tenant text) RETURNS int LANGUAGE sql AS $$ SELECT inner_one(tenant); SELECT 1 $$;
        CREATE PROCEDURE "Log In"(who text) LANGUAGE plpgsql AS
          $$ BEGIN EXECUTE format('SET app.who = %L', who); SET work_mem = '7MB'; END $$;
        """)
      try withNoise(pool) { client, noise in
        #expect(try client.query("SELECT outer_one('five')").first == "1")
        try noise(0)
        #expect(try client.query("SELECT current_setting('app.tenant')").first == "five")
        try noise(0)
        try client.execute("CALL \"Log In\"('anna')")
        try noise(0)
        #expect(try client.query("SHOW work_mem").first == "7MB")
        let other = try pool.connect()
        #expect(try other.query("SHOW work_mem").first == "4MB")
        #expect(try other.query("SELECT coalesce(current_setting('app.tenant', true), '')").first == "")
        // Known by now, it is followed without being asked for again.
        try client.execute("SELECT inner_one('six')")
        try noise(0)
        #expect(try client.query("SELECT current_setting('app.tenant')").first == "six")
      }
    }
  }

  @Test("a function that is another from now on is asked for again")
  func replaced() throws {
    try PoolProcess.with(backends: 3) { pool in
      try withNoise(pool) { client, noise in
        try client.execute("CREATE FUNCTION what() RETURNS void LANGUAGE sql AS $$ SELECT $$")
        try client.execute("SELECT what()")
        try client.execute(
          """
          CREATE OR REPLACE FUNCTION what() RETURNS void LANGUAGE plpgsql AS
          $$ BEGIN PERFORM set_config('work_mem', '9MB', false); END $$
          """)
        try client.execute("SELECT what()")
        try noise(0)
        #expect(try client.query("SHOW work_mem").first == "9MB")
      }
    }
  }

  @Test("temporary tables and locks of functions are their caller's, until they are gone")
  func pins() throws {
    try PoolProcess.with(backends: 3) { pool in
      try pool.direct().execute(
        """
        CREATE FUNCTION make() RETURNS void LANGUAGE plpgsql AS
          $$ BEGIN EXECUTE 'CREATE TEMP TABLE made AS SELECT 7 AS a'; END $$;
        CREATE FUNCTION hold() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_lock(105); END $$;
        CREATE FUNCTION let_go() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_unlock(105); END $$;
        """)
      try withNoise(pool) { client, noise in
        func isFree() throws -> Bool {
          try pool.direct().query("SELECT pg_try_advisory_xact_lock(105)").first == "t"
        }
        for _ in 1...3 {
          try client.execute("SELECT make()")
          try noise(1)
          #expect(try client.query("SELECT a FROM made").first == "7")
          try client.execute("DROP TABLE made")
          #expect(eventually { pool.metric("clients_pinned") == 0 })
          try client.execute("SELECT hold()")
          try noise(1)
          #expect(try !isFree())
          try client.execute("SELECT let_go()")
          #expect(try isFree())
          #expect(eventually { pool.metric("clients_pinned") == 0 })
        }
      }
    }
  }

  @Test("what a text made at run time prepares or listens to is its client's, and nobody else's")
  func madeAtRunTime() throws {
    try PoolProcess.with(backends: 2) { pool in
      try pool.direct().execute(
        """
        CREATE FUNCTION prep() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'PREPARE made AS SELECT 42'; END $$;
        CREATE FUNCTION hear() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'LISTEN made'; END $$;
        """)
      try withNoise(pool) { client, noise in
        let other = try pool.connect()
        for caller in [client, other] {
          try caller.execute("SELECT prep()")
          try noise(0)
        }
        try other.execute("DO $$ BEGIN EXECUTE 'PREPARE done AS SELECT 43'; END $$")
        try client.execute("DO $$ BEGIN EXECUTE 'PREPARE done AS SELECT 44'; END $$")
        try noise(0)
        #expect(try client.query("EXECUTE made").first == "42")
        #expect(try other.query("EXECUTE done").first == "43")
        #expect(try client.query("EXECUTE done").first == "44")
        // Known by now, the function is not asked about again.
        for _ in 1...2 {
          try client.execute("SELECT hear()")
          // The listener has one.
          try noise(1)
          #expect(try client.query("SELECT pg_listening_channels()").first == "made")
          #expect(try other.query("SELECT pg_listening_channels()").count == 0)
          try client.execute("UNLISTEN made")
        }
      }
    }
  }

  @Test("a lock that is taken while the pool asks whether the last one is gone stays")
  func lockAgain() throws {
    try PoolProcess.with(backends: 3) { pool in
      try withNoise(pool) { client, noise in
        for round in 1...30 {
          #expect(try client.query("SELECT pg_try_advisory_lock(101)").first == "t")
          #expect(try client.query("SELECT pg_advisory_unlock(101)").first == "t")
          #expect(try client.query("SELECT pg_advisory_lock(101)").count == 1)
          if round % 10 == 0 { try noise(1) }
          #expect(try pool.direct().query("SELECT pg_try_advisory_xact_lock(101)").first == "f")
          #expect(try client.query("SELECT pg_advisory_unlock(101)").first == "t")
        }
      }
    }
  }

  @Test(
    "a SET that failed is not remembered, and fails nothing else",
    arguments: [
      "SET shared_buffers = '1GB'", "SET fsync = off", "SET work_mem = 'much'", "SET no_such_thing = 1",
      "SET ROLE nobody_has_it", "SET server_version = '9'",
    ])
  func failedSet(text: String) throws {
    try PoolProcess.with(backends: 3) { pool in
      try withNoise(pool) { client, noise in
        #expect(throws: ServerError.self) { try client.execute(text) }
        for _ in 1...3 {
          try noise(0)
          #expect(try client.query("SELECT 1").first == "1")
        }
        // What was set before stays.
        try client.execute("SET work_mem = '6MB'")
        #expect(throws: ServerError.self) { try client.execute("SET work_mem = 'much'; " + text) }
        try noise(0)
        #expect(try client.query("SHOW work_mem").first == "6MB")
      }
    }
  }

  @Test("UPDATE of pg_settings is a SET")
  func updatedSettings() throws {
    try PoolProcess.with(backends: 3) { pool in
      try withNoise(pool) { client, noise in
        try client.execute("UPDATE pg_settings SET setting = '65536' WHERE name = 'work_mem'")
        try noise(0)
        #expect(try client.query("SHOW work_mem").first == "64MB")
      }
    }
  }

  @Test("statements of SQL's PREPARE are found by EXPLAIN and CREATE TABLE AS, listed, and let go")
  func prepared() throws {
    try PoolProcess.with(backends: 3) { pool in
      try withNoise(pool) { client, noise in
        try client.execute("CREATE TABLE goods AS SELECT 1 AS a")
        try client.execute("PREPARE \"Mixed Name\" (int) AS SELECT a + $1 AS b FROM goods")
        try client.execute("PREPARE two AS SELECT 2")
        try noise(0)
        #expect(try client.query("EXPLAIN EXECUTE \"Mixed Name\" (1)").count > 0)
        try noise(0)
        try client.execute("CREATE TABLE made AS EXECUTE \"Mixed Name\" (8)")
        #expect(try client.query("SELECT b FROM made").first == "9")
        try noise(0)
        let list = "SELECT string_agg(name, ',' ORDER BY name) FROM pg_prepared_statements"
        #expect(try client.query(list).first == "Mixed Name,two")
        try client.execute("DROP TABLE goods")
        try noise(0)
        try client.execute("DEALLOCATE \"Mixed Name\"")
        #expect(throws: ServerError.self) { try client.execute("EXECUTE \"Mixed Name\" (1)") }
        #expect(try client.query("EXECUTE two").first == "2")
      }
    }
  }
}
