import LibPQ
import PostgresWire
import TestSupport
import Testing

/// State that a client leaves on its session, and how another would meet it.
struct SessionTrace: Sendable, CustomStringConvertible {
  let description: String
  let make: [String]
  let look: String
  /// What a connection of its own would see; `nil` for a value of NULL or no row at all.
  let clean: String?
  /// The SQLSTATE that a connection of its own would get instead.
  var error: String?
  /// The client keeps its backend, so that nobody can come upon it while it lives.
  var pins = false

  static let setUp = """
    CREATE SEQUENCE leak_numbers;
    CREATE FUNCTION leak_sql() RETURNS text LANGUAGE sql AS
      $$ SELECT set_config('work_mem', '77MB', false) $$;
    CREATE FUNCTION leak_plpgsql() RETURNS void LANGUAGE plpgsql AS
      $$ BEGIN SET statement_timeout = '1ms'; EXECUTE 'SET search_path = nowhere'; END $$;
    CREATE FUNCTION leak_prepares() RETURNS void LANGUAGE plpgsql AS
      $$ BEGIN EXECUTE 'PREPARE leak_hidden AS SELECT 5'; END $$;
    CREATE FUNCTION leak_next() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('leak_numbers') $$;
    CREATE FUNCTION leak_temp() RETURNS void LANGUAGE plpgsql AS
      $$ BEGIN EXECUTE 'CREATE ' || 'TE' || 'MP TABLE leak_unseen (a int)'; END $$;
    CREATE VIEW leak_view AS SELECT set_config('lock_timeout', '1234ms', false) AS a
    """

