import DatabaseTools
import Foundation
import Glibc
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("What the pool logs of slow transactions, and tells a service manager") struct PoolLogTests {
  /// The JSON lines with that message.
  private func lines(_ pool: PoolProcess, _ message: String) -> [JSONValue] {
    pool.process.stderrSoFar.split(separator: "\n").compactMap { JSONValue(parsing: String($0)) }
      .filter { $0["message"]?.text == message }
  }

  @Test("a slow transaction is one line: where its time went, and its slowest statement without literals")
  func slow() throws {
    try PoolProcess.with(backends: 1, "--slow-transaction", "300ms", "--log-format", "json") { pool in
      let holder = try pool.wireClient(("application_name", "till"))
      let waiter = try pool.wireClient(("application_name", "patient"))
      #expect(try holder.query("BEGIN").tags == "CZ")
      #expect(try holder.query("SELECT pg_sleep(0.4), 'confidential'").tags == "TDCZ")
      try waiter.send { $0.query("SELECT 1 AS quick") }
      #expect(pool.waits(1))
      // For so long the client thinks.
      _ = try pool.direct().query("SELECT pg_sleep(0.4)")
      #expect(try holder.query("COMMIT").tags == "CZ")
      #expect(try waiter.reply().tags == "TDCZ")
      #expect(eventually { lines(pool, "slow transaction").count == 2 })
      let found = lines(pool, "slow transaction")
      let till = try #require(found.first { $0["application_name"]?.text == "till" })
      #expect(till["statement"]?.text == "select pg_sleep(?), ?")
      #expect(till["fingerprint"]?.text?.count == 16)
      #expect(till["queries"] == .integer(3))
      #expect(till["user"]?.text == pool.server.user)
      #expect(till["database"]?.text == pool.server.database)
      func milliseconds(_ line: JSONValue, _ name: String) -> Int {
        guard case .integer(let value)? = line[name] else { return -1 }
        return value
      }
      #expect(milliseconds(till, "server_ms") >= 400)
      #expect(milliseconds(till, "client_ms") >= 400)
      #expect(milliseconds(till, "wait_ms") == 0)
      #expect(milliseconds(till, "statement_ms") >= 400)
      let total = milliseconds(till, "total_ms")
      #expect(abs(total - milliseconds(till, "server_ms") - milliseconds(till, "client_ms")) <= 2)
      // The other one was quick at the server, and slow to its client.
      let patient = try #require(found.first { $0["application_name"]?.text == "patient" })
      #expect(milliseconds(patient, "wait_ms") >= 300)
      #expect(milliseconds(patient, "server_ms") < 300)
      #expect(patient["statement"]?.text == "select ? as quick")
      #expect(!pool.process.stderrSoFar.contains("confidential"))
      // Quick ones are not logged.
      #expect(try holder.query("SELECT 2").tags == "TDCZ")
      #expect(lines(pool, "slow transaction").count == 2)
    }
  }

  @Test("none is logged by default, and prepared statements are named by their text where they are")
  func prepared() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      #expect(try client.query("SELECT pg_sleep(0.05)").tags == "TDCZ")
      #expect(!pool.process.stderrSoFar.contains("slow transaction"))
    }
    try PoolProcess.with(backends: 1, "--slow-transaction", "100ms", "--log-format", "json") { pool in
      let client = try pool.wireClient()
      try client.send {
        $0.parse(name: "nap", query: "SELECT pg_sleep($1::float8)")
        $0.sync()
      }
      #expect(try client.reply().tags == "1Z")
      try client.send {
        $0.bind(statement: "nap", parameters: ["0.2"])
        $0.execute()
        $0.sync()
      }
      #expect(try client.reply().tags == "2DCZ")
      #expect(eventually { !lines(pool, "slow transaction").isEmpty })
      #expect(lines(pool, "slow transaction").first?["statement"]?.text == "select pg_sleep(?::float8)")
    }
  }

  @Test(
    "a service manager hears that clients can connect, and that the pool ends", arguments: [false, true])
  func notify(isAbstract: Bool) throws {
    let name = isAbstract ? "@dbtool-\(UUID().uuidString)" : "/tmp/dbtool-\(UUID().uuidString)"
    let socket = try NoticeSocket(name)
    defer { if !isAbstract { unlink(name) } }
    try SharedPostgres.withDatabase { database in
      try PoolProcess.with(database, variables: ["NOTIFY_SOCKET": name]) { pool in
        #expect(socket.next() == "READY=1")
        let client = try pool.wireClient()
        #expect(try client.query("SELECT 1").value == "1")
      }
    }
    #expect(socket.next() == "STOPPING=1")
  }
}

/// A datagram socket as a service manager has it.
private final class NoticeSocket {
  struct Unavailable: Error { let code: Int32 }

  private let descriptor: Int32

  /// - Parameter name: a path; `@` begins one without a file.
  init(_ name: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(name.utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { path in
      for (index, byte) in bytes.enumerated() {
        path[index] = index == 0 && byte == UInt8(ascii: "@") ? 0 : byte
      }
    }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let isBound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 }
    }
    guard isBound else { throw Unavailable(code: errno) }
  }

  deinit { close(descriptor) }

  /// The next datagram; nil when none comes within a minute.
  func next() -> String? {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, 60_000) == 1 else { return nil }
    var buffer = [UInt8](repeating: 0, count: 512)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
  }
}
