import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Cancelling through the pool") struct PoolCancelTests {
  /// Sends a CancelRequest and waits until the pool has closed its connection.
  private func cancel(_ pool: PoolProcess, _ key: BackendKeyData) throws { try cancel(pool.port, key) }

  private func cancel(_ port: UInt16, _ key: BackendKeyData) throws {
    let client = try PoolWireClient(port: port)
    try client.send { $0.cancelRequest(processID: key.processID, key: key.key) }
    #expect(try client.lastWords().tags == "")
  }

  /// Waits until the server runs the query.
  private func runs(_ pool: PoolProcess, _ words: String) throws -> Bool {
    let direct = try pool.direct()
    return try eventually {
      try direct.query(
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE $1
        """, ["%\(words)%"]
      ).first != "0"
    }
  }

  @Test("a running query ends with 57014, and its connection goes on")
  func running() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      for _ in 1...3 {
        try client.send { $0.query("SELECT pg_sleep(60)") }
        #expect(try runs(pool, "pg_sleep(60)"))
        try cancel(pool, client.key)
        let reply = try client.reply()
        #expect(reply.error?.sqlState == "57014")
        #expect(reply.status == .idle)
        #expect(try client.query("SELECT 1").value == "1")
      }
      try pool.expectClean()
    }
  }

  @Test("libpq's own cancel works")
  func libpq() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.connect()
      let canceller = try #require(client.canceller())
      // Again and again, since the first may overtake the query.
      let thread = Thread { while !Thread.current.isCancelled && canceller.cancel() { usleep(50_000) } }
      thread.start()
      defer { thread.cancel() }
      let error = #expect(throws: ServerError.self) { try client.execute("SELECT pg_sleep(60)") }
      #expect(error?.sqlState == "57014")
    }
  }

  @Test("a query that waits for a backend ends at once, and keeps no place in the queue")
  func waiting() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      try pool.holding(1) {
        try client.send { $0.query("SELECT 'never'") }
        #expect(pool.waits(1))
        try cancel(pool, client.key)
        let reply = try client.reply()
        #expect(reply.tags == "EZ")
        #expect(reply.error?.sqlState == "57014")
        #expect(pool.waits(0))
      }
      #expect(try client.query("SELECT 1").value == "1")
      try pool.expectClean()
    }
  }

  @Test("wrong keys and unknown processes are met with silence")
  func wrongKey() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      try client.send { $0.query("SELECT pg_sleep(0.3), 'whole'") }
      #expect(try runs(pool, "whole"))
      var key = client.key
      key.key[0] ^= 1
      try cancel(pool, key)
      try cancel(pool, BackendKeyData(processID: client.key.processID &+ 1, key: client.key.key))
      try cancel(pool, BackendKeyData(processID: 0, key: client.key.key))
      try cancel(pool, BackendKeyData(processID: .max, key: client.key.key))
      try cancel(pool, BackendKeyData(processID: client.key.processID, key: client.key.key + client.key.key))
      #expect(try client.reply().rows == [["", "whole"]])
      #expect(pool.metric("cancels_forwarded_total") == 0)
    }
  }

  @Test("a client of protocol 3.2 is cancelled by its long key, and by no part of it")
  func longKey() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try PoolWireClient(port: pool.port)
      try client.logIn(pool.target, minor: 2)
      #expect(client.key.key.count == 32)
      try client.send { $0.query("SELECT pg_sleep(60)") }
      #expect(try runs(pool, "pg_sleep(60)"))
      try cancel(pool, BackendKeyData(processID: client.key.processID, key: Array(client.key.key.prefix(4))))
      try cancel(pool, BackendKeyData(processID: client.key.processID, key: client.key.key.reversed()))
      #expect(pool.metric("cancels_forwarded_total") == 0)
      try cancel(pool, client.key)
      #expect(try client.reply().error?.sqlState == "57014")
      try pool.expectClean()
    }
  }

  @Test("a cancel that comes in at another pool of the same address finds its way, over one hop")
  func peers() throws {
    try SharedPostgres.withDatabase { database in
      let ports = try (PoolProcess.freePort(), PoolProcess.freePort())
      let file = FileManager.default.temporaryDirectory.appendingPathComponent("peers-\(ports.0).toml")
      defer { try? FileManager.default.removeItem(at: file) }
      // Number 3 is nobody, at an address of the first.
      try """
      [[pool.peers]]
      pool_id = 1
      host = "localhost"
      port = \(ports.0)
      [[pool.peers]]
      pool_id = 2
      host = "127.0.0.1"
      port = \(ports.1)
      [[pool.peers]]
      pool_id = 3
      host = "127.0.0.1"
      port = \(ports.0)
      """.write(to: file, atomically: true, encoding: .utf8)
      func flags(_ id: Int) -> [String] { ["--config", file.path, "--pool-id", String(id)] }
      let one = try PoolProcess(database, backends: 1, flags(1), port: ports.0)
      defer { one.process.send(SIGKILL) }
      let two = try PoolProcess(database, backends: 1, flags(2), port: ports.1)
      defer { two.process.send(SIGKILL) }
      for pool in [one, two] {
        #expect(eventually(within: .seconds(60)) { pool.page("/readyz")?.status == 200 })
      }
      for minor in [0, 2] {
        let client = try PoolWireClient(port: one.port)
        try client.logIn(one.target, minor: minor)
        try client.send { $0.query("SELECT pg_sleep(60)") }
        #expect(try runs(one, "pg_sleep(60)"))
        // Wrong by its secret, then right, both at the other pool.
        var wrong = client.key
        wrong.key[3] ^= 1
        try cancel(two.port, wrong)
        #expect(one.metric("cancels_forwarded_total") == (minor == 0 ? 0 : 1))
        try cancel(two.port, client.key)
        #expect(try client.reply().error?.sqlState == "57014")
        #expect(try client.query("SELECT 1").value == "1")
      }
      #expect(two.metric("cancels_passed_on_total") == 4)
      // One for pool 3 is passed on to the first, which passes it on to nobody; one for an unknown pool goes nowhere.
      try cancel(two.port, BackendKeyData(processID: 3 << 22, key: [1, 2, 3, 4]))
      try cancel(two.port, BackendKeyData(processID: 9 << 22, key: [1, 2, 3, 4]))
      #expect(two.metric("cancels_passed_on_total") == 5)
      #expect(one.metric("cancels_passed_on_total") == 0)
    }
  }

  @Test("a cancel that comes too late hits nobody, whoever has the backend by then")
  func late() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      let next = try pool.wireClient()
      for number in 1...50 {
        // In the same moment: the cancel is on its way while the query ends and the next client gets the backend.
        let canceller = try PoolWireClient(port: pool.port)
        try client.send { $0.query("SELECT \(number)") }
        try canceller.send { $0.cancelRequest(processID: client.key.processID, key: client.key.key) }
        try next.send { $0.query("SELECT count(*) FROM generate_series(1, 1000)") }
        let reply = try client.reply()
        #expect(reply.value == String(number) || reply.error?.sqlState == "57014")
        let other = try next.reply()
        #expect(other.value == "1000", "\(other.error?.message ?? "")")
      }
      try pool.expectClean()
    }
  }
}
