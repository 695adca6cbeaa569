import PostgresWire
import TestSupport
import Testing

@Suite("A client's session is there on whichever backend it gets") struct PoolCarryTests {
  /// Runs `body` with the client on another backend than its last.
  private func elsewhere(_ pool: PoolProcess, _ client: PoolWireClient, _ body: () throws -> Void) throws {
    let home = try client.query("SELECT pg_backend_pid()").value
    let holders = try (0..<2).map { _ in try pool.wireClient() }
    if try holders[0].query("BEGIN; SELECT pg_backend_pid()").value != home {
      #expect(try holders[1].query("BEGIN; SELECT pg_backend_pid()").value == home)
      #expect(try sqlState(holders[0], "COMMIT") == nil)
    }
    #expect(try client.query("SELECT pg_backend_pid()").value != home)
    try body()
    for holder in holders { #expect(try sqlState(holder, "COMMIT") == nil) }
  }

  private func sqlState(_ client: PoolWireClient, _ text: String) throws -> String? {
    try client.query(text).error?.sqlState
  }

  @Test("role and session authorization, until they are reset")
  func role() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      func user() throws -> [String?] { try client.query("SELECT session_user, current_user").rows[0] }
      #expect(try sqlState(client, "SET ROLE pg_monitor") == nil)
      try elsewhere(pool, client) { () throws in #expect(try user() == ["postgres", "pg_monitor"]) }
      #expect(try sqlState(client, "RESET ALL") == nil)
      try elsewhere(pool, client) { () throws in #expect(try user() == ["postgres", "pg_monitor"]) }
      #expect(try sqlState(client, "RESET ROLE") == nil)
      try elsewhere(pool, client) { () throws in #expect(try user() == ["postgres", "postgres"]) }
      #expect(try sqlState(client, "SET SESSION AUTHORIZATION pg_monitor; SET ROLE pg_read_all_stats") == nil)
      try elsewhere(pool, client) { () throws in #expect(try user() == ["pg_monitor", "pg_read_all_stats"]) }
      #expect(try sqlState(client, "SET SESSION AUTHORIZATION DEFAULT") == nil)
      try elsewhere(pool, client) { () throws in #expect(try user() == ["postgres", "postgres"]) }
      #expect(try sqlState(client, "BEGIN; SET ROLE pg_monitor; ROLLBACK") == nil)
      try elsewhere(pool, client) { () throws in #expect(try user() == ["postgres", "postgres"]) }
      #expect(try sqlState(client, "SET ROLE pg_monitor") == nil)
      #expect(try sqlState(client, "DISCARD ALL") == nil)
      try elsewhere(pool, client) { () throws in #expect(try user() == ["postgres", "postgres"]) }
      #expect(pool.metric("clients_pinned") == 0)
    }
  }

  @Test("what DO and set_config with a parameter have set")
  func blocks() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient(("work_mem", "5MB"))
      #expect(
        try sqlState(
          client,
          "DO $$ BEGIN SET app.tenant = 'seven'; EXECUTE 'SET lock_timeout = 4321'; RESET work_mem; END $$"
        ) == nil)
      try elsewhere(pool, client) { () throws in
        #expect(try client.query("SHOW app.tenant").value == "seven")
        #expect(try client.query("SHOW lock_timeout").value == "4321ms")
        #expect(try client.query("SHOW work_mem").value == "5MB")
      }
      #expect(try client.query("SHOW work_mem").value == "5MB")
      try client.send {
        $0.parse(query: "SELECT set_config($1, $2, false)")
        $0.bind(parameters: ["App.Region", "north"])
        $0.execute()
        $0.sync()
      }
      #expect(try client.reply().tags == "12DCZ")
      try elsewhere(pool, client) { () throws in #expect(try client.query("SHOW app.region").value == "north")
      }
      #expect(try sqlState(client, "BEGIN; SELECT set_config('app.region', 'south', true); COMMIT") == nil)
      try elsewhere(pool, client) { () throws in #expect(try client.query("SHOW app.region").value == "north")
      }
      #expect(pool.metric("clients_pinned") == 0)
    }
  }

  @Test("SQL's PREPARE, for EXECUTE and for Bind, until DEALLOCATE or Close")
  func prepared() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      let other = try pool.wireClient()
      #expect(try sqlState(client, "SELECT 1; PREPARE \"Sum\" (int, int) AS SELECT $1 + $2; SELECT 2") == nil)
      #expect(try client.query("PREPARE word AS SELECT 'own'").tags == "CZ")
      try elsewhere(pool, client) { () throws in
        #expect(try client.query("EXECUTE \"Sum\"(3, 4)").value == "7")
        try client.send {
          $0.bind(statement: "Sum", parameters: ["5", "6"])
          $0.execute()
          $0.sync()
        }
        #expect(try client.reply().value == "11")
        try client.send {
          $0.describe(statement: "word")
          $0.sync()
        }
        #expect(try client.reply().tags == "tTZ")
        #expect(try sqlState(client, "PREPARE word AS SELECT 1") == "42P05")
        try client.send {
          $0.parse(name: "word", query: "SELECT 1")
          $0.sync()
        }
        #expect(try client.reply().error?.sqlState == "42P05")
      }
      #expect(try sqlState(other, "EXECUTE word") == "26000")
      #expect(try other.query("PREPARE word AS SELECT 'other'").tags == "CZ")
      #expect(try client.query("EXECUTE word").value == "own")
      #expect(try other.query("EXECUTE word").value == "other")
      #expect(try client.query("DEALLOCATE word").tags == "CZ")
      try elsewhere(pool, client) { () throws in
        #expect(try sqlState(client, "EXECUTE word") == "26000")
        #expect(try sqlState(client, "DEALLOCATE word") == "26000")
        #expect(try client.query("PREPARE word AS SELECT 'again'").tags == "CZ")
      }
      #expect(try client.query("EXECUTE word").value == "again")
      try client.send {
        $0.close(statement: "word")
        $0.sync()
      }
      #expect(try client.reply().tags == "3Z")
      #expect(try sqlState(client, "EXECUTE word") == "26000")
      #expect(try client.query("DISCARD ALL").tags == "CZ")
      #expect(try sqlState(client, "EXECUTE \"Sum\"(3, 4)") == "26000")
      #expect(pool.metric("clients_pinned") == 0)
    }
  }

  @Test("a statement of Parse, for EXECUTE and DEALLOCATE; its name may be given anew at once")
  func executed() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      func parse(_ text: String) throws -> String {
        try client.send {
          $0.parse(name: "S_1", query: text, types: [23])
          $0.sync()
        }
        return try client.reply().tags
      }
      func run() throws -> String? {
        try client.send {
          $0.bind(statement: "S_1", parameters: ["2"])
          $0.execute()
          $0.sync()
        }
        return try client.reply().value
      }
      #expect(try parse("SELECT $1 * 10") == "1Z")
      #expect(try client.query("EXECUTE \"S_1\"(2)").value == "20")
      try elsewhere(pool, client) { () throws in
        #expect(try client.query("EXECUTE \"S_1\"(4)").value == "40")
        #expect(try run() == "20")
        #expect(try client.query("DEALLOCATE \"S_1\"").tags == "CZ")
        #expect(try parse("SELECT $1 * 100") == "1Z")
        #expect(try run() == "200")
      }
      #expect(try run() == "200")
      #expect(try sqlState(client, "BEGIN; DEALLOCATE \"S_1\"") == nil)
      #expect(try parse("SELECT $1 * 1000") == "1Z")
      #expect(try run() == "2000")
      #expect(try client.query("ROLLBACK").tags == "CZ")
      #expect(try run() == "2000")
      // One that fails changes nothing.
      #expect(try client.query("BEGIN; SELECT 1 / 0").status == .failed)
      #expect(try sqlState(client, "DEALLOCATE \"S_1\"") == "25P02")
      #expect(try client.query("ROLLBACK").tags == "CZ")
      #expect(try run() == "2000")
      #expect(try client.query("DEALLOCATE ALL").tags == "CZ")
      try elsewhere(pool, client) { () throws in
        #expect(try sqlState(client, "EXECUTE \"S_1\"(4)") == "26000")
      }
      #expect(pool.metric("clients_pinned") == 0)
    }
  }

  @Test("the pool's own statements are out of the reach of EXECUTE and DEALLOCATE")
  func reserved() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      for text in ["EXECUTE dbtool_begin", "DEALLOCATE dbtool_reset", "PREPARE dbtool_x AS SELECT 1"] {
        #expect(try sqlState(client, text) == "26000")
      }
      let other = try pool.wireClient()
      #expect(try other.query("SELECT 'fine'").value == "fine")
    }
  }

  @Test("a prepared statement means everywhere what it meant when it was parsed")
  func meaning() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      #expect(
        try sqlState(client, "SET datestyle = 'ISO, DMY'; SET standard_conforming_strings = off") == nil)
      try client.send {
        $0.parse(name: "day", query: "SELECT extract(month FROM date '01/02/2024') || 'x\\\\y'")
        $0.sync()
      }
      #expect(try client.reply().tags.hasSuffix("1Z"))
      #expect(try sqlState(client, "RESET datestyle; SET standard_conforming_strings = on") == nil)
      for _ in 1...3 {
        try elsewhere(pool, client) { () throws in
          try client.send {
            $0.bind(statement: "day")
            $0.execute()
            $0.sync()
          }
          #expect(try client.reply().value == "2x\\y")
          #expect(try client.query("SELECT extract(month FROM date '01/02/2024')").value == "1")
        }
      }
    }
  }

  @Test("DISCARD ALL and RESET ALL undo also what was set just before them")
  func undone() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      for round in 1...20 {
        #expect(try sqlState(client, "SET ROLE pg_monitor") == nil)
        #expect(try sqlState(client, "SET work_mem = '5MB'") == nil)
        #expect(try sqlState(client, round % 2 == 0 ? "DISCARD ALL" : "RESET ALL; RESET ROLE") == nil)
        #expect(try sqlState(client, "SET SESSION AUTHORIZATION DEFAULT") == nil)
        try elsewhere(pool, client) { () throws in
          #expect(try client.query("SELECT current_user").value == "postgres")
          #expect(try client.query("SHOW work_mem").value == "4MB")
        }
      }
    }
  }

  @Test("a client knows the values of its parameters, also when they go back to what its backend had before")
  func reports() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient((name: "application_name", value: "mine"))
      let other = try pool.wireClient()
      let back = [
        "SET datestyle = 'ISO, MDY'; SET client_encoding = 'UTF8'", "RESET ALL", "DISCARD ALL",
        "RESET datestyle; RESET client_encoding",
      ]
      for text in back {
        let set = "SET datestyle = 'German'; SET client_encoding = 'LATIN1'; SET application_name = 'other'"
        #expect(try sqlState(client, set) == nil)
        #expect(client.parameters["DateStyle"] == "German, DMY")
        #expect(client.parameters["client_encoding"] == "LATIN1")
        #expect(client.parameters["application_name"] == "other")
        #expect(try other.query("SELECT 1").value == "1")
        #expect(client.parameters["DateStyle"] == "German, DMY")
        #expect(try sqlState(client, text) == nil)
        #expect(client.parameters["DateStyle"] == "ISO, MDY", "\(text)")
        #expect(client.parameters["client_encoding"] == "UTF8", "\(text)")
        #expect(try other.query("SELECT 1").value == "1")
        #expect(try sqlState(client, "SET application_name = 'mine'") == nil)
        #expect(client.parameters["application_name"] == "mine")
        #expect(try other.query("SELECT 1").value == "1")
        #expect(try client.query("SHOW application_name").value == "mine")
      }
    }
  }
}
