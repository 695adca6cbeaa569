import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("SIGUSR2 hands the pool to a new process", .serialized) struct PoolHandOverTests {
  /// Waits until the process that was sent SIGUSR2 has ended; what has taken over goes with `end()`.
  private struct Exchange {
    let pool: PoolProcess

    func begin() { pool.process.send(SIGUSR2) }

    func isDone() -> Bool { eventually(within: .seconds(30)) { !pool.process.isRunning } }

    /// The number of the process that serves now, by what the first one has said.
    var successor: pid_t? {
      let log = pool.process.stderrSoFar
      guard let range = log.range(of: "a new process takes over pid=", options: .backwards) else {
        return nil
      }
      return pid_t(log[range.upperBound...].prefix { $0.isNumber })
    }

    /// As it must end: in order.
    func end() {
      guard let successor else { return }
      kill(successor, SIGTERM)
      #expect(eventually(within: .seconds(30)) { kill(successor, 0) != 0 || isZombie(successor) })
    }

    private func isZombie(_ process: pid_t) -> Bool {
      let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
      return status.map { $0.contains(") Z ") } ?? true
    }
  }

  private func exchange(
    backends: Int = 3, _ flags: String..., body: (PoolProcess, Exchange) throws -> Void
  ) throws {
    try SharedPostgres.withDatabase { database in
      let pool = try PoolProcess(database, backends: backends, flags)
      let exchange = Exchange(pool: pool)
      defer {
        if pool.process.isRunning { pool.process.send(SIGKILL) }
        exchange.end()
      }
      #expect(eventually(within: .seconds(60)) { pool.page("/readyz")?.status == 200 })
      try body(pool, exchange)
    }
  }

  @Test(
    "idle clients go along with their sessions, a transaction ends where it began, and the cap holds",
    arguments: ["epoll", "io_uring"])
  func clients(io: String) throws {
    guard io == "epoll" || PoolIO.hasRing else { return }
    try exchange("--io", io) { pool, exchange in
      let idle = try pool.wireClient(("application_name", "kept"))
      #expect(try idle.query("SET work_mem = '3MB'").tags == "CZ")
      try idle.send {
        $0.parse(name: "named", query: "SELECT 'named ' || $1::text")
        $0.parse(query: "SELECT 'unnamed'")
        $0.sync()
      }
      #expect(try idle.reply().tags == "11Z")
      let running = try pool.wireClient()
      #expect(try running.query("BEGIN").tags == "CZ")
      #expect(try running.query("CREATE TABLE handed (n int)").tags == "CZ")

      exchange.begin()
      // A client that comes now is the new one's, whose backends are those that the old one has closed.
      #expect(
        eventually(within: .seconds(30)) {
          pool.process.stderrSoFar.contains("the new process takes clients")
        })
      let fresh = try pool.wireClient()
      #expect(try fresh.query("SELECT 'fresh'").value == "fresh")
      #expect(try pool.openBackends() <= 3)
      #expect(pool.process.isRunning, "it waits for its transaction")
      #expect(try running.query("INSERT INTO handed VALUES (1)").tags == "CZ")
      #expect(try running.query("COMMIT").tags == "CZ")
      #expect(exchange.isDone())

      // On the same connections, in the new process.
      #expect(try running.query("SELECT n FROM handed").value == "1")
      try idle.send {
        $0.bind()
        $0.execute()
        $0.bind(statement: "named", parameters: ["still"])
        $0.execute()
        $0.sync()
      }
      #expect(try idle.reply().rows.map { $0.first ?? nil } == ["unnamed", "named still"])
      #expect(try idle.query("SHOW work_mem").value == "3MB")
      #expect(try idle.query("SHOW application_name").value == "kept")
      #expect(try idle.query("RESET work_mem; SHOW work_mem").value == "4MB")
      // Its cancel key is as it was.
      try idle.send { $0.query("SELECT pg_sleep(60)") }
      #expect(
        try eventually {
          try pool.direct().query(
            "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
          ).first == "1"
        })
      let canceller = try PoolWireClient(port: pool.port)
      try canceller.send { $0.cancelRequest(processID: idle.key.processID, key: idle.key.key) }
      #expect(try idle.reply().error?.sqlState == "57014")
      #expect(pool.page("/readyz")?.status == 200)
    }
  }

  @Test("clients that wait for a backend go on waiting in the new process, and are served there")
  func waiting() throws {
    try exchange(backends: 1) { pool, exchange in
      let holder = try pool.wireClient()
      #expect(try holder.query("BEGIN").tags == "CZ")
      let waiters = try (0..<3).map { _ in try pool.wireClient() }
      for (number, waiter) in waiters.enumerated() { try waiter.send { $0.query("SELECT \(number)") } }
      #expect(pool.waits(3))
      exchange.begin()
      #expect(
        eventually(within: .seconds(30)) {
          pool.process.stderrSoFar.contains("the new process takes clients")
        })
      #expect(pool.waits(3))
      #expect(try holder.query("COMMIT").tags == "CZ")
      for (number, waiter) in waiters.enumerated() { #expect(try waiter.reply().value == String(number)) }
      #expect(exchange.isDone())
    }
  }

  @Test("with several loops, too")
  func loops() throws {
    try exchange("--threads", "2") { pool, exchange in
      let clients = try (0..<8).map { _ in try pool.wireClient() }
      for (number, client) in clients.enumerated() {
        #expect(try client.query("SET work_mem = '\(number + 100)kB'").tags == "CZ")
      }
      exchange.begin()
      #expect(exchange.isDone())
      for (number, client) in clients.enumerated() {
        #expect(try client.query("SHOW work_mem").value == "\(number + 100)kB")
      }
    }
  }

  @Test("what cannot go along is told that the pool ends, and a pinned client may end what it is at")
  func others() throws {
    try exchange("--drain-timeout", "60s") { pool, exchange in
      let listener = try pool.wireClient()
      #expect(try listener.query("LISTEN news").tags == "CZ")
      let sleeper = try pool.wireClient()
      try sleeper.send { $0.query("SELECT pg_sleep(1), 'done'") }
      #expect(
        try eventually {
          try pool.direct().query("SELECT count(*) FROM pg_stat_activity WHERE state = 'active'").first == "2"
        })
      exchange.begin()
      let words = try listener.lastWords()
      #expect(words.error?.sqlState == "57P01")
      #expect(try sleeper.reply().rows.first?.last == "done")
      #expect(exchange.isDone())
      #expect(try sleeper.query("SELECT 'here'").value == "here")
    }
  }

  @Test("when the new process cannot start, the old one goes on as if nothing had happened, probes included")
  func failure() throws {
    try SharedPostgres.withDatabase { database in
      let folder = try TestFolder()
      let file = folder.path + "/dbtool.toml"
      try "[pool]\nborrow_timeout = \"9s\"".write(toFile: file, atomically: true, encoding: .utf8)
      try PoolProcess.with(database, ["--config", file]) { pool in
        let client = try pool.wireClient()
        #expect(try client.query("SET work_mem = '3MB'").tags == "CZ")
        try "[pool]\nborrow_timeout = \"never\"".write(toFile: file, atomically: true, encoding: .utf8)
        pool.process.send(SIGUSR2)
        #expect(eventually { pool.process.stderrSoFar.contains("this process goes on") })
        #expect(try client.query("SHOW work_mem").value == "3MB")
        #expect(try pool.wireClient().query("SELECT 1").value == "1")
        #expect(eventually { pool.page("/readyz")?.status == 200 })
      }
    }
  }
}
