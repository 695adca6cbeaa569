import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("A backend that ends while a client has it") struct PoolLossTests {
  private func terminate(_ pool: PoolProcess, _ pid: String?) throws {
    let pid = try #require(pid)
    try pool.direct().execute("SELECT pg_terminate_backend(\(pid))")
    let isGone = try eventually {
      try pool.direct().query("SELECT count(*) FROM pg_stat_activity WHERE pid = \(pid)").first == "0"
    }
    #expect(isGone)
  }

  private func begin(_ client: PoolWireClient) throws -> String? {
    #expect(try client.query("BEGIN").tags == "CZ")
    return try client.query("SELECT pg_backend_pid()").value
  }

  @Test("in a transaction: one error, then nothing of it runs until its end, and the session goes on")
  func transaction() throws {
    try PoolProcess.with(backends: 2) { pool in
      try pool.direct().execute("CREATE TABLE goods (id int)")
      let client = try pool.wireClient()
      #expect(try client.query("SET work_mem = '7MB'").tags.hasSuffix("Z"))
      let pid = try begin(client)
      #expect(try client.query("INSERT INTO goods VALUES (1)").tags == "CZ")
      try terminate(pool, pid)

      let first = try client.query("INSERT INTO goods VALUES (2)")
      #expect(first.tags == "EZ")
      #expect(first.status == .failed)
      #expect(first.error?.sqlState == "08006")
      #expect(first.error?.severityV == "ERROR")
      #expect(first.error?.message.hasPrefix("the connection to the server was lost: ") == true)
      #expect(first.error?.hint == "Send ROLLBACK, then repeat the transaction.")
      let second = try client.query("INSERT INTO goods VALUES (3)")
      #expect(second.error?.sqlState == "25P02")
      #expect(second.status == .failed)
      try client.send {
        $0.parse(name: "end", query: "ROLLBACK")
        $0.bind(statement: "end")
        $0.execute()
        $0.sync()
      }
      let end = try client.reply()
      #expect(end.tags == "12CZ")
      #expect(end.status == .idle)
      #expect(try client.query("SELECT count(*) FROM goods").value == "0")
      #expect(try client.query("SHOW work_mem").value == "7MB")
      // What was prepared without a backend is there on one.
      try client.send {
        $0.query("BEGIN")
        $0.bind(statement: "end")
        $0.execute()
        $0.sync()
      }
      #expect(try client.reply().status == .inTransaction)
      #expect(try client.reply().status == .idle)
      #expect(pool.metric("losses_total") == 1)
      try pool.expectClean()
    }
  }

  @Test("a COMMIT that finds its backend gone is an error, and never made good elsewhere")
  func commit() throws {
    try PoolProcess.with(backends: 2) { pool in
      try pool.direct().execute("CREATE TABLE goods (id int)")
      let client = try pool.wireClient()
      let pid = try begin(client)
      #expect(try client.query("INSERT INTO goods VALUES (1)").tags == "CZ")
      try terminate(pool, pid)
      let reply = try client.query("COMMIT")
      #expect(reply.tags == "EZ")
      #expect(reply.error?.sqlState == "08006")
      #expect(reply.status == .idle)
      #expect(try client.query("SELECT count(*) FROM goods").value == "0")
      try pool.expectClean()
    }
  }

  @Test("while it runs: a plain statement is sent again, anything else fails and leaves the session")
  func running() throws {
    try PoolProcess.with(backends: 2) { pool in
      func kill(_ mark: String) throws {
        let query = """
          SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%\(mark)%' AND pid <> pg_backend_pid()
          """
        let runs = try eventually { try pool.direct().query(query).first != nil }
        #expect(runs)
        try terminate(pool, pool.direct().query(query).first)
      }
      try pool.direct().execute("CREATE TABLE goods (id int)")
      let client = try pool.wireClient()
      try client.send { $0.query("INSERT INTO goods /* plain */ SELECT 1 FROM pg_sleep(2)") }
      try kill("plain")
      #expect(try client.reply().tags == "CZ")
      #expect(pool.metric("repeats_total") == 1)
      #expect(try client.query("SELECT count(*) FROM goods").value == "1")

      try client.send { $0.query("DO 'BEGIN PERFORM pg_sleep(20); END' /* block */") }
      try kill("block")
      let block = try client.reply()
      #expect(block.tags == "EZ")
      #expect(block.error?.sqlState == "08006")
      #expect(block.status == .idle)

      #expect(try client.query("BEGIN").status == .inTransaction)
      try client.send { $0.query("SELECT pg_sleep(20), 'inside'") }
      try kill("inside")
      let inside = try client.reply()
      #expect(inside.error?.sqlState == "08006")
      #expect(inside.status == .failed)
      #expect(try client.query("ROLLBACK").status == .idle)
      try pool.expectClean()
    }
  }

  @Test("between its queries: the client notices nothing, at whichever moment its backend goes")
  func idle() throws {
    try PoolProcess.with(backends: 2) { pool in
      let clients = try (1...3).map { _ in try pool.wireClient() }
      for round in 0..<30 {
        try pool.direct().execute(
          """
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
          """)
        #expect(try clients[round % 3].query("SELECT \(round)").value == String(round))
      }
      try pool.expectClean()
    }
  }

  @Test("in COPY and in a batch without its Sync: an error at once, and late data is nobody's")
  func halfway() throws {
    try PoolProcess.with(backends: 2) { pool in
      try pool.direct().execute("CREATE TABLE goods (id int)")
      let client = try pool.wireClient()
      func killHolder() throws {
        let holder = """
          SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
            AND pid <> pg_backend_pid() AND wait_event = 'ClientRead' AND state = 'active'
          """
        let waits = try eventually { try pool.direct().query(holder).first != nil }
        #expect(waits)
        try terminate(pool, pool.direct().query(holder).first)
      }
      try client.send { $0.query("COPY goods FROM STDIN") }
      #expect(try client.next().tag == BackendTag.copyInResponse)
      try client.send { $0.copyData(Array("1\n".utf8)) }
      try killHolder()
      let copy = try client.reply()
      #expect(copy.tags == "EZ")
      #expect(copy.error?.sqlState == "08006")
      try client.send {
        $0.copyData(Array("2\n".utf8))
        $0.copyDone()
      }
      #expect(try client.query("SELECT count(*) FROM goods").value == "0")

      try client.send {
        $0.parse(query: "INSERT INTO goods VALUES (3)")
        $0.bind()
        $0.execute()
        $0.flush()
      }
      for _ in 1...3 { #expect(try client.next().error == nil) }
      try killHolder()
      #expect(try client.next().error?.sqlState == "08006")
      try client.send {
        $0.execute()
        $0.sync()
      }
      #expect(try client.reply().tags == "Z")
      #expect(try client.query("SELECT count(*) FROM goods").value == "0")
      try pool.expectClean()
    }
  }

  @Test("a client that counts on its backend's own state is disconnected")
  func pinned() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      #expect(try client.query("CREATE TEMP TABLE own (id int)").tags == "CZ")
      try terminate(pool, client.query("SELECT pg_backend_pid()").value)
      let words = try client.lastWords()
      #expect(words.tags == "E")
      #expect(words.error?.isFatal == true)
      try pool.expectClean()
    }
  }

  @Test("a BEGIN that waits in vain leaves a failed transaction, so that what follows does not run by itself")
  func begin() throws {
    try PoolProcess.with(backends: 1, "--borrow-timeout", "200ms") { pool in
      try pool.direct().execute("CREATE TABLE goods (id int)")
      let client = try pool.wireClient()
      try pool.holding(1) {
        let reply = try client.query("BEGIN")
        #expect(reply.error?.sqlState == "53300")
        #expect(reply.status == .failed)
      }
      #expect(try client.query("INSERT INTO goods VALUES (1)").error?.sqlState == "25P02")
      let end = try client.query("COMMIT")
      #expect(end.tags == "CZ")
      #expect(end.status == .idle)
      #expect(try client.query("SELECT count(*) FROM goods").value == "0")

      try pool.holding(1) {
        try client.send {
          $0.parse(query: "BEGIN")
          $0.bind()
          $0.execute()
          $0.parse(query: "INSERT INTO goods VALUES (2)")
          $0.bind()
          $0.execute()
          $0.sync()
        }
        let reply = try client.reply()
        #expect(reply.tags == "EZ")
        #expect(reply.status == .failed)
      }
      // Drivers that do not count it as begun send it again.
      #expect(try client.query("BEGIN").status == .inTransaction)
      #expect(try client.query("COMMIT").status == .idle)
      try pool.expectClean()
    }
  }
}
