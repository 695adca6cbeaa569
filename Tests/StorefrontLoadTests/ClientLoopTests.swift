import PoolServer
import PostgresWire
import StorefrontLoad
import Testing

@Suite("Many clients on one loop") struct ClientLoopTests {
  private static let refused = LoadError(sqlState: "08006", message: "connect: Connection refused")

  @Test("where nobody listens, every client of a storm is counted with the system's reason")
  func stormRefused() throws {
    let report = try ConnectStorm.run(try target(), count: 100, hash: .openSSL)
    #expect(report.attempted == 100)
    #expect(report.accepted == 0)
    #expect(report.refusals.map(\.error) == [Self.refused])
    #expect(report.refusals.map(\.count) == [100])
  }

  @Test("where nobody listens, a run ends at once, without a request and with an error for each client")
  func runRefused() throws {
    var settings = LoadSettings(
      target: try target(), shop: try #require(Shop(products: [1], tokens: ["token"])))
    settings.clients = 100
    settings.duration = .seconds(3600)
    let report = try StorefrontRun.run(settings, hash: .openSSL) { _ in .goOn }
    #expect(report.connected == 0)
    #expect(report.requests == 0)
    #expect(report.errors.entries.map(\.count) == [100])
    #expect(report.errors.entries.map(\.example) == [Self.refused.message])
  }

  @Test("a server that takes connections and says nothing is not waited for longer than asked")
  func silence() throws {
    let listener = try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first).listen()
    defer { listener.close() }
    let port = try #require(listener.localPort)
    let report = try ConnectStorm.run(
      try target(port: port), count: 10, patience: .milliseconds(200), hash: .openSSL)
    #expect(report.accepted == 0)
    #expect(report.refusals.map(\.count) == [10])
    #expect(report.refusals.map(\.error.sqlState) == ["08006"])
  }

  @Test("the one who watches can stop it")
  func stopped() throws {
    let listener = try #require(try SocketAddress.resolve(host: "127.0.0.1", port: 0).first).listen()
    defer { listener.close() }
    let port = try #require(listener.localPort)
    let report = try ConnectStorm.run(
      try target(port: port), count: 10, patience: .seconds(3600), hash: .openSSL
    ) { _, _ in .stop }
    #expect(report.wasInterrupted)
  }

  /// Port 1 is nobody's on any machine that runs tests.
  private func target(port: UInt16 = 1) throws -> LoadTarget {
    LoadTarget(
      address: try #require(try SocketAddress.resolve(host: "127.0.0.1", port: port).first), user: "app",
      database: "shop", password: "secret")
  }
}
