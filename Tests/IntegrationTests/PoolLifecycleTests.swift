import DatabaseTools
import Foundation
import LibPQ
import PoolServer
import PostgresWire
import TestSupport
import Testing

@Suite("dbtool pool: starting, answering probes, ending") struct PoolLifecycleTests {
  @Test("/livez, /readyz and /metrics answer before any client has come")
  func pages() throws {
    try PoolProcess.with(backends: 3) { pool in
      #expect(pool.page("/livez")?.body == "alive\n")
      #expect(pool.page("/readyz")?.body == "ready\n")
      #expect(pool.page("/nowhere")?.status == 404)
      #expect(pool.metric("max_backends") == 3)
      #expect(pool.metric("client_connections{phase=\"idle\"}") == 0)
      let client = try pool.wireClient()
      #expect(try client.query("BEGIN; SELECT 1").value == "1")
      #expect(pool.metric("client_connections{phase=\"active\"}") == 1)
      #expect(pool.metric("backends{phase=\"in_use\"}") == 1)
      #expect(pool.metric("backends_in_transaction") == 1)
      #expect(try client.query("COMMIT").status == .idle)
      #expect(pool.metric("backends{phase=\"idle\"}") == 1)
      #expect(pool.metric("transactions_total") == 1)
      #expect(pool.page("/metrics")?.body.hasSuffix("# EOF\n") == true)
    }
  }

