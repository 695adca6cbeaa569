import NIOPosix
import Synchronization
import Testing

@testable import PoolServer

@Suite("The status endpoint")
struct StatusServerTests {
  /// Runs `body` with an endpoint whose pool stands as `snapshot` says.
  private func withServer(
    _ snapshot: PoolSnapshot, limits: StatusLimits = StatusLimits(), _ body: (UInt16) async throws -> Void
  ) async throws {
    try await withServer(limits: limits, source: { _, answer in answer(snapshot) }, body)
  }

  private func withServer(
    limits: StatusLimits = StatusLimits(), source: @escaping StatusServer.Source,
    _ body: (UInt16) async throws -> Void
  ) async throws {
    let server = try await blocking {
      try StatusServer.start(host: "127.0.0.1", port: 0, limits: limits, source: source)
    }
    do {
      try await body(server.boundPort)
    } catch {
      try await blocking { server.stop() }
      throw error
    }
    try await blocking { server.stop() }
  }

  /// Starting and stopping block their thread, which must not be one of the few that run all tests.
  private func blocking<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws
    -> Result
  {
    try await NIOThreadPool.singleton.runIfActive(work)
  }

  private static var ready: PoolSnapshot {
    var snapshot = PoolSnapshot()
    snapshot.isServerReachable = true
    return snapshot
  }

  private func get(_ path: String, _ port: UInt16, method: String = "GET") async throws -> String {
    try await HTTPPeer.exchange(
      "\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", port: port)
  }

  @Test("/metrics is OpenMetrics text, and says so")
  func metrics() async throws {
    try await withServer(Self.ready) { port in
      let answer = try await get("/metrics?x=1", port)
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(answer.contains("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"))
      #expect(answer.contains("\ndbtool_pool_server_reachable 1\n"))
      #expect(answer.hasSuffix("# EOF\n"))
    }
  }

  @Test("HEAD has the same head and no body")
  func head() async throws {
    try await withServer(Self.ready) { port in
      let answer = try await get("/livez", port, method: "HEAD")
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(answer.contains("Content-Length: 6\r\n"))
      #expect(answer.hasSuffix("\r\n\r\n"))
    }
  }

