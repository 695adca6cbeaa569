import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Session state that cannot be carried pins its client, and ends with it") struct PoolPinTests {
  @Test("SET ROLE: the client stays in its role, nobody else gets into it")
  func role() throws {
    try PoolProcess.with(backends: 3) { pool in
      let client = try pool.connect()
      let others = try (1...4).map { _ in try pool.connect() }
      try client.execute("SET ROLE pg_monitor")
      for _ in 1...3 {
        for other in others { #expect(try other.query("SELECT current_user").first == "postgres") }
        #expect(try client.query("SELECT current_user").first == "pg_monitor")
      }
      #expect(pool.metric("clients_pinned") == 1)
      client.close()
      try pool.expectClean()
      for _ in 1...6 { #expect(try others[0].query("SELECT current_user").first == "postgres") }
    }
  }

  @Test("temporary tables, held cursors and PREPARE are the client's for its life, and then nobody's")
  func objects() throws {
    try PoolProcess.with(backends: 3) { pool in
      let client = try pool.connect()
      let others = try (1...4).map { _ in try pool.connect() }
      try client.execute("CREATE TEMP TABLE own (a int); INSERT INTO own VALUES (7)")
      try client.execute("BEGIN; DECLARE held CURSOR WITH HOLD FOR SELECT generate_series(1, 9); COMMIT")
      try client.execute("PREPARE question AS SELECT 'client'")
      for number in 1...3 {
        for other in others {
          #expect(throws: ServerError.self) { try other.query("SELECT a FROM own") }
          #expect(throws: ServerError.self) { try other.query("FETCH held") }
          #expect(throws: ServerError.self) { try other.execute("EXECUTE question") }
        }
        #expect(try client.query("SELECT a FROM own").first == "7")
        #expect(try client.query("FETCH held").first == String(number))
        #expect(try client.query("EXECUTE question").first == "client")
      }
      client.close()
      try pool.expectClean()
      let direct = try pool.direct()
      #expect(try direct.query("SELECT count(*) FROM pg_class WHERE relname = 'own'").first == "0")
      for other in others {
        #expect(throws: ServerError.self) { try other.query("SELECT a FROM own") }
        #expect(throws: ServerError.self) { try other.execute("EXECUTE question") }
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
}
