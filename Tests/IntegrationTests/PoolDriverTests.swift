import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("Real drivers through the pool") struct PoolDriverTests {
  @Test(
    "more clients than backends run transactions, prepared statements, COPY and cursors without an error",
    arguments: ["psycopg2_clients.py", "psycopg3_clients.py", "asyncpg_clients.py"])
  func python(script: String) throws {
    try PoolProcess.with(backends: 4) { pool in
      var most = 0
      let result = try PoolProgram.driver(script, ["24"], databaseURL: pool.target.testURL).finish {
        most = max(most, try pool.openBackends())
      }
      #expect(result.status == 0, "\(result.output)")
      #expect((1...4).contains(most))
      try pool.expectClean()
    }
  }

  @Test("psql: its queries, its \\copy both ways, its look into the catalogue, its error status")
  func psql() throws {
    try PoolProcess.with(backends: 2) { pool in
      let psql = try PoolProgram.postgres("psql")
      func run(_ commands: [String]) throws -> (status: Int32, output: String) {
        let arguments = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", pool.target.testURL]
        return try PoolProgram(
          psql, arguments + commands.flatMap { ["-c", $0] }, databaseURL: pool.target.testURL
        ).finish()
      }
      let file = FileManager.default.temporaryDirectory.appending(path: "dbtool-psql-\(UUID().uuidString)")
        .path
      defer { try? FileManager.default.removeItem(atPath: file) }
      let all = try run([
        "BEGIN; CREATE TABLE goods (id int PRIMARY KEY, name text); COMMIT",
        "INSERT INTO goods SELECT n, 'name ' || n FROM generate_series(1, 1000) AS n",
        "\\copy goods TO '\(file)'", "TRUNCATE goods", "\\copy goods FROM '\(file)'",
        "SELECT count(*), sum(id), max(name) FROM goods", "\\d goods", "\\dt",
      ])
      #expect(all.status == 0, "\(all.output)")
      #expect(all.output.hasPrefix("1000|500500|name 999\nid|integer||not null|\n"))
      #expect(all.output.contains("public|goods|table|"))

      let wrong = try run(["SELECT nonsense"])
      #expect(wrong.status == 1)
      #expect(wrong.output.contains("ERROR:  column \"nonsense\" does not exist\nLINE 1: SELECT nonsense"))
      try pool.expectClean()
    }
  }

  /// While pgbench prepares for one client it looks after none of its others, which may have all backends in their
  /// transactions: the pool must answer by itself, or they wait for each other.
  @Test(
    "pgbench with 200 clients: no failed transaction, and the server never sees more than the cap",
    arguments: ["simple", "extended", "prepared"])
  func pgbench(mode: String) throws {
    try PoolProcess.with(backends: 6) { pool in
      let pgbench = try PoolProgram.postgres("pgbench")
      func run(_ target: DatabaseTarget, _ arguments: [String]) throws -> PoolProgram {
        try PoolProgram(pgbench, arguments + [target.testURL], databaseURL: target.testURL)
      }
      let made = try run(pool.server, ["-i", "-q", "-s", "1"]).finish()
      #expect(made.status == 0, "\(made.output)")

      var most = 0
      let arguments = ["-M", mode, "-c", "200", "-j", "2", "-t", "4", "-n"]
      let bench = try run(pool.target, arguments).finish {
        most = max(most, try pool.openBackends())
      }
      #expect(bench.status == 0, "\(bench.output)")
      #expect(bench.output.contains("number of transactions actually processed: 800/800"), "\(bench.output)")
      #expect((1...6).contains(most))
      let facts = try pool.direct().query(
        "SELECT count(*), sum(delta) = (SELECT sum(abalance) FROM pgbench_accounts) FROM pgbench_history")
      #expect(facts[0, 0] == "800")
      #expect(facts[0, 1] == "t")
      try pool.expectClean()
    }
  }
}
