import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("Programs that replicate, through the pool") struct PoolReplicationProgramTests {
  private func start(_ program: String, _ arguments: [String]) throws -> PoolProgram {
    try PoolProgram(PoolProgram.postgres(program), arguments, databaseURL: "")
  }

  /// What libpq's programs take for `-d`.
  private func url(_ pool: PoolProcess) -> String { pool.target.testURL("sslmode=disable") }

  private func inFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "dbtool test \(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test("pg_receivewal takes whole segments of WAL")
  func receiveWAL() throws {
    try ReplicatedPostgres.pool("receive_wal") { pool in
      try inFolder { folder in
        let slot = try start("pg_receivewal", ["-d", url(pool), "-S", "received", "--create-slot"])
          .finish()
        #expect(slot.status == 0, "\(slot.output)")
        let receiver = try start(
          "pg_receivewal", ["-d", url(pool), "-S", "received", "-D", folder.path, "--synchronous", "-v"])
        let writer = try pool.connect()
        try writer.execute("CREATE TABLE received (a int)")
        func isWhole(_ name: String) -> Bool {
          let facts = try? FileManager.default.attributesOfItem(atPath: folder.appending(path: name).path)
          return !name.hasSuffix(".partial") && facts?[.size] as? Int == 16 << 20
        }
        // Nothing but a commit makes the server write what ends a segment.
        let hasSegment = try eventually {
          try writer.execute("INSERT INTO received VALUES (1)")
          try writer.execute("SELECT pg_switch_wal()")
          return try FileManager.default.contentsOfDirectory(atPath: folder.path).contains { isWhole($0) }
        }
        #expect(hasSegment, "\(receiver.outputSoFar)")
        receiver.end(by: SIGKILL)
        // The server frees the slot once it has seen that end.
        let drop = ["-d", url(pool), "-S", "received", "--drop-slot"]
        #expect(try eventually { try start("pg_receivewal", drop).finish().status == 0 })
      }
    }
  }

  @Test("pg_recvlogical gets what test_decoding says")
  func receiveLogical() throws {
    try ReplicatedPostgres.pool("receive_logical") { pool in
      try inFolder { folder in
        let out = folder.appending(path: "out")
        let writer = try pool.connect()
        try writer.execute("CREATE TABLE decoded (a int, b text)")
        let common = ["-d", url(pool), "--slot", "decoded"]
        let slot = try start("pg_recvlogical", common + ["--create-slot", "-P", "test_decoding"]).finish()
        #expect(slot.status == 0, "\(slot.output)")
        let receiver = try start("pg_recvlogical", common + ["--start", "-f", out.path, "-F", "1"])
        try writer.execute("INSERT INTO decoded VALUES (42, 'an answer')")
        let line = "table public.decoded: INSERT: a[integer]:42 b[text]:'an answer'"
        #expect(eventually { (try? String(contentsOf: out, encoding: .utf8))?.contains(line) == true })
        receiver.end(by: SIGKILL)
        #expect(
          try eventually { try start("pg_recvlogical", common + ["--drop-slot"]).finish().status == 0 })
      }
    }
  }

  @Test("a subscription whose connection is the pool copies a table and follows it")
  func subscription() throws {
    try ReplicatedPostgres.pool("publisher", backends: 6) { pool in
      let publisher = try pool.connect()
      try publisher.execute("CREATE TABLE published (a int PRIMARY KEY, b text)")
      try publisher.execute("INSERT INTO published SELECT n, 'row ' || n FROM generate_series(1, 500) AS n")
      try publisher.execute("CREATE PUBLICATION everything FOR TABLE published")
      try pool.direct().execute("CREATE DATABASE subscriber")
      let subscriber = try ReplicatedPostgres.database("subscriber").connect()
      try subscriber.execute("CREATE TABLE published (a int PRIMARY KEY, b text)")
      // Within one server, the slot must be there before the subscription's own transaction.
      try publisher.execute("SELECT pg_create_logical_replication_slot('everything', 'pgoutput')")
      try subscriber.execute(
        "CREATE SUBSCRIPTION everything CONNECTION '\(url(pool))' PUBLICATION everything WITH (create_slot = false)"
      )
      func rows() throws -> String? { try subscriber.query("SELECT count(*) FROM published").first }
      #expect(try eventually { try rows() == "500" })
      try publisher.execute("INSERT INTO published VALUES (501, 'later')")
      #expect(try eventually { try rows() == "501" })
      try subscriber.execute("DROP SUBSCRIPTION everything")
      #expect(pool.metric("pins_total{reason=\"replication\"}") ?? 0 > 0)
    }
  }

  @Test("pg_basebackup makes a copy, and the standby that it becomes follows through the pool")
  func standby() throws {
    try ReplicatedPostgres.pool("primary_side") { pool in
      try inFolder { folder in
        let data = folder.appending(path: "data").path
        let backup = try start(
          "pg_basebackup", ["-d", url(pool), "-D", data, "-R", "-c", "fast", "-X", "stream"]
        ).finish()
        #expect(backup.status == 0, "\(backup.output)")
        let check = try start("pg_verifybackup", [data]).finish()
        #expect(check.status == 0, "\(check.output)")

        let standby = try CopiedPostgres(data: data, pool.server)
        let writer = try pool.connect()
        try writer.execute("CREATE TABLE followed AS SELECT generate_series(1, 1000) AS a")
        func followed() -> String? {
          guard let client = try? standby.target.connect() else { return nil }
          return try? client.query("SELECT count(*) FROM followed").first
        }
        #expect(eventually { followed() == "1000" }, "\(standby.words)")
        let source = try standby.target.connect().query("SELECT sender_port FROM pg_stat_wal_receiver").first
        #expect(source == String(pool.port))
      }
    }
  }
}
