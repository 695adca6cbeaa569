import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Prepared statements whose tables have changed") struct PoolStalePlanTests {
  /// A client that has prepared and run "s" and the unnamed statement; then the table gets another column.
  private func withStalePlans(
    backends: Int = 1, _ body: (PoolProcess, PoolWireClient) throws -> Void
  ) throws {
    try PoolProcess.with(backends: backends) { pool in
      let direct = try pool.direct()
      try direct.execute("CREATE TABLE goods (id int)")
      try direct.execute("INSERT INTO goods VALUES (1)")
      let client = try pool.wireClient()
      try client.send {
        $0.parse(name: "s", query: "SELECT * FROM goods")
        $0.parse(query: "SELECT * FROM goods")
        $0.bind(statement: "s")
        $0.execute()
        $0.bind()
        $0.execute()
        $0.sync()
      }
      #expect(try client.reply().rows == [["1"], ["1"]])
      try direct.execute("ALTER TABLE goods ADD COLUMN name text DEFAULT 'new'")
      try body(pool, client)
      try pool.expectClean()
    }
  }

  private func batch(_ statements: String...) -> [UInt8] {
    var writer = MessageWriter()
    for statement in statements {
      writer.bind(statement: statement)
      writer.execute()
    }
    writer.sync()
    return writer.bytes
  }

  @Test(
    "outside a transaction are parsed again, once, and the client sees only its rows", arguments: ["s", ""])
  func again(statement: String) throws {
    try withStalePlans { pool, client in
      for _ in 1...2 {
        try client.send(batch(statement))
        let reply = try client.reply()
        #expect(reply.tags == "2DCZ")
        #expect(reply.rows == [["1", "new"]])
      }
      #expect(pool.metric("stale_plans_total") == 1)
    }
  }

  @Test("are parsed again behind another client's turn, too, and on every backend")
  func afterOthers() throws {
    try withStalePlans(backends: 2) { pool, client in
      try pool.holding(1) {
        _ = try pool.wireClient().query("SET work_mem = '5MB'")
        try client.send(batch("s"))
        #expect(try client.reply().rows == [["1", "new"]])
      }
      try client.send(batch("s"))
      #expect(try client.reply().rows == [["1", "new"]])
    }
  }

  @Test("what the client sends before it has its answer keeps its turn")
  func order() throws {
    try withStalePlans { pool, client in
      try client.send(batch("s"))
      try client.send { $0.query("SELECT 'behind'") }
      // What is with the server already forbids to repeat; what comes later waits.
      let reply = try client.reply()
      #expect(reply.rows == [["1", "new"]] || reply.error?.sqlState == "0A000")
      #expect(try client.reply().value == "behind")
    }
  }

  @Test("in a transaction fail as they do directly, and are well in the next")
  func transaction() throws {
    try withStalePlans { pool, client in
      #expect(try client.query("BEGIN").status == .inTransaction)
      try client.send(batch("s"))
      let reply = try client.reply()
      #expect(reply.error?.sqlState == "0A000")
      #expect(reply.status == .failed)
      #expect(try client.query("ROLLBACK").status == .idle)
      try client.send(batch("s"))
      #expect(try client.reply().rows == [["1", "new"]])
      #expect(pool.metric("stale_plans_total") == 0)
    }
  }

  @Test("behind another message of their batch fail, and are well in the next")
  func notFirst() throws {
    try withStalePlans { pool, client in
      try client.send {
        $0.parse(name: "other", query: "SELECT 2")
        $0.sync()
      }
      #expect(try client.reply().tags == "1Z")
      try client.send(batch("other", "s"))
      let reply = try client.reply()
      #expect(reply.rows == [["2"]])
      #expect(reply.error?.sqlState == "0A000")
      try client.send(batch("other", "s"))
      #expect(try client.reply().rows == [["2"], ["1", "new"]])
    }
  }

  @Test("two batches in one piece: neither is repeated, since the second may build on the first")
  func pipeline() throws {
    try withStalePlans { pool, client in
      try client.send(batch("s") + batch("s"))
      #expect(try client.reply().error?.sqlState == "0A000")
      _ = try client.reply()
      try client.send(batch("s"))
      #expect(try client.reply().rows == [["1", "new"]])
    }
  }
}
