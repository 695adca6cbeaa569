import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("A database that Flyway and dbtool share")
struct InterchangeTests {
  @Test(
    "and that the real Flyway left is continued as it would have gone on", arguments: MigrateCorpus.projects)
  func continued(_ project: String) throws {
    let differences = try SharedPostgres.withDatabase {
      try MigrateCorpus.differences(of: project, on: $0, isFlyways: true)
    }
    #expect(differences == [])
  }

  @Test("has the same history table, column by column, whoever made it")
  func shape() throws {
    try MigrateFolder.with(["V1__a.sql": "select 1;"]) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try folder.dbtool("migrate", "--table", "Odd \"name", "--schemas", "Odd").status == 0)
      let connection = try folder.target.connect()
      for history in [FlywayHistory(), FlywayHistory(schema: "Odd", table: "Odd \"\"name")] {
        let ours = try history.shape(on: connection)
        try history.write([], on: connection)
        #expect(try ours == history.shape(on: connection))
      }
    }
  }

  /// Ranks with a gap, a schema made by Flyway, a Java migration, one that was deleted, and one that failed.
  private static let rows: [[String?]] = [
    ["0", nil, "<< Flyway Schema Creation >>", "SCHEMA", "\"shop\"", nil, "flyway", "true"],
    ["1", "1", "<< Flyway Baseline >>", "BASELINE", "<< Flyway Baseline >>", nil, "flyway", "true"],
    ["2", "2", "a", "SQL", "V2__a.sql", "-731837914", "deploy bot", "true"],
    ["3", "2.1", "java", "JDBC", "db.migration.V2_1__java", nil, "flyway", "true"],
    ["4", "3", "gone", "SQL", "V3__gone.sql", "1", "flyway", "true"],
    ["5", "3", "gone", "DELETE", "V3__gone.sql", "1", "flyway", "true"],
    ["6", nil, "view", "SQL", "R__view.sql", "17", "flyway", "true"],
    ["9", "4", "bad", "SQL", "V4__bad.sql", "1", "flyway", "false"],
    ["-1", "99", "hidden", "SQL", "V99__hidden.sql", "1", "flyway", "true"],
  ]
  private static let scripts = [
    "V1__old.sql": "create table shop.old (i int);", "V2__a.sql": "create table a(i int);\n",
    "V4__bad.sql": "create table shop.d (i int);", "V5__e.sql": "create table shop.e (i int);",
    "R__view.sql": "create or replace view shop.v as select 1 as i;",
  ]

  @Test("half migrated, with every kind of row, is understood, repaired and migrated to the end")
  func everyRow() throws {
    try MigrateFolder.with(Self.scripts) { (folder) throws in
      let connection = try folder.target.connect()
      try connection.execute("CREATE SCHEMA shop")
      try FlywayHistory(schema: "shop").write(Self.rows, on: connection)
      let states = {
        try folder.flyway("info", "-schemas=shop").document["migrations"]?.items.map {
          "\($0["version"]?.text ?? "") \($0["type"]?.text ?? "") \($0["state"]?.text ?? "")"
        }
      }
      #expect(
        try states() == [
          "1 SQL Ignored (Baseline)", " SCHEMA Success", "1 BASELINE Baseline", "2 SQL Success",
          "2.1 JDBC Missing", "3 SQL Deleted", " SQL Outdated", "4 SQL Failed", "5 SQL Pending",
          " SQL Pending",
        ])
      let invalid = try folder.flyway("validate", "-schemas=shop").document["invalidMigrations"]?.items.map {
        $0["errorDetails"]?["errorCode"]?.text ?? ""
      }
      #expect(
        invalid == [
          "APPLIED_VERSIONED_MIGRATION_NOT_RESOLVED", "OUTDATED_REPEATABLE_MIGRATION",
          "FAILED_VERSIONED_MIGRATION",
          "RESOLVED_VERSIONED_MIGRATION_NOT_APPLIED", "RESOLVED_REPEATABLE_MIGRATION_NOT_APPLIED",
        ])
      #expect(try folder.flyway("migrate", "-schemas=shop").status == 1)
      #expect(try folder.flyway("repair", "-schemas=shop").status == 0)
      let migrated = try folder.flyway("migrate", "-schemas=shop", "-installedBy=new tool")
      #expect(migrated.status == 0, "\(migrated.stderr)")
      #expect(
        try folder.list(
          """
          SELECT concat_ws('|', installed_rank, coalesce(version, '-'), description, type, script, coalesce(checksum::text, '-'),
            installed_by, success) FROM shop.flyway_schema_history WHERE installed_rank > 4 ORDER BY installed_rank
          """) == [
            "5|3|gone|DELETE|V3__gone.sql|1|flyway|t", "6|-|view|SQL|R__view.sql|17|flyway|t",
            "7|2.1|java|DELETE|db.migration.V2_1__java|-|\(folder.target.user ?? "")|t",
          ]
          + [("8|4|bad", "V4__bad.sql"), ("9|5|e", "V5__e.sql"), ("10|-|view", "R__view.sql")].map {
            "\($0.0)|SQL|\($0.1)|\(checksum(Self.scripts[$0.1] ?? ""))|new tool|t"
          })
      #expect(try folder.flyway("validate", "-schemas=shop").status == 0)
      #expect(try folder.ask("SELECT to_regclass('shop.old')") == nil)
    }
  }

  /// CRC-32 as zlib counts it, over text without a line end.
  private func checksum(_ text: String) -> Int32 {
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in text.utf8 {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    return Int32(bitPattern: ~sum)
  }

  // MARK: - The lock

  /// Flyway's default lock: a transaction's, asked for again and again.
  private static let key = "77433833903597"

  @Test("is left alone while Flyway holds its lock in a transaction, whose session is named")
  func flywayFirst() throws {
    try MigrateFolder.with(["V1__a.sql": "create table a (i int);"]) { (folder) throws in
      let flyway = try folder.target.connect(applicationName: "PostgreSQL JDBC Driver")
      try flyway.execute("BEGIN; SELECT pg_try_advisory_xact_lock(\(Self.key))")
      let process = try folder.start("migrate")
      let holder =
        "held by pid \(flyway.backendPID) (PostgreSQL JDBC Driver, 127.0.0.1), idle in transaction for"
      let tells = eventually(within: .seconds(60)) { process.stderrSoFar.contains(holder) }
      #expect(tells)
      #expect(try folder.ask("SELECT to_regclass('flyway_schema_history')") == nil)
      try flyway.execute("COMMIT")
      #expect(process.finish().status == 0)
    }
  }

  @Test("is left alone by Flyway from the first migration to the last while dbtool migrates or undoes")
  func dbtoolFirst() throws {
    let scripts = [
      "V1__a.sql": "create table a (i int);", "V2__b.sql": "lock table gate;",
      "U2__b.sql": "lock table gate;",
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      let gate = try folder.target.connect()
      try gate.execute("CREATE TABLE gate (i int)")
      #expect(try folder.dbtool("baseline", "--baseline-version", "0").status == 0)
      for command in ["migrate", "undo"] {
        try gate.execute("BEGIN; LOCK TABLE gate")
        let process = try folder.start(command)
        let isBlocked = try eventually {
          try folder.ask("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'gate'::regclass")
            == "1"
        }
        #expect(isBlocked)
        #expect(try folder.ask("SELECT pg_try_advisory_xact_lock(\(Self.key))") == "f")
        try gate.execute("COMMIT")
        #expect(process.finish().status == 0)
        #expect(try folder.ask("SELECT pg_try_advisory_xact_lock(\(Self.key))") == "t")
      }
    }
  }
}
