import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("dbtool pool check") struct PoolCheckTests {
  @Test("says of every user and database what works, what does not and why, and of the cap what is left")
  func report() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "check-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try EncryptedPostgres.with { server, _ in
      let direct = try server.connect()
      try direct.execute("CREATE ROLE app LOGIN PASSWORD 'app'")
      try direct.execute("CREATE ROLE verified LOGIN PASSWORD 'v'")
      try direct.execute("CREATE ROLE resting PASSWORD 'r'")
      let stored =
        try direct.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'verified'").first ?? ""
      let md5 = "md5" + String(repeating: "a", count: 32)
      try "\"verified\" \"\(stored)\"\n\"hashed\" \"\(md5)\"\n\"resting\" \"r\"\n".write(
        to: folder.appending(path: "userlist.txt"), atomically: true, encoding: .utf8)
      try """
      [pool]
      max_connections = 20
      auth_file = "userlist.txt"
      auth_user = "app"
      [[pool.targets]]
      host = "127.0.0.1"
      port = \(server.port ?? "5432")
      [[pool.users]]
      name = "app"
      password = "app"
      [[pool.databases]]
      name = "shop"
      target_database = "\(server.database ?? "")"
      """.write(to: folder.appending(path: "dbtool.toml"), atomically: true, encoding: .utf8)
      func check(_ arguments: String...) throws -> DBToolProcess.Result {
        try runDBTool(["pool", "check"] + arguments, in: folder.path)
      }
      let bad = try check()
      #expect(bad.status == 1)
      let place = "in \"\(server.database ?? "")\": "
      for words in [
        "works  user \"app\" \(place)the server (PostgreSQL ", "lets the pool in, over TLS\n",
        "note   user \"verified\" \(place)the pool has a SCRAM verifier and no key",
        "fails  user \"hashed\" \(place)the server wants a SCRAM proof, and the pool has an md5 hash",
        "fails  user \"resting\" \(place)role \"resting\" is not permitted to log in (SQLSTATE 28000)\n"
          + "         hint: ALTER ROLE … LOGIN\n",
        "fails  auth_query as \"app\": permission denied for view pg_shadow (SQLSTATE 42501)",
        "works  cap: 20 of the server's ", " left for others",
      ] { #expect(bad.stdout.contains(words), "\(words)\n\(bad.stdout)") }

      try direct.execute("GRANT SELECT ON pg_shadow TO app")
      try direct.execute("ALTER ROLE resting LOGIN")
      try "".write(to: folder.appending(path: "empty"), atomically: true, encoding: .utf8)
      let good = try check("--auth-file", folder.appending(path: "empty").path, "--json")
      #expect(good.status == 0, "\(good.stdout) \(good.stderr)")
      #expect(good.stdout.hasPrefix("{\"operation\":\"pool check\",\"ok\":true,"))
      #expect(good.stdout.contains("tells stored passwords"))
      let large = try check(
        "--auth-file", folder.appending(path: "empty").path, "--max-connections", "100000")
      #expect(large.status == 1)
      #expect(large.stdout.contains("fails  cap: max_connections is 100000, and the server leaves "))
      #expect(try check("--config", "/no/such.toml").status == 64)
    }
  }

  @Test("a server that is not there is told in a line, and nothing is left behind")
  func nobody() throws {
    let result = try runDBTool(
      ["pool", "check", "--connect-timeout", "2s"],
      environment: ["DATABASE_URL": "postgres://app:app@127.0.0.1:1/shop"])
    #expect(result.status == 1)
    #expect(result.stdout.contains("fails  user \"app\" in \"shop\": Connection refused\n"))
    #expect(result.stdout.contains("127.0.0.1, 1"))
  }

  @Test("a pgbouncer.ini with its userlist.txt is tried as it is, and what will be different is said")
  func ini() throws {
    try SharedPostgres.withDatabase { database in
      let folder = try TestFolder()
      let user = database.user ?? ""
      func write(_ text: String, _ name: String) throws {
        try text.write(toFile: "\(folder.path)/\(name)", atomically: true, encoding: .utf8)
      }
      try write("\"\(user)\" \"\(database.password?.reveal ?? "")\"\n", "userlist.txt")
      try write(
        """
        [databases]
        shop = host=\(database.host ?? "") port=\(database.port ?? "") dbname=\(database.database ?? "")
        [pgbouncer]
        listen_addr = 127.0.0.1
        auth_file = userlist.txt
        pool_mode = transaction
        default_pool_size = 7
        disable_pqexec = 1
        logfile = /var/log/pgbouncer.log
        """, "pgbouncer.ini")
      let path = "\(folder.path)/pgbouncer.ini"
      for arguments in [[path], ["--config", path]] {
        let result = try runDBTool(["pool", "check"] + arguments)
        #expect(result.status == 0, "\(result.stdout) \(result.stderr)")
        for words in [
          "note   disable_pqexec = 1: several statements in one query are served\n",
          "works  user \"\(user)\" in \"\(database.database ?? "")\": the server (PostgreSQL ",
          "works  cap: 7 of the server's ",
        ] { #expect(result.stdout.contains(words), "\(words)\n\(result.stdout)") }
      }
      let converted = try runDBTool(["pool", "check", "--convert", path])
      #expect(converted.status == 0)
      #expect(converted.stdout.contains("\nmax_connections = 7 "))
      #expect(converted.stdout.contains("\n# logfile = /var/log/pgbouncer.log: the log goes to stderr\n"))
      try write(converted.stdout, "dbtool.toml")
      #expect(try runDBTool(["pool", "check"], in: folder.path).status == 0)
      // The pool itself wants its own.
      let pool = try runDBTool(["pool", "--config", path])
      #expect(pool.status == 64)
      #expect(pool.stderr.contains("hint: dbtool pool check --convert \(path) > dbtool.toml"))
      #expect(try runDBTool(["pool", "check", "--convert"]).status == 64)
    }
  }

  @Test(
    "every key that PgBouncer itself shows is known to the conversion",
    .enabled(if: PgBouncer.path != nil, "pgbouncer is not installed"))
  func keys() throws {
    try PgBouncer.with("transaction") { bouncer in
      var console = bouncer.target
      console.database = "pgbouncer"
      let result = try runPsql(console, "SHOW CONFIG")
      let keys = result.split(separator: "\n").compactMap { $0.split(separator: "|").first.map(String.init) }
      #expect(keys.count > 60)
      let folder = try TestFolder()
      let text = "[databases]\n* = host=db\n[pgbouncer]\n" + keys.map { "\($0) = 1\n" }.joined()
      try text.write(toFile: "\(folder.path)/all.ini", atomically: true, encoding: .utf8)
      let converted = try runDBTool(["pool", "check", "--convert", "\(folder.path)/all.ini"])
      #expect(converted.status == 0, "\(converted.stderr)")
      #expect(!converted.stdout.contains("no such key"), "\(converted.stdout)")
    }
  }

  /// What psql prints, columns apart by `|`.
  private func runPsql(_ target: DatabaseTarget, _ command: String) throws -> String {
    let psql = Process()
    psql.executableURL = URL(filePath: "/usr/bin/env")
    psql.arguments = [
      "psql", "-XAtq", "-h", target.host ?? "", "-p", target.port ?? "", "-U", target.user ?? "", "-d",
      target.database ?? "", "-c", command,
    ]
    let output = Pipe()
    psql.standardOutput = output
    try psql.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    psql.waitUntilExit()
    #expect(psql.terminationStatus == 0)
    return String(decoding: bytes, as: UTF8.self)
  }
}
