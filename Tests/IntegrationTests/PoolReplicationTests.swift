import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Replication connections") struct PoolReplicationTests {
  private func walsender(_ pool: PoolProcess, _ mode: String = "true") throws -> PoolWireClient {
    try pool.wireClient(("replication", mode), ("application_name", "walsender \(pool.port)"))
  }

  /// How many walsenders of this pool the server has.
  private func walsenders(_ pool: PoolProcess) throws -> String? {
    try pool.direct().query(
      """
      SELECT count(*) FROM pg_stat_activity
      WHERE backend_type = 'walsender' AND application_name = 'walsender \(pool.port)'
      """
    ).first
  }

  private func refusal(_ pool: PoolProcess, _ target: DatabaseTarget, _ mode: String) throws -> ErrorFields? {
    let client = try PoolWireClient(port: pool.port)
    do {
      try client.logIn(target, [("replication", mode)])
      return nil
    } catch PoolWireClient.Failure.refused(let error) {
      return error
    }
  }

  @Test("are asked for as PostgreSQL reads it")
  func values() throws {
    try ReplicatedPostgres.pool("walsender_values") { pool in
      for value in ["true", "TRUE", "t", "on", "yes", "1", "database"] {
        let client = try walsender(pool, value)
        #expect(try client.query("IDENTIFY_SYSTEM").tags == "TDCZ", "\(value)")
        // SQL is spoken in a database only.
        #expect((try client.query("SELECT 1").error == nil) == (value == "database"), "\(value)")
      }
      for value in ["off", "of", "no", "0", "F"] {
        #expect(try pool.wireClient(("replication", value)).query("SELECT 1").value == "1", "\(value)")
      }
      for value in ["", "o", "2", "Database", "trues"] {
        let error = try refusal(pool, pool.target, value)
        #expect(error?.sqlState == "22023", "\(value)")
        #expect(error?.message == "invalid value for parameter \"replication\": \"\(value)\"")
      }
    }
  }

  @Test("have a backend of their own with their own parameters, which counts in the cap and ends with them")
  func own() throws {
    try ReplicatedPostgres.pool("walsender_own", backends: 2, "--borrow-timeout", "200ms") { pool in
      let client = try pool.wireClient(
        ("replication", "database"), ("application_name", "walsender \(pool.port)"),
        ("options", "-c work_mem=7MB"))
      #expect(client.parameters["application_name"] == "walsender \(pool.port)")
      #expect(try client.query("SHOW work_mem").value == "7MB")
      let process = try client.query("SELECT pg_backend_pid()").value
      #expect(try client.query("CREATE TEMP TABLE own (a int)").tags == "CZ")
      #expect(try client.query("SELECT pg_backend_pid()").value == process)
      #expect(pool.metric("clients_pinned") == 1)
      #expect(pool.metric("pins_total{reason=\"replication\"}") == 1)
      try pool.holding(1) {
        #expect(throws: (any Error).self) { try pool.connect().query("SELECT 1") }
      }
      client.close()
      #expect(try eventually { try walsenders(pool) == "0" })
      #expect(try walsender(pool).query("IDENTIFY_SYSTEM").tags == "TDCZ")
      #expect(try eventually { try walsenders(pool) == "0" })
      try pool.expectClean()
    }
  }

  @Test("that vanish in the middle of a command leave nothing at the server")
  func vanish() throws {
    try ReplicatedPostgres.pool("walsender_vanish", backends: 1) { pool in
      let asleep = try walsender(pool, "database")
      try asleep.send { $0.query("SELECT pg_sleep(600)") }
      #expect(try eventually { try walsenders(pool) == "1" })
      asleep.vanish()
      #expect(try eventually { try walsenders(pool) == "0" })

      let backup = try walsender(pool)
      try backup.send { $0.query("BASE_BACKUP (CHECKPOINT 'fast', MAX_RATE 32, WAIT false)") }
      _ = try backup.next()
      backup.vanish()
      #expect(try eventually { try walsenders(pool) == "0" })
      try pool.expectClean()
    }
  }

  @Test("are cancelled, and ended by the server, as directly")
  func ended() throws {
    try ReplicatedPostgres.pool("walsender_ended") { pool in
      let client = try walsender(pool, "database")
      try client.send { $0.query("SELECT pg_sleep(600)") }
      let isAsleep = try eventually {
        try pool.direct().query(
          """
          SELECT count(*) FROM pg_stat_activity
          WHERE application_name = 'walsender \(pool.port)' AND wait_event = 'PgSleep'
          """
        ).first == "1"
      }
      #expect(isAsleep)
      let canceller = try PoolWireClient(port: pool.port)
      try canceller.send { $0.cancelRequest(processID: client.key.processID, key: client.key.key) }
      #expect(try client.reply().error?.sqlState == "57014")
      #expect(try client.query("SELECT 1").value == "1")

      let ended = try pool.direct().query(
        """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'walsender \(pool.port)'
        """)
      #expect(ended.first == "t")
      #expect(try client.lastWords().error?.sqlState == "57P01")
      try pool.expectClean()
    }
  }

  @Test("a server's refusal is the client's, in the server's words and at once")
  func refusals() throws {
    try ReplicatedPostgres.pool("walsender_refusals", backends: 2, "--borrow-timeout", "60s") { pool in
      try pool.direct().execute("CREATE DATABASE no_connections ALLOW_CONNECTIONS false")
      var target = pool.target
      target.database = "no_connections"
      #expect(try refusal(pool, target, "database")?.sqlState == "55000")
      target.database = "does_not_exist"
      #expect(try refusal(pool, target, "database")?.sqlState == "3D000")
      // A physical one has no database, whatever it says.
      #expect(try refusal(pool, target, "true") == nil)
    }
  }

  @Test("those that stream are told at once when the pool ends, those that run a command when it is done")
  func drain() throws {
    let pool = try PoolProcess(ReplicatedPostgres.target, ["--drain-timeout", "60s"])
    defer { if pool.process.isRunning { pool.process.send(SIGKILL) } }
    #expect(eventually(within: .seconds(60)) { pool.page("/readyz")?.status == 200 })
    let streaming = try walsender(pool)
    let position = try #require(try streaming.query("IDENTIFY_SYSTEM").rows.first?[2])
    try streaming.send { $0.query("START_REPLICATION PHYSICAL \(position)") }
    #expect(try streaming.next().tag == BackendTag.copyBothResponse)
    let running = try walsender(pool, "database")
    try pool.direct().execute("SELECT pg_advisory_lock(4711)")
    try running.send { $0.query("SELECT pg_advisory_lock_shared(4711)") }
    let waits = try eventually {
      try pool.direct().query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        .first
        == "1"
    }
    #expect(waits)
    pool.process.send(SIGTERM)
    #expect(try streaming.lastWords().error?.sqlState == "57P01")
    #expect(pool.process.isRunning)
    try pool.direct().execute("SELECT pg_advisory_unlock(4711)")
    #expect(try running.reply().tags == "TDCZ")
    #expect(try running.lastWords().error?.sqlState == "57P01")
    #expect(eventually { !pool.process.isRunning })
  }

  @Test("auth_hba_file: a physical one comes in by `replication` only, a logical one by its database")
  func rules() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).conf")
    defer { try? FileManager.default.removeItem(at: file) }
    try "host all all all scram-sha-256\n".write(to: file, atomically: true, encoding: .utf8)
    try ReplicatedPostgres.pool("walsender_rules", backends: 2, "--auth-hba-file", file.path) { pool in
      #expect(try refusal(pool, pool.target, "database") == nil)
      let error = try refusal(pool, pool.target, "true")
      #expect(error?.sqlState == "28000")
      #expect(error?.message.hasPrefix("no pg_hba.conf entry for replication connection from host") == true)
      try "host replication all all scram-sha-256\n".write(to: file, atomically: true, encoding: .utf8)
      pool.process.send(SIGHUP)
      #expect(try eventually { try refusal(pool, pool.target, "true") == nil })
      #expect(try refusal(pool, pool.target, "database")?.sqlState == "28000")
      // The test's own clients come in by no rule of this file any more.
      try "host all all all scram-sha-256\n".write(to: file, atomically: true, encoding: .utf8)
    }
  }
}
