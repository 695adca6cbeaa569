import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Several event loops on one budget", .serialized) struct PoolThreadsTests {
  /// Clients come to the loops in turn, so that of two, one after the other, each has its own.
  private func withLoops(
    _ loops: Int = 2, backends: Int, _ flags: String..., body: (PoolProcess) throws -> Void
  ) throws {
    try SharedPostgres.withDatabase {
      try PoolProcess.with($0, backends: backends, ["--threads", "\(loops)"] + flags, body)
    }
  }

  private func process(_ client: PoolWireClient) throws -> String {
    try client.query("SELECT pg_backend_pid()").value ?? "none"
  }

  @Test(
    "a backend that idles at one loop serves a client of another, who finds nothing of the first one's there")
  func handedOver() throws {
    try withLoops(backends: 1) { pool in
      let (one, two) = (try pool.wireClient(), try pool.wireClient())
      let first = try process(one)
      for round in 1...20 {
        #expect(try process(two) == first)
        _ = try one.query("SET work_mem = '\(round)MB'; SET app.tenant = 'one'; PREPARE mine AS SELECT 1")
        #expect(try two.query("SHOW work_mem").rows == [["4MB"]])
        #expect(try two.query("SELECT current_setting('app.tenant', true) = 'one'").rows != [["t"]])
        #expect(try two.query("SELECT count(*) FROM pg_prepared_statements").rows == [["0"]])
        #expect(try one.query("SHOW work_mem").rows == [["\(round)MB"]])
        #expect(try one.query("EXECUTE mine").rows == [["1"]])
        _ = try one.query("DEALLOCATE mine")
      }
      try pool.expectClean()
    }
  }

  @Test("prepared statements of clients of all loops go on, whichever loop has the backend")
  func prepared() throws {
    try withLoops(3, backends: 2) { pool in
      let clients = try (0..<6).map { _ in try pool.wireClient() }
      for (number, client) in clients.enumerated() {
        try client.send {
          $0.parse(name: "s", query: "SELECT \(number)")
          $0.sync()
        }
        #expect(try client.reply().tags == "1Z")
      }
      for _ in 0..<30 {
        for (number, client) in clients.enumerated() {
          try client.send {
            $0.bind(statement: "s")
            $0.execute(portal: "")
            $0.sync()
          }
          #expect(try client.reply().value == "\(number)")
        }
      }
    }
  }

  @Test("clients of all loops are served in the order in which they came")
  func order() throws {
    try withLoops(backends: 1) { pool in
      let holder = try pool.wireClient()
      _ = try holder.query("CREATE TABLE served (place serial, name int); BEGIN")
      var waiting: [PoolWireClient] = []
      for number in 0..<8 {
        let client = try pool.wireClient()
        try client.send { $0.query("INSERT INTO served (name) VALUES (\(number))") }
        #expect(pool.waits(number + 1))
        // Loops look at each other's longest waiter only when it has waited for longer by so much.
        let since = ContinuousClock.now
        let isLater = eventually { ContinuousClock.now - since > .milliseconds(20) }
        #expect(isLater)
        waiting.append(client)
      }
      _ = try holder.query("COMMIT")
      for client in waiting { #expect(try client.reply().tags == "CZ") }
      #expect(
        try holder.query("SELECT string_agg(name::text, '' ORDER BY place) FROM served").rows == [
          ["01234567"]
        ])
    }
  }

  @Test("all loops together never have more backends than the cap, and use all of it")
  func cap() throws {
    try withLoops(4, backends: 5) { pool in
      let clients = try (0..<20).map { _ in try pool.wireClient() }
      var most = 0
      for _ in 0..<10 {
        for client in clients { try client.send { $0.query("SELECT pg_sleep(0.005)") } }
        most = max(most, try pool.openBackends())
        for client in clients { #expect(try client.reply().tags == "TDCZ") }
      }
      #expect(most <= 5)
      try pool.holding(5) {
        let count = try pool.openBackends()
        #expect(count == 5)
      }
      try pool.expectClean()
    }
  }

  @Test("at the cap, an idle backend of another database is given up by the loop that has it")
  func otherDatabase() throws {
    try SharedPostgres.withDatabase { database in
      try PoolProcess.with(database, backends: 2, ["--threads", "2"]) { pool in
        let ours = try (0..<4).map { _ in try pool.wireClient() }
        for client in ours { _ = try process(client) }
        var other = pool.target
        other.database = "postgres"
        for _ in 0..<3 {
          let guest = try other.connect()
          #expect(try guest.query("SELECT current_database()").first == "postgres")
          #expect(try guest.query("SELECT current_database()").first == "postgres")
          for client in ours { #expect(try client.query("SELECT 1").rows == [["1"]]) }
        }
      }
    }
  }

  @Test("a cancel that comes in at another loop than its client's stops the query, and then closes")
  func cancels() throws {
    try withLoops(backends: 2) { pool in
      for _ in 0..<4 {
        let client = try pool.wireClient()
        try client.send { $0.query("SELECT pg_sleep(60)") }
        let direct = try pool.direct()
        #expect(
          eventually {
            (try? direct.query(
              "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%sleep(60)'"
            )
            .first) == "1"
          })
        let canceller = try PoolWireClient(port: pool.port)
        try canceller.send { $0.cancelRequest(processID: client.key.processID, key: client.key.key) }
        #expect(try canceller.lastWords().messages.isEmpty)
        #expect(try client.reply().error?.sqlState == "57014")
      }
    }
  }

  @Test("notifications reach listeners of other loops, and say who sent them")
  func notifications() throws {
    try withLoops(backends: 4) { pool in
      let (listener, sender) = (try pool.wireClient(), try pool.wireClient())
      #expect(try listener.query("LISTEN news").tags == "CZ")
      #expect(try sender.query("NOTIFY news, 'hello'").tags == "CZ")
      let message = try listener.next()
      #expect(message.tag == BackendTag.notificationResponse)
      #expect(readUInt32(in: message.bytes.span, at: 5) == sender.key.processID)
    }
  }

  @Test("max_client_connections counts the clients of all loops")
  func clientLimit() throws {
    try withLoops(backends: 2, "--max-client-connections", "3") { pool in
      let clients = try (0..<3).map { _ in try pool.wireClient() }
      #expect(throws: PoolWireClient.Failure.self) { _ = try pool.wireClient() }
      clients[1].close()
      let isTaken = eventually { (try? pool.wireClient()) != nil }
      #expect(isTaken)
    }
  }

  @Test("metrics and readiness are those of all loops together")
  func metrics() throws {
    try withLoops(3, backends: 3) { pool in
      let clients = try (0..<6).map { _ in try pool.wireClient() }
      let before = pool.metric("transactions_total") ?? -1
      for client in clients { for _ in 0..<5 { _ = try client.query("SELECT 1") } }
      #expect(eventually { pool.metric("transactions_total") == before + 30 })
      #expect(pool.metric("client_connections{phase=\"idle\"}") == 6)
      #expect(pool.metric("max_backends") == 3)
      #expect((pool.metric("backends{phase=\"idle\"}") ?? 99) <= 3)
    }
  }

  @Test("SIGTERM drains every loop: transactions end, idle clients are told, the pool leaves in order")
  func drains() throws {
    try withLoops(backends: 4) { pool in
      let idle = try (0..<4).map { _ in try pool.wireClient() }
      let busy = try (0..<4).map { _ in try pool.wireClient() }
      for client in busy { _ = try client.query("BEGIN") }
      pool.process.send(SIGTERM)
      for client in idle { #expect(try client.lastWords().error?.sqlState == "57P01") }
      for client in busy { #expect(try client.query("COMMIT").tags == "CZ") }
      #expect(eventually { !pool.process.isRunning })
    }
  }

  @Test("a client whose backend is killed goes on, at any loop")
  func killed() throws {
    try withLoops(backends: 2) { pool in
      let direct = try pool.direct()
      for client in try (0..<4).map({ _ in try pool.wireClient() }) {
        let victim = try process(client)
        _ = try direct.query("SELECT pg_terminate_backend(\(victim))")
        #expect(
          eventually {
            (try? direct.query("SELECT count(*) FROM pg_stat_activity WHERE pid = \(victim)").first) == "0"
          })
        #expect(try client.query("SELECT 1").rows == [["1"]])
      }
      try pool.expectClean()
    }
  }
}
