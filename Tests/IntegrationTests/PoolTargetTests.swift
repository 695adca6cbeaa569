import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Several servers of which one is the writer", .serialized) struct PoolTargetTests {
  /// A primary, its streaming standby, and a pool that knows both, the standby first.
  private final class Pair {
    let primary: EphemeralServer
    let standby: CopiedPostgres
    let pool: PoolProcess
    private let folder: TestFolder

    init(_ flags: [String] = []) throws {
      primary = try EphemeralServer.start(
        settings: EphemeralSettings(parameters: [("wal_level", "replica"), ("max_wal_senders", "4")]))
      folder = try TestFolder()
      let target = primary.target
      let data = folder.path + "/standby"
      let copy = try PoolProgram(
        PoolProgram.postgres("pg_basebackup"),
        ["-d", target.testURL, "-D", data, "-R", "-X", "stream", "-c", "fast"], databaseURL: ""
      ).finish()
      #expect(copy.status == 0, "\(copy.output)")
      standby = try CopiedPostgres(data: data, target)
      let standbyTarget = standby.target
      #expect(eventually(within: .seconds(30)) { (try? standbyTarget.connect()) != nil })
      var targets = ""
      for server in [standby.target, target] {
        targets +=
          "[[pool.targets]]\nhost = \"127.0.0.1\"\nport = \(server.port ?? "")\nsslmode = \"disable\"\n"
      }
      let file = """
        [pool]
        max_connections = 4
        \(targets)
        [[pool.users]]
        name = "\(target.user ?? "")"
        password = "\(target.password?.reveal ?? "")"
        """
      let path = folder.path + "/dbtool.toml"
      try file.write(toFile: path, atomically: true, encoding: .utf8)
      pool = try PoolProcess(
        target, ["--config", path] + flags, variables: ["DATABASE_URL": ""], hasCap: false)
      let pool = pool
      #expect(
        eventually(within: .seconds(60)) { pool.page("/readyz")?.status == 200 },
        "\(pool.process.stderrSoFar)")
    }

    static func with(_ flags: [String] = [], _ body: (Pair) throws -> Void) throws {
      let pair = try Pair(flags)
      defer {
        if pair.pool.process.isRunning { pair.pool.process.send(SIGKILL) }
        pair.primary.stop()
      }
      try body(pair)
    }
  }

  @Test("the one that takes writes is found by asking, whichever is named first")
  func found() throws {
    try Pair.with { pair in
      let client = try pair.pool.wireClient()
      #expect(try client.query("SELECT pg_is_in_recovery()").value == "f")
      #expect(try client.query("CREATE TABLE written (n int)").tags == "CZ")
    }
  }

  @Test("a standby that is promoted under load takes over: every acknowledged commit is there, clients stay")
  func promotion() throws {
    try Pair.with(["--failover-hold", "30s"]) { pair in
      let pool = pair.pool
      let setUp = try pool.wireClient()
      #expect(try setUp.query("CREATE TABLE orders (n bigint PRIMARY KEY)").tags == "CZ")
      // Nothing is acknowledged that the standby does not have.
      let direct = try pool.direct()
      try direct.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
      try direct.execute("SELECT pg_reload_conf()")
      let standby = pair.standby
      #expect(
        eventually(within: .seconds(30)) {
          (try? direct.query("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'").first)
            == "1"
        })
      let writers = try (0..<3).map { _ in try pool.wireClient() }
      // Throwaway servers have it off.
      for writer in writers { #expect(try writer.query("SET synchronous_commit = on").tags == "CZ") }
      var (acknowledged, number): (Set<Int>, Int) = ([], 0)
      var slowest = Duration.zero
      func write(_ rounds: Int) throws {
        for _ in 0..<rounds {
          for writer in writers {
            number += 1
            let start = ContinuousClock.now
            let reply = try writer.query("INSERT INTO orders VALUES (\(number))")
            slowest = max(slowest, ContinuousClock.now - start)
            if reply.tags == "CZ" { acknowledged.insert(number) }
          }
        }
      }
      try write(20)
      #expect(acknowledged.count == 60)
      pair.primary.stop()
      let promoted = try PoolProgram(
        PoolProgram.postgres("psql"), ["-d", standby.target.testURL, "-c", "SELECT pg_promote(true, 60)"],
        databaseURL: "")
      // Waits until there is a writer again, on the connections that were there before.
      try write(20)
      let isPromoted = try promoted.finish().status == 0
      #expect(isPromoted)
      try write(20)
      #expect(acknowledged.count > 100, "\(acknowledged.count); \(pool.process.stderrSoFar)")
      #expect(slowest < .seconds(25))
      let found = try standby.target.connect().query("SELECT n FROM orders")
      let kept = (0..<found.count).compactMap { found[$0, 0].flatMap { Int($0) } }
      #expect(acknowledged.subtracting(kept).isEmpty)
      #expect(pool.process.stderrSoFar.contains("is a standby"))
      #expect(pool.process.stderrSoFar.contains("the writer is 127.0.0.1:\(standby.target.port ?? "") now"))
    }
  }

  @Test("while none takes writes clients wait, and are told which were tried")
  func none() throws {
    try Pair.with(["--failover-hold", "700ms"]) { pair in
      let client = try pair.pool.wireClient()
      #expect(try client.query("SELECT 1").value == "1")
      pair.primary.stop()
      let error = try client.query("SELECT 2").error
      #expect(error?.sqlState == "57P03")
      #expect(
        error?.detail?.hasPrefix("None of these takes writes: 127.0.0.1:") == true,
        "\(String(describing: error))")
    }
  }
}
