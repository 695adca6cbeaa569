import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("How long queries and transactions may take") struct PoolTimeoutTests {
  @Test("a query that runs for too long is cancelled at the server; its client is told why and goes on")
  func query() throws {
    try PoolProcess.with(backends: 1, "--query-timeout", "300ms") { pool in
      let client = try pool.wireClient()
      let answer = try client.query("SELECT pg_sleep(60)")
      #expect(answer.tags == "TEZ")
      let error = try #require(answer.error)
      #expect(error.sqlState == "57014")
      #expect(error.message == "canceling statement due to query_timeout (300 ms)")
      #expect(try client.query("SELECT 1").tags == "TDCZ")
      #expect(pool.metric("timeouts_total{limit=\"query\"}") == 1)
      // A query that is quick, after a long time of thinking, is none that ran for long.
      #expect(try client.query("BEGIN").tags == "CZ")
      #expect(try pool.direct().query("SELECT pg_sleep(0.5)").count == 1)
      #expect(try client.query("SELECT 1").tags == "TDCZ")
      #expect(try client.query("COMMIT").tags == "CZ")
    }
  }

  @Test("a transaction that lasts for too long is rolled back, and its client disconnected")
  func transaction() throws {
    try PoolProcess.with(backends: 1, "--transaction-timeout", "400ms") { pool in
      try pool.direct().execute("CREATE TABLE kept (a int)")
      let silent = try pool.wireClient()
      #expect(try silent.query("BEGIN; INSERT INTO kept VALUES (1)").tags == "CCZ")
      #expect(try silent.lastWords().error?.sqlState == "25P04")

      let busy = try pool.wireClient()
      #expect(try busy.query("INSERT INTO kept VALUES (2)").tags == "CZ")
      try busy.send { $0.query("BEGIN; INSERT INTO kept VALUES (3); SELECT pg_sleep(60)") }
      #expect(try busy.lastWords().error?.sqlState == "25P04")
      #expect(pool.metric("timeouts_total{limit=\"transaction\"}") == 2)
      try pool.expectClean()
      #expect(try pool.direct().query("SELECT array_agg(a) FROM kept").first == "{2}")
    }
  }

  @Test("a client that keeps its backend between its transactions is not in one")
  func pinned() throws {
    try PoolProcess.with(backends: 2, "--transaction-timeout", "300ms") { pool in
      let client = try pool.connect()
      try client.execute("CREATE TEMP TABLE own (a int)")
      #expect(try pool.direct().query("SELECT pg_sleep(0.6)").count == 1)
      #expect(try client.query("SELECT count(*) FROM own").first == "0")
      #expect(try pool.direct().query("SELECT pg_sleep(0.6)").count == 1)
      #expect(try client.query("SELECT count(*) FROM own").first == "0")
    }
  }

  @Test("a client that says nothing within its transaction for too long is disconnected")
  func silence() throws {
    try PoolProcess.with(backends: 1, "--idle-transaction-timeout", "300ms") { pool in
      let client = try pool.wireClient()
      #expect(try client.query("BEGIN").tags == "CZ")
      #expect(try client.lastWords().error?.sqlState == "25P03")
      try pool.expectClean()
      // What runs is not silent.
      let busy = try pool.wireClient()
      #expect(try busy.query("BEGIN; SELECT pg_sleep(0.7)").tags == "CTDCZ")
      #expect(try busy.query("COMMIT").tags == "CZ")
    }
  }
}