  @Test(
    "a server that refuses the pool's password: not ready, one line about it in the log, and a plain error")
  func refusedByServer() throws {
    try SharedPostgres.withDatabase { database in
      var wrong = database
      wrong.password = Secret("not the password")
      let pool = try PoolProcess(wrong, backends: 2)
      defer { if pool.process.isRunning { pool.process.send(SIGKILL) } }
      #expect(eventually { pool.process.stderrSoFar.contains("cannot open a backend: ") })
      #expect(pool.page("/readyz")?.status == 503)
      #expect(pool.page("/livez")?.status == 200)
      for _ in 0..<3 {
        let client = try PoolWireClient(port: pool.port)
        let error = #expect(throws: PoolWireClient.Failure.self) { try client.logIn(pool.target) }
        if case .refused(let fields)? = error { #expect(fields.sqlState == "28P01") }
      }
      #expect(pool.page("/readyz")?.status == 503)
      pool.process.send(SIGTERM)
      let result = pool.process.finish()
      #expect(result.status == 0)
      let complaints = result.stderr.split(separator: "\n").filter { $0.contains("cannot open a backend: ") }
      #expect(complaints.count == 1, "\(result.stderr)")
      #expect(!result.stderr.contains("not the password"))
    }
  }

  @Test("--json: each event is a JSON document on a line of stdout")
  func jsonLines() throws {
    try SharedPostgres.withDatabase { database in
      let pool = try PoolProcess(database, backends: 1, ["--json"])
      defer { if pool.process.isRunning { pool.process.send(SIGKILL) } }
      #expect(eventually { pool.page("/readyz")?.status == 200 })
      pool.process.send(SIGTERM)
      let result = pool.process.finish()
      #expect(result.status == 0)
      let events = result.stdout.split(separator: "\n").map { JSONValue(parsing: String($0)) }
      #expect(events.count >= 3)
      #expect(events.allSatisfy { $0?["message"]?.text?.isEmpty == false })
      #expect(events.contains { $0?["message"]?.text == "configured" })
      #expect(events.contains { $0?["message"]?.text == "drained" })
      #expect(result.stderr.isEmpty, "\(result.stderr)")
    }
  }

  @Test("SIGTERM: who runs a transaction finishes it, everybody else is told; status 0")
  func drain() throws {
    try SharedPostgres.withDatabase { database in
      let pool = try PoolProcess(database, backends: 2)
      defer { if pool.process.isRunning { pool.process.send(SIGKILL) } }
      #expect(eventually { pool.page("/readyz")?.status == 200 })
      try pool.direct().execute("CREATE TABLE goods (id int)")
      let running = try pool.wireClient()
      let idle = try pool.wireClient()
      #expect(try running.query("BEGIN; INSERT INTO goods VALUES (1)").status == .inTransaction)
      pool.process.send(SIGTERM)

      let farewell = try idle.lastWords()
      #expect(farewell.tags == "E")
      #expect(farewell.error?.sqlState == "57P01")
      #expect(farewell.error?.isFatal == true)
      #expect(pool.page("/readyz").map { $0.status == 503 && $0.body == "not ready: draining\n" } == true)
      #expect(pool.page("/livez")?.status == 200)
      #expect(throws: PoolWireClient.Failure.self) { try PoolWireClient(port: pool.port) }

      #expect(try running.query("INSERT INTO goods VALUES (2)").status == .inTransaction)
      try running.send { $0.query("COMMIT") }
      let last = try running.lastWords()
      #expect(last.tags == "CZE")
      #expect(last.error?.sqlState == "57P01")
      let result = pool.process.finish()
      #expect(result.status == 0)
      #expect(result.stderr.contains("drained"))
      #expect(try pool.direct().query("SELECT count(*) FROM goods").first == "2")
    }
  }

  @Test("drain_timeout ends what will not end")
  func drainTimeout() throws {
    try SharedPostgres.withDatabase { database in
      let pool = try PoolProcess(database, backends: 1, ["--drain-timeout", "300ms"])
      defer { if pool.process.isRunning { pool.process.send(SIGKILL) } }
      #expect(eventually { pool.page("/readyz")?.status == 200 })
      let client = try pool.wireClient()
      #expect(try client.query("BEGIN").status == .inTransaction)
      let start = ContinuousClock.now
      pool.process.send(SIGINT)
      _ = try client.lastWords()
      #expect(pool.process.finish().status == 0)
      #expect(ContinuousClock.now - start < .seconds(20))
    }
  }

  @Test("a second signal ends the pool at once, and leaves no backend at the server")
  func secondSignal() throws {
    try SharedPostgres.withDatabase { database in
      let pool = try PoolProcess(database, backends: 1)
      defer { if pool.process.isRunning { pool.process.send(SIGKILL) } }
      #expect(eventually { pool.page("/readyz")?.status == 200 })
      let client = try pool.wireClient()
      #expect(try client.query("BEGIN").status == .inTransaction)
      pool.process.send(SIGTERM)
      #expect(eventually { pool.page("/readyz")?.status == 503 })
      #expect(pool.process.isRunning)
      pool.process.send(SIGTERM)
      #expect(pool.process.finish().status == 128 + SIGTERM)
      #expect(throws: PoolWireClient.Failure.ended) { try client.next() }
      #expect(try eventually { try pool.openBackends() == 0 })
    }
  }

  @Test("a port that somebody has: one clear error, status 1", arguments: ["--listen", "--http-listen"])
  func portInUse(flag: String) throws {
    let address = try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first)
    let taken = try address.listen()
    defer { taken.close() }
    let port = try #require(taken.localPort)
    let other = flag == "--listen" ? "--http-listen" : "--listen"
    let result = try runDBTool(
      ["pool", flag, "127.0.0.1:\(port)", other, "127.0.0.1:\(try PoolProcess.freePort())"],
      environment: ["DATABASE_URL": "postgres://app:secret@127.0.0.1:1/shop"], in: "/")
    #expect(result.status == 1)
    let lines = result.stderr.split(separator: "\n").map { String($0) }
    let error = try #require(lines.firstIndex { $0.hasPrefix("error: ") })
    #expect(lines[error].contains("127.0.0.1:\(port): Address already in use"))
    #expect(lines[error...].contains { $0.hasPrefix("  hint: ") })
    #expect(!result.stderr.contains("secret"))
  }

  @Test("an unknown key in the configuration: its place, status 1, and nothing is opened")
  func unknownKey() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "dbtool-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "pool.toml")
    let text = """
      [pool]
      listen = ["127.0.0.1:\(try PoolProcess.freePort())"]
      borow_timeout = "3s"
      """
    try text.write(to: file, atomically: true, encoding: .utf8)
    let result = try runDBTool(
      ["pool", "--config", file.path],
      environment: ["DATABASE_URL": "postgres://app:secret@127.0.0.1:1/shop"], in: "/")
    #expect(result.status == 1)
    #expect(result.stderr.hasPrefix("error: "))
    #expect(result.stderr.contains("borow_timeout"))
    #expect(result.stderr.contains("  at \(file.path):3:1\n"), "\(result.stderr)")
    #expect(result.stderr.contains("\n    3 | borow_timeout = …\n      | ^\n"), "\(result.stderr)")
    #expect(result.stderr.contains("  hint: did you mean borrow_timeout?\n"))
    #expect(result.stdout.isEmpty)
  }

  @Test("without a server and a user to serve: what to set, and no start")
  func nothingToServe() throws {
    let result = try runDBTool(["pool"], in: "/")
    #expect(result.status != 0)
    #expect(result.stderr.hasPrefix("error: "))
    #expect(result.stderr.contains("  hint: "))
  }
}