  @Test("the page at / asks nobody but the pool, and runs nothing but its own script, known by its hash")
  func page() async throws {
    try await withServer(Self.ready) { port in
      let answer = try await get("/", port)
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(answer.contains("Content-Type: text/html; charset=utf-8\r\n"))
      let policy = try #require(
        answer.split(separator: "\r\n").first { $0.hasPrefix("Content-Security-Policy: ") })
      #expect(policy.contains("default-src 'none'; script-src 'sha256-"))
      #expect(policy.contains("; connect-src 'self';"))
      #expect(!policy.contains("unsafe"))
      let body = try #require(answer.firstRange(of: "\r\n\r\n").map { answer[$0.upperBound...] })
      #expect(body.hasPrefix("<!doctype html>"))
      for part in ["src=", "http://", "https://", "@import", "url("] {
        let others = body.ranges(of: part).filter {
          !body[$0.lowerBound...].hasPrefix("http://www.w3.org/2000/svg")
        }
        #expect(others.isEmpty, "\(part)")
      }
    }
  }

  @Test("a policy's hash is that of the text between the tags")
  func policy() {
    // echo -n 'alert(1)' | openssl dgst -sha256 -binary | base64
    let policy = StatusHTML.policy(for: "<script>alert(1)</script>")
    #expect(policy.contains("script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=';"))
    #expect(policy.contains("style-src 'none';"))
  }

  @Test("/status.json is a document with what the page shows, and clients are asked for only then")
  func status() async throws {
    let asked = Mutex<[SnapshotDetail]>([])
    try await withServer(source: { detail, answer in
      asked.withLock { $0.append(detail) }
      answer(Self.ready)
    }) { port in
      let answer = try await get("/status.json", port)
      #expect(answer.contains("Content-Type: application/json\r\n"))
      #expect(answer.contains("\"state\":\"ready\""))
      _ = try await get("/metrics", port)
    }
    #expect(asked.withLock { $0 } == [.clients, .counts])
  }

  @Test("ready while the server is reachable and the pool does not drain; alive always")
  func readiness() async throws {
    var draining = Self.ready
    draining.isDraining = true
    var refused = PoolSnapshot()
    refused.serverError = "password authentication failed"
    var down = PoolSnapshot()
    (down.isServerDown, down.serverDownNanoseconds) = (true, 12_900_000_000)
    down.serverError = "Connection refused"
    for (snapshot, status, body) in [
      (Self.ready, "200 OK", "ready\n"),
      (PoolSnapshot(), "503 Service Unavailable", "not ready: the server has not been reached yet\n"),
      (
        refused, "503 Service Unavailable",
        "not ready: the server cannot be entered: password authentication failed\n"
      ),
      (
        down, "503 Service Unavailable",
        "not ready: the server has been unreachable for 12 s: Connection refused\n"
      ),
      (draining, "503 Service Unavailable", "not ready: draining\n"),
    ] {
      try await withServer(snapshot) { port in
        let ready = try await get("/readyz", port)
        #expect(ready.hasPrefix("HTTP/1.1 \(status)\r\n"))
        #expect(ready.hasSuffix("\r\n\r\n" + body))
        let live = try await get("/livez", port)
        #expect(live.hasPrefix("HTTP/1.1 200 OK\r\n"))
      }
    }
  }

  @Test("other paths are 404, other methods 405 with what is allowed")
  func others() async throws {
    try await withServer(Self.ready) { port in
      for path in ["//", "/status.html", "/metrics/", "/METRICS", "/livez/x", "*"] {
        let answer = try await get(path, port)
        #expect(answer.hasPrefix("HTTP/1.1 404 "))
      }
      let answer = try await get("/metrics", port, method: "DELETE")
      #expect(answer.hasPrefix("HTTP/1.1 405 "))
      #expect(answer.contains("Allow: GET, HEAD\r\n"))
    }
  }

  @Test("one connection serves request after request, also sent at once")
  func keepAlive() async throws {
    try await withServer(Self.ready) { port in
      let one = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
      let answer = try await HTTPPeer.exchange(
        one + one + "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", port: port)
      #expect(answer.components(of: "HTTP/1.1 200 OK") == 2)
      #expect(answer.components(of: "HTTP/1.1 404 ") == 1)
    }
  }

  @Test("a request with a body is answered")
  func body() async throws {
    try await withServer(Self.ready) { port in
      let answer = try await HTTPPeer.exchange(
        "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", port: port)
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }
  }

  @Test("a pool that does not answer in time is 503, and its late answer is dropped")
  func silent() async throws {
    let late = Mutex<[@Sendable (PoolSnapshot) -> Void]>([])
    var limits = StatusLimits()
    limits.answerMilliseconds = 20
    try await withServer(limits: limits, source: { _, reply in late.withLock { $0.append(reply) } }) { port in
      for path in ["/livez", "/readyz", "/metrics"] {
        let answer = try await get(path, port)
        #expect(answer.hasPrefix("HTTP/1.1 503 "))
      }
      for reply in late.withLock({ $0 }) { reply(Self.ready) }
      let answer = try await get("/livez", port)
      #expect(answer.hasPrefix("HTTP/1.1 503 "))
    }
  }

  @Test(
    "garbage, endless heads and endless bodies end the connection",
    arguments: [
      "\u{16}\u{03}\u{01}\u{02}garbage\r\n\r\n",
      "GET /livez HTTP/1.1\r\nX: " + String(repeating: "x", count: 20_000) + "\r\n\r\n",
      "GET /livez HTTP/1.1\r\n" + String(repeating: "X: y\r\n", count: 100) + "\r\n",
      "GET /" + String(repeating: "x", count: 100_000) + " HTTP/1.1\r\n\r\n",
      "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
        + String(repeating: "x", count: 80_000),
    ])
  func hostile(request: String) async throws {
    try await withServer(Self.ready) { port in
      let answer = try await HTTPPeer.exchange(request, port: port)
      #expect(!answer.hasPrefix("HTTP/1.1 200 "))
    }
  }

  @Test(
    "a connection that asks nothing, or never ends its request, is closed",
    arguments: ["", "GET /livez HTTP/1.1\r\n"])
  func slow(request: String) async throws {
    var limits = StatusLimits()
    limits.idleMilliseconds = 30
    try await withServer(Self.ready, limits: limits) { port in
      let answer = try await HTTPPeer.exchange(request, port: port)
      #expect(answer.isEmpty)
    }
  }

  @Test("a connection too many is closed at once")
  func crowded() async throws {
    var limits = StatusLimits()
    limits.connections = 0
    try await withServer(Self.ready, limits: limits) { port in
      let answer = try? await get("/livez", port)
      #expect(answer ?? "" == "")
    }
  }

  @Test("a port in use is told, with the address and the system's words")
  func portInUse() async throws {
    try await withServer(Self.ready) { port in
      await #expect(throws: StatusServerError(address: "127.0.0.1:\(port)", reason: "Address already in use"))
      {
        try await blocking { try StatusServer.start(host: "127.0.0.1", port: port, source: { _, _ in }) }
      }
    }
  }

  @Test("a host without an address is told")
  func unknownHost() async {
    await #expect(throws: StatusServerError.self) {
      try await blocking {
        try StatusServer.start(host: "no.such.host.invalid", port: 0, source: { _, _ in })
      }
    }
  }

  @Test("after stop the port is free")
  func stop() async throws {
    let ports = try await blocking {
      let first = try StatusServer.start(host: "127.0.0.1", port: 0, source: { _, _ in })
      first.stop()
      let second = try StatusServer.start(host: "127.0.0.1", port: first.boundPort, source: { _, _ in })
      second.stop()
      return [first.boundPort, second.boundPort]
    }
    #expect(ports[0] == ports[1])
  }
}

extension String {
  /// How often `part` occurs.
  fileprivate func components(of part: String) -> Int {
    ranges(of: part).count
  }
}
