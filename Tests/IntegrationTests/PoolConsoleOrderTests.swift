import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Orders at the console") struct PoolConsoleOrderTests {
  private func withConsole(
    threads: Int = 1, backends: Int = 3, _ flags: [String] = [],
    body: (PoolProcess, PoolConsole) throws -> Void
  ) throws {
    try SharedPostgres.withDatabase { database in
      let all = ["--threads", "\(threads)", "--admin-users", database.user ?? ""] + flags
      try PoolProcess.with(database, backends: backends, all) { pool in
        try body(pool, PoolConsole(pool))
      }
    }
  }

  /// The request failed with this SQLSTATE.
  private func expectRefused(
    _ reply: PoolReply, _ state: String, _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(reply.error?.sqlState == state, comment, sourceLocation: sourceLocation)
  }

  /// Whether so many clients wait for a backend; asked at the console, which counts paused ones.
  private func waits(_ count: Int, _ console: PoolConsole) -> Bool {
    eventually { (try? console.show("QUEUE").count) == count }
  }

  @Test(
    "PAUSE ends when all backends have come back and are closed; queries wait for RESUME", arguments: [1, 3])
  func pause(threads: Int) throws {
    try withConsole(threads: threads) { pool, console in
      let clients = try (0..<3).map { _ in try pool.wireClient() }
      #expect(try clients[0].query("BEGIN; SELECT 1").tags == "CTDCZ")
      let pausing = try PoolConsole(pool)
      try pausing.client.send { $0.query("PAUSE") }
      #expect(eventually { (try? console.cell("STATE", "value", where: ["key": "paused"])) == "yes" })
      try clients[1].send { $0.query("SELECT 'later'") }
      #expect(waits(1, console))
      #expect(try pool.openBackends() >= 1)
      #expect(try clients[0].query("COMMIT").tags == "CZ")
      #expect(try pausing.client.reply().tags == "CZ")
      #expect(try pool.openBackends() == 0)
      // Whoever comes now comes in, and waits.
      let late = try pool.wireClient()
      try late.send { $0.query("SELECT 'late'") }
      #expect(waits(2, console))
      let name = pool.target.database ?? ""
      #expect(try console.cell("DATABASES", "paused", where: ["name": name]) == "1")
      try console.run("RESUME")
      #expect(try clients[1].reply().value == "later")
      #expect(try late.reply().value == "late")
      try expectRefused(console.client.query("RESUME"), "55000")
      try pool.expectClean()
    }
  }

  @Test("PAUSE of one database leaves the others alone, and lets a listener listen again afterwards")
  func pauseOne() throws {
    try withConsole { pool, console in
      let name = pool.target.database ?? ""
      let listener = try pool.wireClient()
      #expect(try listener.query("LISTEN news").error == nil)
      var other = pool.target
      other.database = "postgres"
      let elsewhere = try PoolWireClient(port: pool.port)
      try elsewhere.logIn(other)
      try console.run("PAUSE \(name)")
      #expect(try elsewhere.query("SELECT 1").value == "1")
      #expect(try console.cell("DATABASES", "paused", where: ["name": "postgres"]) == "0")
      try expectRefused(console.client.query("RESUME postgres"), "55000")
      try console.run("RESUME \(name)")
      let teller = try pool.wireClient()
      #expect(
        eventually {
          _ = try? teller.query("NOTIFY news, 'hello'")
          return (try? listener.query("SELECT 1").tags.contains("A")) == true
        })
      try expectRefused(console.client.query("PAUSE pgbouncer"), "55000")
    }
  }

  @Test("a PAUSE that is cancelled leaves the pool paused and says so")
  func cancel() throws {
    try withConsole { pool, console in
      let client = try pool.wireClient()
      #expect(try client.query("BEGIN").tags == "CZ")
      let pausing = try PoolConsole(pool)
      try pausing.client.send { $0.query("PAUSE") }
      #expect(eventually { (try? console.cell("STATE", "value", where: ["key": "paused"])) == "yes" })
      let canceller = try PoolWireClient(port: pool.port)
      try canceller.send {
        $0.cancelRequest(processID: pausing.client.key.processID, key: pausing.client.key.key)
      }
      let answer = try pausing.client.reply()
      #expect(answer.error?.sqlState == "57014")
      #expect(answer.error?.hint?.contains("RESUME") == true)
      try console.run("RESUME")
      #expect(try client.query("COMMIT").tags == "CZ")
    }
  }

  @Test(
    "KILL drops a database's clients and backends, whatever they do; new ones wait for RESUME",
    arguments: [1, 2])
  func kill(threads: Int) throws {
    try withConsole(threads: threads) { pool, console in
      let clients = try (0..<3).map { _ in try pool.wireClient() }
      #expect(try clients[0].query("BEGIN").tags == "CZ")
      try clients[1].send { $0.query("SELECT pg_sleep(60)") }
      #expect(eventually { (try? console.show("HOLDERS").count) == 2 })
      try console.run("KILL \(pool.target.database ?? "")")
      for client in clients { #expect(try client.lastWords().error?.sqlState == "57P01") }
      #expect(eventually { (try? pool.openBackends()) == 0 })
      let late = try pool.wireClient()
      try late.send { $0.query("SELECT 'late'") }
      #expect(waits(1, console))
      try console.run("RESUME \(pool.target.database ?? "")")
      #expect(try late.reply().value == "late")
    }
  }

  @Test("KILL_CLIENT ends the one client with that id, at whichever loop it is", arguments: [1, 3])
  func killClient(threads: Int) throws {
    try withConsole(threads: threads) { pool, console in
      let clients = try (0..<4).map { try pool.wireClient(("application_name", "number \($0)")) }
      let id = try #require(try console.cell("CLIENTS", "id", where: ["application_name": "number 2"]))
      try console.run("KILL_CLIENT \(id)")
      #expect(try clients[2].lastWords().error?.sqlState == "57P01")
      for number in [0, 1, 3] { #expect(try clients[number].query("SELECT 1").value == "1") }
      try expectRefused(console.client.query("KILL_CLIENT \(id)"), "42704")
      try expectRefused(console.client.query("KILL_CLIENT 4294967295"), "42704")
    }
  }

  @Test("DISABLE refuses new clients, and those that are in stay; ENABLE takes them again")
  func disable() throws {
    try withConsole { pool, console in
      let name = pool.target.database ?? ""
      let client = try pool.wireClient()
      try console.run("DISABLE \(name)")
      do {
        _ = try pool.wireClient()
        Issue.record("a client came in")
      } catch PoolWireClient.Failure.refused(let error) {
        #expect(error.sqlState == "55000")
        #expect(error.hint?.contains("DISABLE") == true)
      }
      #expect(try client.query("SELECT 1").value == "1")
      #expect(try console.cell("DATABASES", "disabled", where: ["name": name]) == "1")
      try console.run("ENABLE \(name)")
      #expect(try pool.wireClient().query("SELECT 1").value == "1")
    }
  }

  @Test("RECONNECT exchanges every backend once it comes back; WAIT_CLOSE waits for that", arguments: [1, 2])
  func reconnect(threads: Int) throws {
    try withConsole(threads: threads, backends: 2) { pool, console in
      let clients = try (0..<2).map { _ in try pool.wireClient() }
      #expect(try clients[0].query("BEGIN").tags == "CZ")
      let before = try clients[0].query("SELECT pg_backend_pid()").value
      try console.run("RECONNECT")
      #expect(try clients[1].query("SELECT 1").value == "1")
      #expect(try console.cell("SERVERS", "close_needed", where: ["remote_pid": before ?? ""]) == "1")
      let waiting = try PoolConsole(pool)
      try waiting.client.send { $0.query("WAIT_CLOSE") }
      #expect(try clients[0].query("SELECT pg_backend_pid()").value == before)
      #expect(try clients[0].query("COMMIT").tags == "CZ")
      #expect(try waiting.client.reply().tags == "CZ")
      let after = try clients[0].query("SELECT pg_backend_pid()").value
      #expect(after != before)
      try pool.expectClean()
    }
  }

  @Test(
    "SET changes a key for all loops from the next use on; SHOW CONFIG and errors tell", arguments: [1, 2])
  func set(threads: Int) throws {
    try withConsole(threads: threads, backends: 1) { pool, console in
      try console.run("SET borrow_timeout = '200ms'")
      #expect(try console.cell("CONFIG", "value", where: ["key": "borrow_timeout"]) == "200ms")
      #expect(try console.cell("CONFIG", "changeable", where: ["key": "borrow_timeout"]) == "yes")
      #expect(try console.cell("CONFIG", "changeable", where: ["key": "listen"]) == "no")
      try pool.holding(1) {
        for _ in 0..<threads {
          try expectRefused(pool.wireClient().query("SELECT 1"), "53300")
        }
      }
      for (text, state) in [
        ("SET borrow_timeoutt = 1", "42704"), ("SET borrow_timeout = soon", "22023"),
        ("SET threads = 2", "55P02"), ("SET listen = '*'", "55P02"),
        ("SET max_client_connections = 900000", "55P02"),
        ("SET max_connections = 0", "22023"),
      ] {
        try expectRefused(console.client.query(text), state, "\(text)")
      }
      let unknown = try console.client.query("SET borrow_timeoutt = 1").error
      #expect(unknown?.hint == "Did you mean borrow_timeout?")
      try console.run("SET max_connections = 3")
      #expect(try console.cell("DATABASES", "pool_size", where: ["name": pool.target.database ?? ""]) == "3")
      try pool.holding(3) {}
    }
  }

  @Test("RELOAD reads the configuration again; what a flag says stays", arguments: [1, 2])
  func reload(threads: Int) throws {
    try withConsole(threads: threads) { pool, console in
      let second = try PoolConsole(pool)
      try second.run("SET query_timeout = '9s'")
      #expect(try console.cell("CONFIG", "value", where: ["key": "query_timeout"]) == "9s")
      try second.run("RELOAD")
      #expect(
        eventually { (try? console.cell("CONFIG", "value", where: ["key": "query_timeout"])) == "0s" })
    }
  }

  @Test(
    "SHUTDOWN ends the pool with status 0: at once, after transactions, or once all clients have left",
    arguments: ["", "WAIT_FOR_SERVERS", "WAIT_FOR_CLIENTS"], [1, 2])
  func shutdown(mode: String, threads: Int) throws {
    try withConsole(threads: threads) { pool, console in
      let client = try pool.wireClient()
      #expect(try client.query("BEGIN").tags == "CZ")
      try console.client.send { $0.query("SHUTDOWN \(mode)") }
      switch mode {
      case "": #expect(try client.lastWords().error?.sqlState == "57P01")
      case "WAIT_FOR_SERVERS":
        #expect(try console.client.reply().tags == "CZ")
        #expect(eventually { pool.page("/readyz")?.status == 503 })
        #expect(try client.query("SELECT 1").value == "1")
        // The console is there to the last.
        #expect(try console.show("CLIENTS").count == 2)
        try client.send { $0.query("COMMIT") }
        #expect(try client.lastWords().error?.sqlState == "57P01")
      default:
        #expect(try console.client.reply().tags == "CZ")
        #expect(eventually { (try? pool.wireClient()) == nil })
        #expect(try client.query("COMMIT").tags == "CZ")
        for _ in 0..<3 { #expect(try client.query("SELECT 1").value == "1") }
        client.close()
      }
      #expect(eventually(within: .seconds(20)) { !pool.process.isRunning })
    }
  }

  @Test("SUSPEND and databases that are none are refused by name")
  func refusals() throws {
    try withConsole { _, console in
      try expectRefused(console.client.query("SUSPEND"), "0A000")
      try expectRefused(console.client.query("DISABLE dbtool"), "55000")
      #expect(try console.show("VERSION").count == 1)
    }
  }
}
