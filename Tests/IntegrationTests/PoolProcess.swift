import DatabaseTools
import Foundation
import LibPQ
import PoolServer
import TestSupport
import Testing

/// `dbtool pool` as a child process on free ports, in front of one database.
final class PoolProcess {
  struct NotReady: Error { let stderr: String }

  /// The server's database itself.
  let server: DatabaseTarget
  /// The same through the pool.
  let target: DatabaseTarget
  let port: UInt16
  let backends: Int
  let process: DBToolProcess
  /// Of the status endpoint.
  let httpPort: UInt16
  private var watcher: Connection?

  /// Runs `body` beside a pool that is ready, then ends the pool by SIGTERM, which it must do in order.
  static func with(
    _ database: DatabaseTarget, backends: Int = 4, _ flags: [String] = [], way: String = "sslmode=disable",
    variables: [String: String] = [:], _ body: (PoolProcess) throws -> Void
  ) throws {
    let pool = try PoolProcess(database, backends: backends, flags, way: way, variables: variables)
    defer { if pool.process.isRunning { pool.process.send(SIGKILL) } }
    guard eventually(within: .seconds(60), { pool.page("/readyz")?.status == 200 }) else {
      throw NotReady(stderr: pool.process.stderrSoFar)
    }
    try body(pool)
    pool.process.send(SIGTERM)
    #expect(eventually(within: .seconds(60)) { !pool.process.isRunning }, "the pool did not drain")
    if !pool.process.isRunning { #expect(pool.process.finish().status == 0) }
  }

  /// As the other form, in front of a fresh database.
  static func with(
    backends: Int = 4, _ flags: String..., body: (PoolProcess) throws -> Void
  ) throws {
    try SharedPostgres.withDatabase { try with($0, backends: backends, flags, body) }
  }

  /// Starts it; it may not be ready yet.
  /// - Parameters:
  ///   - way: how it gets to the server, as parameters of a URL.
  ///   - hasCap: whether `backends` is the pool's cap; if not, its file says what is.
  init(
    _ database: DatabaseTarget, backends: Int = 4, _ flags: [String] = [], port chosen: UInt16? = nil,
    way: String = "sslmode=disable", variables: [String: String] = [:], hasCap: Bool = true
  ) throws {
    server = database
    self.backends = backends
    port = try chosen ?? Self.freePort()
    httpPort = try Self.freePort()
    var target = database
    target.host = "127.0.0.1"
    target.port = String(port)
    self.target = target
    process = try DBToolProcess(
      [
        "pool", "--listen", "127.0.0.1:\(port)", "--http-listen", "127.0.0.1:\(httpPort)",
      ] + (hasCap ? ["--max-connections", String(backends)] : []) + flags,
      environment: PoolIO.variables.merging(variables) { _, own in own }
        .merging(["DATABASE_URL": database.testURL(way)]) { _, url in url },
      in: "/")
  }

  /// A port that nobody has at this moment, from below those that the system gives to outgoing connections (32768
  /// and up): a client of another test must not take it before the pool does.
  static func freePort() throws -> UInt16 {
    for _ in 0..<100 {
      let address = try #require(
        try SocketAddress.resolve(host: "127.0.0.1", port: .random(in: 12_000..<32_000)).first)
      guard let socket = try? address.listen() else { continue }
      defer { socket.close() }
      return try #require(socket.localPort)
    }
    throw NotReady(stderr: "no free port in a hundred tries")
  }

  // MARK: Clients

  /// A libpq client.
  func connect(_ startup: [String: String] = [:]) throws -> Connection {
    var target = target
    target.parameters.merge(startup) { _, new in new }
    return try target.connect()
  }

  /// A client at the level of messages, logged in.
  func wireClient(_ startup: (name: String, value: String)...) throws -> PoolWireClient {
    let client = try PoolWireClient(port: port)
    try client.logIn(target, startup)
    return client
  }

  /// So many backends are held, each in a transaction of a client of its own, while `body` runs.
  func holding(_ count: Int, _ body: () throws -> Void) throws {
    let holders = try (0..<count).map { _ in try wireClient() }
    for holder in holders { #expect(try holder.query("BEGIN").tags == "CZ") }
    try body()
    for holder in holders { #expect(try holder.query("COMMIT").tags == "CZ") }
  }

  // MARK: Its state

  /// The one connection of the test that goes past the pool, so that all others at the server are the pool's.
  func direct() throws -> Connection {
    if let watcher { return watcher }
    let connection = try server.connect()
    watcher = connection
    return connection
  }

  /// What an HTTP page answers; nil when nobody does.
  func page(_ path: String) -> (status: Int, body: String)? {
    guard let client = try? PoolWireClient(port: httpPort) else { return nil }
    guard (try? client.send(Array("GET \(path) HTTP/1.0\r\n\r\n".utf8))) != nil else { return nil }
    var bytes: [UInt8] = []
    while let byte = try? client.nextByte() { bytes.append(byte) }
    let text = String(decoding: bytes, as: UTF8.self)
    let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
    guard words.count > 1, let status = Int(words[1]), let end = text.range(of: "\r\n\r\n") else {
      return nil
    }
    return (status, String(text[end.upperBound...]))
  }

  /// A metric by what stands behind `dbtool_pool_`: `backends{phase="idle"}`.
  func metric(_ name: String) -> Double? {
    let page = page("/metrics")?.body ?? ""
    let line = page.split(separator: "\n").first { $0.hasPrefix("dbtool_pool_\(name) ") }
    return line?.split(separator: " ").last.flatMap { Double($0) }
  }

  /// Waits until so many clients wait for a backend.
  func waits(_ count: Int) -> Bool {
    eventually { metric("borrow_queue_length") == Double(count) }
  }

  /// Waits until no backend is lent, being cleaned, opened or closed, then proves at the server that all are as new:
  /// idle, outside a transaction, without locks; and that as many can be lent as before.
  func expectClean(sourceLocation: SourceLocation = #_sourceLocation) throws {
    let isQuiet = eventually {
      let page = page("/metrics")?.body ?? ""
      return ["in_use", "connecting", "closing"].allSatisfy {
        page.contains("dbtool_pool_backends{phase=\"\($0)\"} 0\n")
      }
    }
    #expect(isQuiet, "backends are not idle: \(page("/metrics")?.body ?? "")", sourceLocation: sourceLocation)
    let direct = try direct()
    let busy = try direct.query(
      """
      SELECT string_agg(state || ': ' || query, '; ') FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND state <> 'idle'
      """)
    #expect(busy.first == nil, sourceLocation: sourceLocation)
    let locks = try direct.query(
      """
      SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
      WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
      """)
    #expect(locks.first == "0", sourceLocation: sourceLocation)
    try holding(backends) {}
    #expect(try openBackends() == backends, sourceLocation: sourceLocation)
  }

  /// How many backends the server counts.
  func openBackends() throws -> Int {
    let count = try direct().query(
      """
      SELECT count(*) FROM pg_stat_activity
      WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
      """)
    return count.first.flatMap { Int($0) } ?? -1
  }
}