  static let all: [SessionTrace] = [
    .init("SET", ["SET work_mem = '66MB'"], "SHOW work_mem", "4MB"),
    .init("SET SESSION", ["SET SESSION search_path = nowhere"], "SHOW search_path", "\"$user\", public"),
    .init("statement_timeout", ["SET statement_timeout = 1"], "SELECT 'here' FROM pg_sleep(0.05)", "here"),
    .init(
      "a custom name", ["SET leak.tenant = 'a'"], "SELECT coalesce(current_setting('leak.tenant', true), '')",
      ""),
    .init("set_config", ["SELECT set_config('work_mem', '65MB', false)"], "SHOW work_mem", "4MB"),
    .init("set_config in an SQL function", ["SELECT leak_sql()"], "SHOW work_mem", "4MB"),
    .init("SET in a PL/pgSQL function", ["SELECT leak_plpgsql()"], "SHOW search_path", "\"$user\", public"),
    .init("set_config in a view", ["SELECT * FROM leak_view"], "SHOW lock_timeout", "0"),
    .init("SET in DO", ["DO $$ BEGIN SET datestyle = 'German'; END $$"], "SHOW datestyle", "ISO, MDY"),
    .init(
      "SET TIME ZONE", ["SET TIME ZONE 'Asia/Tokyo'"], "SELECT current_setting('TimeZone') <> 'Asia/Tokyo'",
      "t"),
    .init("SET ROLE", ["SET ROLE pg_monitor"], "SELECT current_user", "postgres"),
    .init(
      "set_config of role", ["SELECT set_config('role', 'pg_monitor', false)"], "SELECT current_user",
      "postgres"),
    .init(
      "SET SESSION AUTHORIZATION", ["SET SESSION AUTHORIZATION pg_monitor"], "SELECT session_user", "postgres"
    ),
    .init(
      "SET SESSION CHARACTERISTICS", ["SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"],
      "SHOW transaction_read_only", "off"),
    .init(
      "a temporary table", ["CREATE TEMP TABLE leak_own (a int)"], "SELECT count(*) FROM leak_own", nil,
      error: "42P01", pins: true),
    .init(
      "a temporary table that nothing tells", ["SELECT leak_temp()"], "SELECT count(*) FROM leak_unseen",
      nil, error: "42P01", pins: true),
    .init(
      "a temporary view", ["CREATE TEMP VIEW leak_seen AS SELECT 1"], "SELECT * FROM leak_seen", nil,
      error: "42P01", pins: true),
    .init(
      "a temporary function",
      ["CREATE FUNCTION pg_temp.leak() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
      "SELECT to_regproc('pg_temp.leak') IS NULL", "t",
      pins: true),
    .init(
      "a temporary sequence", ["CREATE TEMP SEQUENCE leak_count"], "SELECT nextval('leak_count')", nil,
      error: "42P01", pins: true),
    .init("PREPARE", ["PREPARE leak AS SELECT 1"], "EXECUTE leak", nil, error: "26000"),
    .init("PREPARE in a function", ["SELECT leak_prepares()"], "EXECUTE leak_hidden", nil, error: "26000"),
    .init(
      "PREPARE that is rolled back", ["BEGIN", "PREPARE leak AS SELECT 1", "ROLLBACK"], "EXECUTE leak", nil,
      error: "26000"),
    .init(
      "a held cursor", ["DECLARE leak CURSOR WITH HOLD FOR SELECT 1"], "FETCH leak", nil, error: "34000",
      pins: true),
    .init("lastval", ["SELECT nextval('leak_numbers')"], "SELECT lastval()", nil, error: "55000"),
    .init(
      "currval, of a function's nextval", ["SELECT leak_next()"], "SELECT currval('leak_numbers')", nil,
      error: "55000"),
    .init("LISTEN", ["LISTEN leak"], "SELECT pg_listening_channels()", nil),
    .init(
      "an advisory lock", ["SELECT pg_advisory_lock(4711)"],
      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", "0", pins: true),
    .init(
      "LOAD", ["LOAD 'auto_explain'"],
      "SELECT count(*) FROM pg_settings WHERE name = 'auto_explain.log_analyze'", "0", pins: true),
    .init(
      "setseed", ["SELECT setseed(0.5)"], "SELECT random() IN (0.2499104186659835, 0.985166713)", "f",
      pins: true),
  ]

  init(
    _ description: String, _ make: [String], _ look: String, _ clean: String?, error: String? = nil,
    pins: Bool = false
  ) {
    self.description = description
    self.make = make
    self.look = look
    self.clean = clean
    self.error = error
    self.pins = pins
  }
}

@Suite("What a client leaves on its session, no other client meets") struct PoolLeakTests {
  enum Ending: String, CaseIterable { case staysIdle, terminates, vanishes, vanishesInTransaction }

  @Test("on the only backend, whether the client goes on, ends or is killed", arguments: Ending.allCases)
  func matrix(ending: Ending) throws {
    try PoolProcess.with(backends: 1) { pool in
      try pool.direct().execute(SessionTrace.setUp)
      for trace in SessionTrace.all where !(trace.pins && ending == .staysIdle) {
        let one = try pool.wireClient()
        if ending == .vanishesInTransaction, trace.make[0] != "BEGIN" { _ = try one.query("BEGIN") }
        for text in trace.make {
          let reply = try one.query(text)
          #expect(reply.error == nil, "\(trace): \(text)")
        }
        switch ending {
        case .staysIdle: break
        case .terminates:
          try one.send { $0.terminate() }
          one.close()
        case .vanishes, .vanishesInTransaction: one.vanish()
        }
        let other = try pool.wireClient()
        let seen = try other.query(trace.look)
        #expect(seen.error?.sqlState == trace.error, "\(trace): \(seen.error?.message ?? "no error")")
        #expect(seen.value == trace.clean, "\(trace)")
        #expect(try other.query("SELECT 'next'").value == "next", "\(trace)")
        other.close()
        if ending == .staysIdle { one.close() }
      }
      try pool.expectClean()
    }
  }

  @Test("a literal is read by the settings of the client that prepares it, not of one that shares the text")
  func literals() throws {
    try PoolProcess.with(backends: 1) { pool in
      let british = try pool.wireClient()
      let american = try pool.wireClient()
      func date(_ client: PoolWireClient, parses: Bool = false) throws -> String? {
        try client.send {
          if parses { $0.parse(name: "day", query: "SELECT extract(month FROM date '01/02/2024')") }
          $0.bind(statement: "day")
          $0.execute()
          $0.sync()
        }
        return try client.reply().value
      }
      #expect(try british.query("SET datestyle = 'ISO, DMY'").status == .idle)
      #expect(try date(british, parses: true) == "2")
      #expect(try date(american, parses: true) == "1")
      #expect(try date(british) == "2")
      // Prepared in a transaction that has changed it, for good or not.
      for set in ["SET LOCAL datestyle = 'ISO, DMY'", "SET datestyle = 'ISO, DMY'"] {
        let third = try pool.wireClient()
        #expect(try third.query("BEGIN; \(set)").status == .inTransaction)
        #expect(try date(third, parses: true) == "2")
        #expect(try third.query("ROLLBACK").status == .idle)
        #expect(try date(american) == "1")
        let fourth = try pool.wireClient()
        #expect(try date(fourth, parses: true) == "1")
      }
    }
  }
}
