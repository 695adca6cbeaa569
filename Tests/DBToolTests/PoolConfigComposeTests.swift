import Foundation
import PoolServer
import Testing

@Suite("docker-compose.yml")
struct PoolConfigComposeTests {
  private static let text: String = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return (try? String(contentsOf: root.appendingPathComponent("docker-compose.yml"), encoding: .utf8)) ?? ""
  }()

  /// The lines of a service, from its name to the next one's.
  private static func service(_ name: String) -> [String] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard let begin = lines.firstIndex(of: "  \(name):") else { return [] }
    return Array(lines[(begin + 1)...].prefix { $0.isEmpty || $0.hasPrefix("   ") })
  }

  @Test(
    "the order is db, migrate, seed, pool",
    arguments: [
      ("migrate", "db", "service_healthy"), ("seed", "migrate", "service_completed_successfully"),
      ("pool", "seed", "service_completed_successfully"),
    ])
  func order(name: String, before: String, condition: String) throws {
    let lines = Self.service(name)
    let place = try #require(lines.firstIndex(of: "      \(before):"))
    #expect(lines[place + 1] == "        condition: \(condition)")
  }

  @Test("only the pool's ports are published, and only to this machine")
  func ports() {
    for name in ["db", "migrate", "seed"] { #expect(!Self.service(name).contains("    ports:")) }
    let published = Self.service("pool").drop { $0 != "    ports:" }.dropFirst().prefix {
      $0.hasPrefix("      - ")
    }
    #expect(Array(published) == ["      - \"127.0.0.1:6432:6432\"", "      - \"127.0.0.1:9137:9137\""])
  }

  @Test(
    "the pool's health check is true when the pool is ready, and false when it is not",
    arguments: [true, false])
  func health(isReady: Bool) async throws {
    let folded = Self.service("pool").drop { !$0.hasSuffix(">-") }.dropFirst().prefix {
      $0.hasPrefix("          ")
    }
    let script = folded.map { $0.drop { $0 == " " } }.joined(separator: " ").replacing("$$", with: "$")
    #expect(script.contains("/readyz"))
    let status = try await onItsOwnThread {
      var snapshot = PoolSnapshot()
      snapshot.isServerReachable = isReady
      let facts = snapshot
      let server = try StatusServer.start(host: "127.0.0.1", port: 0) { $1(facts) }
      defer { server.stop() }
      let check = Process()
      check.executableURL = URL(fileURLWithPath: "/bin/bash")
      check.arguments = ["-c", script.replacing("/9137", with: "/\(server.boundPort)")]
      try check.run()
      check.waitUntilExit()
      return check.terminationStatus
    }
    #expect((status == 0) == isReady)
  }

  /// The endpoint and the script block their thread, which must not be one of the few that run all tests.
  private func onItsOwnThread<Result: Sendable>(
    _ work: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Swift.Result { try work() })
      }
    }
  }
}
