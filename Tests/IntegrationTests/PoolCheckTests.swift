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
}
