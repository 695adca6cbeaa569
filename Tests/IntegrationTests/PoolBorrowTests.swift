import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Waiting for a backend") struct PoolBorrowTests {
  /// What interface and docs promise for a borrow that timed out.
  private func expectTimeout(_ error: ErrorFields?, milliseconds: Int, cap: Int, waiting: Int) {
    #expect(error?.severity == "ERROR")
    #expect(error?.severityV == "ERROR")
    #expect(error?.sqlState == "53300")
    #expect(error?.message == "timed out after \(milliseconds) ms waiting for a database connection")
    let detail = error?.detail ?? ""
    #expect(detail.hasPrefix("\(cap) of \(cap) backends are busy, \(waiting) clients wait."), "\(detail)")
    #expect(detail.contains("The longest holder has had one for "))
    #expect(detail.contains("user postgres"))
    #expect(error?.hint?.contains("max_connections") == true)
  }

  @Test("after borrow_timeout the query fails, and the connection serves the next one")
  func simple() throws {
    try PoolProcess.with(backends: 2, "--borrow-timeout", "400ms") { pool in
      let client = try pool.wireClient()
      try pool.holding(2) {
        let start = ContinuousClock.now
        let reply = try client.query("SELECT 1")
        let waited = ContinuousClock.now - start
        #expect(waited >= .milliseconds(395))
        #expect(waited < .seconds(30))
        #expect(reply.tags == "EZ")
        #expect(reply.status == .idle)
        expectTimeout(reply.error, milliseconds: 400, cap: 2, waiting: 1)
      }
      #expect(try client.query("SELECT 1").value == "1")
      #expect(pool.metric("borrow_timeouts_total") == 1)
      try pool.expectClean()
    }
  }

  @Test("a client may set a limit of its own, at startup or by SET")
  func ownLimit() throws {
    try PoolProcess.with(backends: 1, "--borrow-timeout", "100s") { pool in
      let client = try pool.wireClient(("options", "-c dbtool.borrow_timeout=300ms"))
      let other = try pool.wireClient()
      #expect(try other.query("SET dbtool.borrow_timeout = '200ms'").error == nil)
      try pool.holding(1) {
        expectTimeout(try client.query("SELECT 1").error, milliseconds: 300, cap: 1, waiting: 1)
        expectTimeout(try other.query("SELECT 1").error, milliseconds: 200, cap: 1, waiting: 1)
      }
      #expect(try client.query("SHOW dbtool.borrow_timeout").value == "300ms")
      try pool.expectClean()
    }
  }

  @Test("a batch fails as one: an error, then the answer to its Sync, whether that came along or comes later")
  func batch() throws {
    try PoolProcess.with(backends: 1, "--borrow-timeout", "200ms") { pool in
      let client = try pool.wireClient()
      try pool.holding(1) {
        try client.send {
          $0.parse(name: "s", query: "SELECT 'never'")
          $0.bind(statement: "s")
          $0.execute()
          $0.sync()
        }
        let together = try client.reply()
        #expect(together.tags == "EZ")
        expectTimeout(together.error, milliseconds: 200, cap: 1, waiting: 1)

        try client.send {
          $0.parse(query: "SELECT 'never'")
          $0.flush()
        }
        #expect(try client.next().error?.sqlState == "53300")
        try client.send {
          $0.bind()
          $0.execute()
        }
        try client.send { $0.sync() }
        #expect(try client.reply().tags == "Z")
      }
      try client.send {
        $0.bind(statement: "s")
        $0.execute()
        $0.sync()
      }
      #expect(try client.reply().error?.sqlState == "26000")
      try client.send {
        $0.parse(query: "SELECT 'now'")
        $0.bind()
        $0.execute()
        $0.sync()
      }
      #expect(try client.reply().tags == "12DCZ")
      try pool.expectClean()
    }
  }

  @Test("queries that were sent in one piece fail one by one")
  func pipelined() throws {
    try PoolProcess.with(backends: 1, "--borrow-timeout", "200ms") { pool in
      let client = try pool.wireClient()
      try pool.holding(1) {
        try client.send {
          $0.query("SELECT 1")
          $0.query("SELECT 2")
        }
        #expect(try client.reply().tags == "EZ")
        #expect(try client.reply().tags == "EZ")
      }
      #expect(try client.query("SELECT 3").value == "3")
    }
  }

  @Test("a login whose settings must be tried waits, too, and is refused for good")
  func login() throws {
    try PoolProcess.with(backends: 1, "--borrow-timeout", "200ms") { pool in
      try pool.holding(1) {
        let client = try PoolWireClient(port: pool.port)
        let error = #expect(throws: PoolWireClient.Failure.self) {
          try client.logIn(pool.target, [("work_mem", "9MB")])
        }
        guard case .refused(let fields)? = error else { return }
        #expect(fields.isFatal)
        #expect(fields.sqlState == "53300")
      }
      try pool.expectClean()
    }
  }

  @Test("first come, first served")
  func order() throws {
    try PoolProcess.with(backends: 1) { pool in
      try pool.direct().execute("CREATE SEQUENCE places")
      let clients = try (1...5).map { _ in try pool.wireClient() }
      try pool.holding(1) {
        for (place, client) in clients.enumerated() {
          try client.send { $0.query("SELECT nextval('places')") }
          #expect(pool.waits(place + 1))
        }
      }
      for (place, client) in clients.enumerated() { #expect(try client.reply().value == String(place + 1)) }
    }
  }

  @Test("a full queue refuses at once")
  func full() throws {
    try PoolProcess.with(backends: 1, "--max-borrow-queue", "1") { pool in
      let waiting = try pool.wireClient()
      let refused = try pool.wireClient()
      try pool.holding(1) {
        try waiting.send { $0.query("SELECT 'waited'") }
        #expect(pool.waits(1))
        let reply = try refused.query("SELECT 1")
        #expect(reply.tags == "EZ")
        #expect(reply.error?.sqlState == "53300")
        #expect(reply.error?.message == "too many clients wait for a database connection already")
      }
      #expect(try waiting.reply().value == "waited")
      #expect(try refused.query("SELECT 1").value == "1")
    }
  }

  @Test("clients of many databases share one cap")
  func databases() throws {
    try SharedPostgres.withDatabase { second in
      try PoolProcess.with(backends: 2) { pool in
        var other = pool.target
        other.database = second.database
        let direct = try SharedPostgres.server.target.connect()
        var most = 0
        for round in 1...4 {
          let clients = try (1...3).flatMap { _ in [try pool.connect(), try other.connect()] }
          for client in clients {
            #expect(try client.query("SELECT $1::int", [String(round)]).first == String(round))
            let open = try direct.query(
              "SELECT count(*) FROM pg_stat_activity WHERE datname IN ($1, $2)",
              [pool.server.database, second.database])
            most = max(most, Int(open.first ?? "") ?? 99)
          }
        }
        #expect(most == 2)
      }
    }
  }
}
