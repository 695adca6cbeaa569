import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("LISTEN: one backend listens for all clients of a database") struct PoolListenTests {
  /// A notification as its receiver sees it.
  private func next(_ client: PoolWireClient) throws -> (channel: String, payload: String, process: UInt32) {
    let message = try client.next()
    #expect(message.tag == BackendTag.notificationResponse)
    let parts = message.bytes.dropFirst(9).split(separator: 0, omittingEmptySubsequences: false)
    let process = readUInt32(in: message.bytes.span, at: 5) ?? 0
    return (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self), process)
  }

  @Test("many listen, none is pinned, each gets what it listens to, and who has not listened gets nothing")
  func fansOut() throws {
    try PoolProcess.with(backends: 2) { pool in
      let listeners = try (0..<6).map { _ in try pool.wireClient() }
      let other = try pool.wireClient()
      for (number, listener) in listeners.enumerated() {
        #expect(try listener.query("LISTEN news; LISTEN \"Own \(number)\"").tags == "CCZ")
      }
      #expect(pool.metric("clients_pinned") == 0)
      #expect(try other.query("NOTIFY news, 'first'").tags == "CZ")
      #expect(try other.query("SELECT pg_notify('Own 3', 'third')").tags == "TDCZ")
      for (number, listener) in listeners.enumerated() {
        let heard = try next(listener)
        #expect(heard.channel == "news" && heard.payload == "first" && heard.process == other.key.processID)
        if number == 3 { #expect(try next(listener).payload == "third") }
        #expect(try listener.query("SELECT 1").tags == "TDCZ")
      }
      #expect(try other.query("SELECT pg_listening_channels()").rows.isEmpty)
    }
  }

  @Test("a client's own NOTIFY is there before its ReadyForQuery, under its own number")
  func own() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      #expect(try client.query("LISTEN here").tags == "CZ")
      let reply = try client.query("NOTIFY here, 'me'")
      #expect(reply.tags == "CAZ")
      let notification = reply.messages[1].bytes
      let sender = readUInt32(in: notification.span, at: 5)
      #expect(sender == client.key.processID)
      #expect(try client.query("BEGIN; NOTIFY here, 'later'").tags == "CCZ")
      #expect(try client.query("ROLLBACK").tags == "CZ")
      #expect(try client.query("BEGIN; SELECT pg_notify('here', 'later')").tags == "CTDCZ")
      #expect(try client.query("COMMIT").tags == "CAZ")
    }
  }

  @Test("LISTEN and UNLISTEN count if they are committed")
  func transactions() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      let hears = { (channel: String) throws -> Bool in
        try client.query("NOTIFY \(channel)").tags == "CAZ"
      }
      #expect(try client.query("BEGIN; LISTEN a; ROLLBACK").tags == "CCCZ")
      #expect(try !hears("a"))
      #expect(
        try client.query("BEGIN; SAVEPOINT s; LISTEN a; ROLLBACK TO s; LISTEN b; COMMIT").status == .idle)
      #expect(try !hears("a"))
      #expect(try hears("b"))
      #expect(try client.query("LISTEN a").tags == "CZ")
      #expect(try client.query("BEGIN; UNLISTEN *; ROLLBACK").tags == "CCCZ")
      #expect(try hears("a"))
      #expect(try client.query("UNLISTEN a").tags == "CZ")
      #expect(try !hears("a"))
      #expect(try hears("b"))
      #expect(try client.query("UNLISTEN *").tags == "CZ")
      #expect(try !hears("b"))
      #expect(try client.query("LISTEN a").tags == "CZ")
      #expect(try client.query("DISCARD ALL").tags == "CZ")
      #expect(try !hears("a"))
      #expect(try client.query("LISTEN").error?.sqlState == "42601")
    }
  }

  @Test("what comes in a transaction waits for its end; nothing is lost when the listening backend is")
  func survives() throws {
    try PoolProcess.with(backends: 3) { pool in
      let client = try pool.wireClient()
      #expect(try client.query("LISTEN news").tags == "CZ")
      #expect(try client.query("BEGIN").tags == "CZ")
      let other = try pool.wireClient()
      #expect(try other.query("NOTIFY news, 'meanwhile'").tags == "CZ")
      #expect(try client.query("SELECT 1").tags == "TDCZ")
      #expect(try client.query("COMMIT").tags == "CZ")
      #expect(try next(client).payload == "meanwhile")
      let direct = try pool.direct()
      let listening =
        "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND state = 'idle' AND datname = current_database()"
      let pid = try direct.query(listening).first
      #expect(try direct.query("SELECT pg_terminate_backend(\(pid ?? "0"))").first == "t")
      #expect(
        eventually {
          guard let now = try? direct.query(listening).first else { return false }
          return now != pid
        })
      #expect(try other.query("NOTIFY news, 'again'").tags == "CZ")
      #expect(try next(client).payload == "again")
      client.close()
      try pool.expectClean()
    }
  }

  @Test("with one backend, others are served beside a client that listens")
  func single() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      #expect(try client.query("LISTEN news").tags == "CZ")
      let other = try pool.wireClient()
      for _ in 1...5 { #expect(try other.query("SELECT pg_listening_channels()").rows.isEmpty) }
      #expect(try client.query("SELECT 1").value == "1")
    }
  }

  @Test("pg_listening_channels tells what the client listens to, on any backend")
  func channels() throws {
    try PoolProcess.with(backends: 3) { pool in
      let client = try pool.wireClient()
      let other = try pool.wireClient()
      #expect(try client.query("LISTEN here; LISTEN \"Over \"\"There\"").tags == "CCZ")
      for _ in 1...4 {
        #expect(try other.query("BEGIN; SELECT 1").tags == "CTDCZ")
        #expect(
          try client.query("SELECT pg_listening_channels() AS c ORDER BY c").rows == [
            ["Over \"There"], ["here"],
          ])
        #expect(try other.query("COMMIT").tags == "CZ")
        #expect(try other.query("SELECT pg_listening_channels()").rows.isEmpty)
      }
      #expect(try client.query("UNLISTEN here").tags == "CZ")
      #expect(try client.query("SELECT pg_listening_channels()").rows == [["Over \"There"]])
    }
  }
}
