import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("The console") struct PoolConsoleTests {
  /// A pool whose one user runs the console.
  private func withConsole(
    threads: Int = 1, backends: Int = 3, _ flags: [String] = [], body: (PoolProcess) throws -> Void
  ) throws {
    try SharedPostgres.withDatabase { database in
      try PoolProcess.with(
        database, backends: backends,
        ["--threads", "\(threads)", "--admin-users", database.user ?? ""] + flags, body)
    }
  }

  @Test("it counts what is there, whichever loops clients and backends are at", arguments: [1, 3])
  func counts(threads: Int) throws {
    try withConsole(threads: threads) { pool in
      let name = pool.target.database ?? ""
      let console = try PoolConsole(pool)
      let clients = try (0..<4).map { _ in try pool.wireClient(("application_name", "teller")) }
      #expect(try clients[0].query("BEGIN").tags == "CZ")
      #expect(try clients[1].query("BEGIN; SELECT 1").tags == "CTDCZ")
      let pools = try console.show("POOLS").first { $0["database"] == name }
      #expect(pools?["cl_active"] == "4")
      #expect(pools?["cl_idle"] == "2")
      #expect(pools?["sv_active"] == "2")
      #expect(pools?["pool_mode"] == "transaction")
      let shown = try console.show("CLIENTS").filter { $0["database"] == name }
      #expect(shown.count == 4)
      #expect(shown.filter { $0["state"] == "active" }.count == 2)
      #expect(shown.allSatisfy { $0["application_name"] == "teller" && $0["addr"] == "127.0.0.1" })
      #expect(Set(shown.map { $0["id"] }).count == 4)
      #expect(Set(shown.map { $0["loop"] }).count == min(threads, 4))
      let process = try clients[1].query("SELECT pg_backend_pid()").value
      let server = try console.show("SERVERS").first { $0["remote_pid"] == process }
      #expect(server?["state"] == "active")
      #expect(server?["application_name"] == "teller")
      #expect(shown.contains { $0["link"] == server?["ptr"] })
      let holders = try console.show("HOLDERS")
      #expect(holders.count == 2)
      #expect(holders.allSatisfy { $0["state"] == "idle in transaction" })
      #expect(try console.cell("LISTS", "items", where: ["list": "used_clients"]) == "5")
      #expect(try console.cell("DATABASES", "current_client_connections", where: ["name": name]) == "4")
      #expect(
        try console.cell("USERS", "current_connections", where: ["name": pool.target.user ?? ""]) != nil)
      for client in clients.prefix(2) { #expect(try client.query("COMMIT").tags == "CZ") }
      try pool.expectClean()
    }
  }

  @Test("who waits is in SHOW QUEUE, who is pinned in SHOW PINS, with the reason")
  func queueAndPins() throws {
    try withConsole(backends: 1, ["--borrow-timeout", "60s"]) { pool in
      let console = try PoolConsole(pool)
      let pinned = try pool.wireClient(("application_name", "keeper"))
      #expect(try pinned.query("CREATE TEMP TABLE mine (id int)").error == nil)
      let pin = try #require(try console.show("PINS").first)
      #expect(pin["application_name"] == "keeper")
      #expect(pin["reason"] == "temporary_object")
      #expect(pin["statement"]??.contains("create temp table mine") == true)
      let waiting = try (0..<2).map { _ in try PoolWireClient(port: pool.port) }
      for client in waiting {
        try client.logIn(pool.target)
        try client.send { $0.query("SELECT 'done'") }
        let before = try console.show("QUEUE").count
        #expect(eventually { (try? console.show("QUEUE").count) != before || before > 0 })
      }
      #expect(eventually { (try? console.show("QUEUE").count) == 2 })
      let queue = try console.show("QUEUE")
      #expect(queue.map { $0["position"] } == ["1", "2"])
      let left = queue.compactMap { $0["timeout_ms"] ?? nil }.compactMap { Int($0) }
      #expect(left.allSatisfy { (1...60_000).contains($0) } && left.count == 2)
      #expect(try console.cell("POOLS", "cl_waiting", where: ["database": pool.target.database ?? ""]) == "2")
      #expect(try pinned.query("DROP TABLE mine").error == nil)
      for client in waiting { #expect(try client.reply().value == "done") }
    }
  }

  @Test("SHOW STATS counts what clients have had done")
  func stats() throws {
    try withConsole { pool in
      let console = try PoolConsole(pool)
      let name = pool.target.database ?? ""
      func total(_ column: String) throws -> Int {
        Int(try console.cell("STATS", column, where: ["database": name]) ?? "") ?? -1
      }
      let client = try pool.wireClient()
      _ = try client.query("SELECT 1")
      let (queries, transactions) = (try total("total_query_count"), try total("total_xact_count"))
      let (sent, time) = (try total("total_sent"), try total("total_query_time"))
      for _ in 0..<5 { #expect(try client.query("SELECT pg_sleep(0.01)").error == nil) }
      #expect(try total("total_query_count") == queries + 5)
      #expect(try total("total_xact_count") == transactions + 5)
      #expect(try total("total_sent") > sent)
      #expect((40_000..<20_000_000).contains(try total("total_query_time") - time))
      #expect(try total("total_server_assignment_count") >= 6)
    }
  }

  @Test("only those who are named come in, each with their rights, by their own password")
  func rights() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "console-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "users.txt")
    try "\"boss\" \"b\"\n\"reader\" \"r\"\n".write(to: file, atomically: true, encoding: .utf8)
    try SharedPostgres.withDatabase { database in
      let flags = [
        "--admin-users", "boss", "--stats-users", "reader", "--auth-file", file.path,
        "--listen", "unix:\(folder.path)",
      ]
      try PoolProcess.with(database, backends: 2, flags) { pool in
        func refusal(_ user: String?, _ password: String?) -> String? {
          do {
            _ = try PoolConsole(pool, user: user, password: password)
            return nil
          } catch PoolWireClient.Failure.refused(let error) {
            return error.sqlState
          } catch {
            return "\(error)"
          }
        }
        #expect(refusal("boss", "b") == nil)
        #expect(refusal("reader", "r") == nil)
        #expect(refusal("boss", "wrong") == "28P01")
        #expect(refusal("nobody", "x") == "28P01")
        #expect(refusal(nil, nil) == "42501")
        let reader = try PoolConsole(pool, user: "reader", password: "r", database: "dbtool")
        #expect(try reader.show("VERSION").count == 1)
        #expect(try reader.client.query("PAUSE").error?.sqlState == "42501")
        #expect(try reader.client.query("SET borrow_timeout = 1").error?.sqlState == "42501")
        #expect(try reader.show("VERSION").count == 1)
        // The pool's own user needs no password, whatever it calls itself.
        var socket = pool.target
        (socket.host, socket.user, socket.database, socket.password) = (folder.path, "me", "pgbouncer", nil)
        socket.parameters["hostaddr"] = nil
        let owner = try socket.connect()
        #expect(try owner.query("SHOW VERSION").first?.hasPrefix("PgBouncer ") == true)
      }
    }
  }

  @Test("it answers while the server is down, the queue is full and no more clients are taken")
  func always() throws {
    try withConsole(backends: 1, ["--max-client-connections", "2", "--max-borrow-queue", "1"]) { pool in
      let clients = try (0..<2).map { _ in try pool.wireClient() }
      #expect(try clients[0].query("BEGIN").tags == "CZ")
      try clients[1].send { $0.query("SELECT 1") }
      let console = try PoolConsole(pool)
      #expect(eventually { (try? console.show("QUEUE").count) == 1 })
      #expect(throws: (any Error).self) { try pool.wireClient() }
      #expect(try console.show("CLIENTS").count == 3)
      #expect(try clients[0].query("COMMIT").tags == "CZ")
      #expect(try clients[1].reply().tags == "TDCZ")
    }
  }

  @Test("psql and three drivers read it, in both protocols, and what pgbouncer_exporter looks for is there")
  func drivers() throws {
    try withConsole { pool in
      let client = try pool.wireClient()
      #expect(try client.query("SELECT 1").tags == "TDCZ")
      var target = pool.target
      target.database = "pgbouncer"
      let result = try PoolProgram.driver("console_readers.py", [], databaseURL: target.testURL).finish()
      #expect(result.status == 0, "\(result.output)")
      let psql = try PoolProgram(
        try PoolProgram.postgres("psql"),
        ["-X", "-A", "-t", target.testURL, "-c", "show help", "-c", "SHOW DATABASES;"], databaseURL: ""
      ).finish()
      #expect(psql.status == 0, "\(psql.output)")
      #expect(psql.output.contains("NOTICE:  Console usage"))
      #expect(psql.output.contains("\(pool.target.database ?? "")|127.0.0.1|"))
    }
  }

  @Test(
    "PgBouncer's columns are there, in its order",
    .enabled(if: PgBouncer.path != nil, "no PgBouncer is installed"))
  func columns() throws {
    try withConsole { pool in
      let console = try PoolConsole(pool)
      try PgBouncer.with("transaction") { bouncer in
        let port = try #require(UInt16(bouncer.target.port ?? ""))
        let theirs = try PoolWireClient(port: port)
        var target = bouncer.target
        target.database = "pgbouncer"
        try theirs.logIn(target)
        var compared = 0
        for view in [
          "DATABASES", "POOLS", "CLIENTS", "SERVERS", "SOCKETS", "ACTIVE_SOCKETS", "STATS", "STATS_TOTALS",
          "STATS_AVERAGES", "TOTALS", "LISTS", "USERS", "CONFIG", "VERSION", "MEM", "DNS_HOSTS", "DNS_ZONES",
          "STATE", "PEERS", "PEER_POOLS",
        ] {
          let reply = try theirs.query("SHOW \(view)")
          // What came after the installed version is not known to it.
          guard reply.error == nil else { continue }
          let ours = try console.client.query("SHOW \(view)")
          let wanted = reply.columnNames
          let found = ours.columnNames.filter { wanted.contains($0) }
          #expect(found == wanted, "\(view)")
          if ["TOTALS", "LISTS"].contains(view) {
            let names = reply.rows.map { $0[0] }
            #expect(ours.rows.map { $0[0] }.filter { names.contains($0) } == names, "\(view)")
          }
          compared += 1
        }
        #expect(compared >= 17)
      }
    }
  }
}
