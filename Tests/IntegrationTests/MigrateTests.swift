import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("dbtool migrate, info, validate")
struct MigrateTests {
  @Test("of twenty migrators at once one applies, and all end well")
  func twenty() throws {
    var scripts = ["R__view.sql": "create or replace view v as select 1 as a"]
    for number in 1...6 { scripts["V\(number)__t.sql"] = "create table t\(number) (i int);" }
    try MigrateFolder.with(scripts) { (folder) throws in
      let all = try (0..<20).map { _ in try folder.start("migrate", "--quiet") }
      let results = all.map { $0.finish() }
      #expect(results.map(\.status) == Array(repeating: 0, count: 20))
      #expect(try folder.history() == (1...6).map { "\($0) true" } + ["view true"])
    }
  }

  @Test("our form and Flyway's mean the same, options before or after the command")
  func forms() throws {
    try MigrateFolder.with(["V1__a.sql": "create table a ()", "V2__b.sql": "create table b ()"]) {
      (folder) throws in
      #expect(try folder.dbtool("--target", "1", "migrate").status == 0)
      #expect(try folder.history() == ["1 true"])
      #expect(try folder.dbtool("migrate", "-locations=filesystem:sql", "-target=2").status == 0)
      #expect(try folder.history() == ["1 true", "2 true"])
      #expect(try folder.dbtool("info", "validate", "--quiet").stdout.hasSuffix("2 migrations are valid\n"))
    }
  }

  @Test(
    "a location that may not be read is an error, not an empty one; a folder in it is passed over aloud",
    .enabled(if: geteuid() != 0, "root may read everything"))
  func unreadable() throws {
    try MigrateFolder.with(["V1__a.sql": "create table a ()"]) { (folder) throws in
      let files = FileManager.default
      let inner = folder.path + "/sql/lost+found"
      try files.createDirectory(
        atPath: inner, withIntermediateDirectories: false, attributes: [.posixPermissions: 0])
      let migrated = try folder.dbtool("migrate")
      #expect(migrated.status == 0)
      #expect(migrated.stderr.contains("lost+found cannot be read: Permission denied; it is passed over"))
      try files.setAttributes([.posixPermissions: 0o311], ofItemAtPath: folder.path + "/sql")
      defer { try? files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path + "/sql") }
      let refused = try folder.dbtool("migrate")
      #expect(refused.status == 1)
      #expect(refused.stderr.contains("/sql cannot be read: Permission denied"))
    }
  }

  @Test("an index is built concurrently with the default settings, where Flyway waits for ever")
  func concurrentIndex() throws {
    let scripts = [
      "V1__t.sql": "create table t (i int)", "V2__i.sql": "create index concurrently t_i on t (i)",
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try folder.ask("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_i'::regclass") == "t")
    }
  }

  @Test(
    "a script may change role and search path: the row is written, and the next script starts as the first")
  func session() throws {
    let scripts = [
      "V1__role.sql": "set role pg_read_all_data; set search_path = nosuch;",
      "V2__t.sql":
        "create table t (i int); select 1/count(*) from pg_class where oid = 'public.t'::regclass;",
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      let result = try folder.dbtool("migrate")
      #expect(result.status == 0, "\(result.stderr)")
      #expect(try folder.history() == ["1 true", "2 true"])
    }
  }

  @Test("beforeMigrate and afterMigrate run around, each in its own transaction")
  func callbacks() throws {
    let scripts = [
      "beforeMigrate.sql":
        "create table if not exists log (n serial, what text); insert into log (what) values ('before')",
      "V1__a.sql": "insert into log (what) values ('V1')",
      "afterMigrate.sql": "insert into log (what) values ('after')",
    ]
    try MigrateFolder.with(scripts) { (folder) throws in
      #expect(try folder.dbtool("migrate", "--baseline-on-migrate", "--baseline-version", "0").status == 0)
      #expect(try folder.ask("SELECT string_agg(what, ' ' ORDER BY n) FROM log") == "before V1 after")
    }
  }

  @Test(
    "a call that cannot be followed ends with 64 and says why",
    arguments: [
      (["migrate", "--targt", "5"], "error: unknown option --targt"),
      (["migrate", "--lock-retry-count", "x"], "error: --lock-retry-count cannot be 'x'"),
      (["migrate", "--jar-dirs", "x"], "error: the option 'jarDirs' is not served: there is no Java here"),
      (["migrate", "nosuch"], "error: Invalid flag: nosuch"),
    ])
  func usage(_ words: [String], _ message: String) throws {
    let result = try runDBTool(words)
    #expect(result.status == 64)
    #expect(result.stderr.hasPrefix(message))
  }

  @Test("Flyway's form follows Flyway's statuses and prints its document")
  func flywayStatus() throws {
    let result = try runDBTool(["-noSuchOption=1", "-outputType=json", "migrate"])
    #expect(result.status == 1)
    #expect(result.stdout.contains("\"errorCode\": \"CONFIGURATION\""))
    #expect(result.stdout.contains("Unknown: 'flyway.noSuchOption'."))
  }

  @Test(
    "--help lists every option with its variable and default", arguments: ["migrate", "info", "validate"])
  func help(_ command: String) throws {
    let result = try runDBTool([command, "--help"])
    #expect(result.status == 0)
    #expect(result.stdout.contains("--lock-retry-count NUMBER"))
    #expect(result.stdout.contains("FLYWAY_LOCK_RETRY_COUNT; default: 50"))
  }

  @Test("a password in the URL is never shown, whatever fails")
  func password() throws {
    try MigrateFolder.with(["V1__a.sql": "create table a ()"]) { (folder) throws in
      let result = try runDBTool(
        ["migrate", "--url", "postgresql://postgres:hunter2@127.0.0.1:1/x", "--json", "--verbose"],
        in: folder.path)
      #expect(result.status == 1)
      #expect(!result.stdout.contains("hunter2") && !result.stderr.contains("hunter2"))
    }
  }

  @Test("names with quotes, accents behind quotes and backslashes reach the history as they are")
  func quoting() throws {
    let name = "it's'\u{301} a\\b"
    try MigrateFolder.with(["V1__\(name).sql": "create table a ()"]) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      #expect(try folder.ask("SELECT description FROM flyway_schema_history") == name)
    }
  }

  @Test("configuration comes from the command line, then the environment, then files")
  func precedence() throws {
    let script = "create table a as select '${one}${two}${three}'::text as t"
    try MigrateFolder.with(["V1__a.sql": script]) { (folder) throws in
      let file = "[flyway.placeholders]\none = \"file\"\ntwo = \"file\"\nthree = \"file\"\n"
      try Data(file.utf8).write(to: URL(filePath: folder.path + "/flyway.toml"))
      let result = try runDBTool(
        ["migrate", "--url", folder.target.testURL, "--placeholder", "one=line "],
        environment: [
          "HOME": folder.path, "FLYWAY_PLACEHOLDERS_ONE": "variable ", "FLYWAY_PLACEHOLDERS_TWO": "variable ",
        ], in: folder.path)
      #expect(result.status == 0, "\(result.stderr)")
      #expect(try folder.ask("SELECT t FROM a") == "line variable file")
    }
  }
}
