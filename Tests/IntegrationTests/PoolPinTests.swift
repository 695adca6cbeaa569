import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Session state that cannot be carried pins its client, and ends with it") struct PoolPinTests {
  @Test("temporary tables and held cursors are the client's for its life, and then nobody's")
  func objects() throws {
    try PoolProcess.with(backends: 3) { pool in
      let client = try pool.connect()
      let others = try (1...4).map { _ in try pool.connect() }
      try client.execute("CREATE TEMP TABLE own (a int); INSERT INTO own VALUES (7)")
      try client.execute("BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT generate_series(1, 9); COMMIT")
      for number in 1...3 {
        for other in others {
          #expect(throws: ServerError.self) { try other.query("SELECT a FROM own") }
          #expect(throws: ServerError.self) { try other.query("FETCH held") }
        }
        #expect(try client.query("SELECT a FROM own").first == "7")
        #expect(try client.query("FETCH held").first == String(number))
      }
      client.close()
      try pool.expectClean()
      let direct = try pool.direct()
      #expect(try direct.query("SELECT count(*) FROM pg_class WHERE relname = 'own'").first == "0")
      for other in others {
        #expect(throws: ServerError.self) { try other.query("SELECT a FROM own") }
      }
    }
  }

  @Test("a session's advisory lock holds until it is given back, or until its client has gone")
  func advisoryLock() throws {
    try PoolProcess.with(backends: 3) { pool in
      let client = try pool.connect()
      let others = try (1...4).map { _ in try pool.connect() }
      func locked() throws -> Bool {
        try pool.direct().query("SELECT pg_try_advisory_xact_lock(77)").first == "f"
      }
      try client.execute("SELECT pg_advisory_lock(77)")
      for other in others { #expect(try other.query("SELECT 1").first == "1") }
      #expect(try locked())
      #expect(try client.query("SELECT pg_advisory_unlock(77)").first == "t")
      #expect(try !locked())
      try client.execute("SELECT pg_advisory_lock(77)")
      client.close()
      try pool.expectClean()
      #expect(try !locked())
    }
  }

  @Test("LISTEN: notifications reach the client that listens, and no other")
  func listen() throws {
    try PoolProcess.with(backends: 3) { pool in
      let listener = try pool.wireClient()
      let other = try pool.wireClient()
      #expect(try listener.query("LISTEN news").tags == "CZ")
      #expect(try other.query("NOTIFY news, 'first'").tags == "CZ")
      let notification = try listener.next()
      #expect(notification.tag == BackendTag.notificationResponse)
      #expect(String(decoding: notification.bytes, as: UTF8.self).hasSuffix("news\0first\0"))
      listener.close()
      try pool.expectClean()
      for number in 1...6 {
        let client = try pool.wireClient()
        #expect(try client.query("NOTIFY news, '\(number)'").tags == "CZ")
      }
    }
  }

  @Test("a client that is not pinned any more shares its backend again")
  func unpinned() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.connect()
      let other = try pool.connect()
      try client.execute("CREATE TEMP TABLE own (a int)")
      #expect(pool.metric("clients_pinned") == 1)
      try client.execute("DISCARD ALL")
      #expect(try other.query("SELECT 1").first == "1")
      #expect(pool.metric("clients_pinned") == 0)
    }
  }

  @Test("currval is what the client's own nextval gave, in later transactions, too")
  func sequence() throws {
    try PoolProcess.with(backends: 2) { pool in
      try pool.direct().execute("CREATE SEQUENCE numbers")
      let other = try pool.connect()
      for number in 1...3 {
        let client = try pool.connect()
        #expect(
          try client.query("SELECT nextval('numbers'), currval('numbers')").first == String(2 * number - 1))
        #expect(try other.query("SELECT nextval('numbers')").first == String(2 * number))
        #expect(try client.query("SELECT currval('numbers')").first == String(2 * number - 1))
        client.close()
        try pool.expectClean()
      }
    }
  }

  @Test("a pin ends with the transaction that has ended what it was for")
  func letsGo() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.connect()
      let other = try pool.connect()
      for (pins, ends) in [
        ("CREATE TEMP TABLE own (a int)", "DROP TABLE own"),
        ("DECLARE held CURSOR WITH HOLD FOR SELECT 1", "CLOSE held"),
        ("SELECT pg_advisory_lock(5)", "SELECT pg_advisory_unlock(5)"),
        ("SELECT pg_try_advisory_lock(5)", "SELECT pg_advisory_unlock_all()"),
        ("CREATE TEMP SEQUENCE own", "DISCARD TEMP"),
      ] {
        try client.execute(pins)
        #expect(pool.metric("clients_pinned") == 1, "\(pins)")
        try client.execute(ends)
        #expect(try other.query("SELECT 1").first == "1", "\(ends)")
        #expect(pool.metric("clients_pinned") == 0, "\(ends)")
      }
      for text in [
        "BEGIN; CREATE TEMP TABLE own (a int); ROLLBACK",
        "BEGIN; CREATE TEMP TABLE own ON COMMIT DROP AS SELECT 1; COMMIT",
        "BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT 1; CLOSE held; COMMIT",
      ] {
        try client.execute(text)
        #expect(try other.query("SELECT 1").first == "1", "\(text)")
      }
    }
  }

  @Test("no more than max_pinned_percent of the backends are kept; who asks for one more is told why")
  func share() throws {
    try PoolProcess.with(backends: 2, "--max-pinned-percent", "50") { pool in
      let client = try pool.connect()
      let other = try pool.wireClient()
      try client.execute("CREATE TEMP TABLE own (a int)")
      let refused = try other.query("CREATE TEMP TABLE own (a int)")
      #expect(refused.error?.sqlState == "53300")
      #expect(refused.error?.hint?.contains("max_pinned_percent") == true)
      #expect(refused.status == .idle)
      #expect(try other.query("BEGIN").status == .inTransaction)
      #expect(try other.query("SELECT pg_advisory_lock(1)").status == .failed)
      #expect(try other.query("ROLLBACK").status == .idle)
      try other.send {
        $0.parse(query: "SELECT pg_advisory_lock(1)")
        $0.bind()
        $0.execute()
        $0.sync()
      }
      let extended = try other.reply()
      #expect(extended.tags == "1EZ" && extended.error?.sqlState == "53300")
      #expect(try other.query("SELECT 'well'").value == "well")
      try client.execute("DROP TABLE own")
      #expect(eventually { pool.metric("clients_pinned") == 0 })
      #expect(try other.query("CREATE TEMP TABLE own (a int)").tags == "CZ")
    }
  }
}
