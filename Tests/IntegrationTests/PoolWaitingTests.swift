import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Clients that wait for a backend") struct PoolWaitingTests {
  @Test("after borrow_notice a waiting client gets one NOTICE that says for whom it waits")
  func notice() throws {
    try PoolProcess.with(backends: 1, "--borrow-notice", "100ms", "--borrow-timeout", "600ms") { pool in
      let client = try pool.wireClient()
      try pool.holding(1) {
        let reply = try client.query("SELECT 1")
        #expect(reply.tags == "NEZ")
        #expect(reply.error?.sqlState == "53300")
        let notice = try #require(reply.notices.first)
        #expect(notice.message.hasPrefix("still waiting for a database connection after 1"))
        #expect(notice.detail?.contains("1 of 1 backends are busy, 1 clients wait.") == true)
        #expect(notice.hint == "It is given up after 600 ms (borrow_timeout).")
      }
      #expect(try client.query("SELECT 1").tags == "TDCZ")
      // The next wait is another one.
      try pool.holding(1) {
        let again = try client.query("SELECT 1").tags
        #expect(again == "NEZ")
      }
    }
  }

  @Test("a wait that cannot end in time is refused at once: whoever is in front has waited longer already")
  func inVain() throws {
    try PoolProcess.with(backends: 1, "--borrow-timeout", "30s") { pool in
      let patient = try pool.wireClient()
      let hasty = try pool.wireClient()
      #expect(try hasty.query("SET dbtool.borrow_timeout = '300ms'").tags == "CZ")
      try pool.holding(1) {
        try patient.send { $0.query("SELECT 1") }
        #expect(pool.waits(1))
        // The first has waited for less than 300 ms, or for longer: either way it is told in time.
        let first = try hasty.query("SELECT 2")
        #expect(first.error?.sqlState == "53300")
        let start = ContinuousClock.now
        let second = try hasty.query("SELECT 2")
        #expect(ContinuousClock.now - start < .milliseconds(250))
        #expect(
          second.error?.message.hasPrefix(
            "no database connection can be had within 300 ms: others have waited ")
            == true)
      }
      #expect(try patient.reply().tags == "TDCZ")
    }
  }

  @Test(
    "when all backends are idle in transactions and as many clients wait, the last is refused early, then all goes on"
  )
  func nested() throws {
    try PoolProcess.with(backends: 4, "--borrow-timeout", "60s") { pool in
      let holders = try (0..<4).map { _ in try pool.wireClient() }
      for holder in holders { #expect(try holder.query("BEGIN").tags == "CZ") }
      // Each "thread" asks for a second connection.
      let seconds = try (0..<4).map { _ in try pool.wireClient() }
      for (index, second) in seconds.enumerated() {
        try second.send { $0.query("SELECT \(index)") }
        #expect(pool.waits(index + 1))
      }
      let start = ContinuousClock.now
      let refused = try seconds[3].reply()
      #expect(ContinuousClock.now - start < .seconds(20))
      #expect(refused.tags == "EZ")
      #expect(refused.error?.sqlState == "53300")
      #expect(
        refused.error?.message.hasPrefix(
          "no database connection: each is held by a client that is idle in a transaction") == true)
      #expect(pool.metric("refusals_total{reason=\"nested\"}") == 1)
      // Its thread gives up what it holds, and the others go on.
      #expect(try holders[3].query("ROLLBACK").tags == "CZ")
      for (index, second) in seconds.dropLast().enumerated() {
        #expect(try second.reply().tags == "TDCZ")
        #expect(try holders[index].query("COMMIT").tags == "CZ")
      }
    }
  }

  @Test(
    "sqlstate_compat says it in the words of RDS Proxy, or of PgBouncer, which then ends the connection",
    arguments: [
      ("rds", "08000", "Timed-out waiting to acquire database connection.", "EZ"),
      ("pgbouncer", "08P01", "query_wait_timeout", "E"),
    ])
  func words(compatibility: String, sqlState: String, message: String, tags: String) throws {
    try PoolProcess.with(
      backends: 1, "--sqlstate-compat", compatibility, "--borrow-timeout", "100ms",
      "--max-client-connections", "3"
    ) { pool in
      let client = try pool.wireClient()
      try pool.holding(1) {
        try client.send { $0.query("SELECT 1") }
        let reply = tags == "E" ? try client.lastWords() : try client.reply()
        #expect(reply.tags == tags)
        #expect(reply.error?.sqlState == sqlState)
        #expect(reply.error?.message == message)
        #expect(
          reply.error?.detail?.hasPrefix("timed out after 100 ms waiting for a database connection.") == true)
      }
    }
  }

  @Test("a lane keeps what is reserved for it, and another never has more than its maximum")
  func lanes() throws {
    try SharedPostgres.withDatabase { database in
      let folder = try TestFolder()
      let file = """
        [[pool.lanes]]
        name = "checkout"
        application_name = "checkout*"
        reserved = 1
        [[pool.lanes]]
        name = "batch"
        application_name = "batch"
        max_connections = 1
        """
      try file.write(toFile: folder.path + "/dbtool.toml", atomically: true, encoding: .utf8)
      let flags = ["--config", folder.path + "/dbtool.toml", "--borrow-timeout", "300ms"]
      try PoolProcess.with(database, backends: 3, flags) { pool in
        let batch = try (0..<2).map { _ in try pool.wireClient(("application_name", "batch")) }
        let others = try (0..<2).map { _ in try pool.wireClient() }
        let checkout = try (0..<2).map { try pool.wireClient(("application_name", "checkout-\($0)")) }
        #expect(try batch[0].query("BEGIN").tags == "CZ")
        let refused = try batch[1].query("SELECT 1")
        #expect(refused.error?.sqlState == "53300")
        #expect(
          refused.error?.detail?.contains("Lane batch has 1 of at most 1, and 1 of its clients wait.") == true
        )
        #expect(try others[0].query("BEGIN").tags == "CZ")
        #expect(try others[1].query("SELECT 1").error?.sqlState == "53300")
        #expect(try checkout[0].query("BEGIN").tags == "CZ")
        #expect(try checkout[1].query("SELECT 1").error?.sqlState == "53300")
        // A waiter is served as soon as its lane may have one more.
        try batch[1].send { $0.query("SELECT 'next'") }
        #expect(pool.waits(1))
        #expect(try batch[0].query("COMMIT").tags == "CZ")
        #expect(try batch[1].reply().value == "next")
        for client in [others[0], checkout[0]] { #expect(try client.query("COMMIT").tags == "CZ") }
      }
    }
  }

  @Test("min_connections are open before anybody asks, and stay")
  func minimum() throws {
    try PoolProcess.with(
      backends: 4, "--min-connections", "3", "--server-idle-timeout", "500ms",
      "--max-idle-connections-percent", "0"
    ) { pool in
      #expect(try eventually { try pool.openBackends() == 3 })
      try pool.holding(4) {}
      #expect(try eventually { try pool.openBackends() == 3 })
    }
  }

  @Test("server_lifetime counts for backends that are never idle, too")
  func lifetime() throws {
    try PoolProcess.with(backends: 1, "--server-lifetime", "1s") { pool in
      let client = try pool.wireClient()
      let first = try client.query("SELECT pg_backend_pid()").value
      let isExchanged = try eventually { try client.query("SELECT pg_backend_pid()").value != first }
      #expect(isExchanged)
      try pool.expectClean()
    }
  }
}
