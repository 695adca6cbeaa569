import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Passwords as servers and PgBouncer store them") struct PoolPasswordTests {
  /// Who gets in as whom, or what is said instead.
  private func who(_ pool: PoolProcess, _ user: String, _ password: String) -> String {
    var target = pool.target
    target.user = user
    target.password = Secret(password)
    do {
      return try target.connect().query("SELECT current_user").first ?? ""
    } catch {
      return (error as? Failure)?.what ?? "\(error)"
    }
  }

  /// A server, roles in it, and a folder for the pool's files. Only `old_md5` is asked by md5.
  private func withServer(_ body: (DatabaseTarget, Connection, URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "passwords-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try EncryptedPostgres.with { server, _ in try body(server, server.connect(), folder) }
  }

  private func stored(_ role: String, _ connection: Connection) throws -> String {
    try #require(try connection.query("SELECT rolpassword FROM pg_authid WHERE rolname = '\(role)'").first)
  }

  @Test("auth_file holds plain passwords, md5 hashes and SCRAM verifiers; each opens the server, too")
  func userList() throws {
    try withServer { server, direct, folder in
      try direct.execute("CREATE ROLE verified LOGIN PASSWORD 'first'")
      try direct.execute("CREATE ROLE plain LOGIN PASSWORD 'second'")
      let long = String(repeating: "x", count: 63)
      try direct.execute("CREATE ROLE \(long) LOGIN PASSWORD 'fourth'")
      let path = folder.appending(path: "userlist.txt").path
      try """
      "verified" "\(try stored("verified", direct))"
      "old_md5" "\(try stored("old_md5", direct))"
      "plain" "second"
      "nobody" ""
      "\(long)" "fourth"
      """.write(toFile: path, atomically: true, encoding: .utf8)
      try PoolProcess.with(server, ["--auth-file", path]) { pool in
        #expect(who(pool, "verified", "first") == "verified")
        #expect(who(pool, "old_md5", "secret") == "old_md5")
        #expect(who(pool, "plain", "second") == "plain")
        #expect(who(pool, "postgres", server.password?.reveal ?? "") == "postgres")
        // The server takes 63 bytes of a name.
        #expect(who(pool, long + "yz", "fourth") == long)
        for (user, password) in [
          ("verified", "second"), ("old_md5", "x"), ("plain", "first"), ("nobody", ""), ("nobody", "x"),
        ] {
          #expect(!who(pool, user, password).contains(user + "\n"))
          #expect(who(pool, user, password) != user)
        }
        // Another user in the file, without a signal.
        try direct.execute("CREATE ROLE late LOGIN PASSWORD 'third'")
        #expect(who(pool, "late", "third").contains("password authentication failed for user \"late\""))
        try "\"late\" \"third\"\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(who(pool, "late", "third") == "late")
        #expect(who(pool, "plain", "second").contains("password authentication failed"))
        // A broken file changes nothing.
        try "\"late\" third\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(who(pool, "late", "third") == "late")
        #expect(
          eventually {
            pool.process.stderrSoFar.contains("\(path):1: a password in double quotes was expected")
          })
      }
    }
  }

  @Test("a verifier that is not the server's is told clearly")
  func otherVerifier() throws {
    try withServer { server, direct, folder in
      try direct.execute("CREATE ROLE verified LOGIN PASSWORD 'first'")
      let path = folder.appending(path: "userlist.txt").path
      try "\"verified\" \"\(try stored("verified", direct))\"".write(
        toFile: path, atomically: true, encoding: .utf8)
      // The same password, stored anew.
      try direct.execute("ALTER ROLE verified PASSWORD 'first'")
      try PoolProcess.with(server, ["--auth-file", path]) { pool in
        #expect(who(pool, "verified", "first").contains("has another salt or iteration count"))
      }
    }
  }

  @Test("a pool that has only verifiers is ready as soon as the server asks for a proof")
  func keyless() throws {
    try withServer { server, direct, folder in
      try direct.execute("CREATE ROLE verified LOGIN PASSWORD 'first'")
      let path = folder.appending(path: "userlist.txt").path
      try "\"verified\" \"\(try stored("verified", direct))\"".write(
        toFile: path, atomically: true, encoding: .utf8)
      var nobody = server
      nobody.password = nil
      let pool = try PoolProcess(nobody, ["--auth-file", path])
      defer { pool.process.send(SIGKILL) }
      #expect(eventually { pool.page("/readyz")?.status == 200 }, "\(pool.process.stderrSoFar)")
      #expect(!pool.process.stderrSoFar.contains("warning"))
      #expect(who(pool, "verified", "first") == "verified")
    }
  }

  @Test("a password that is rotated in its file goes on for clients with the old one and with the new one")
  func rotation() throws {
    try withServer { server, direct, folder in
      try direct.execute("CREATE ROLE app LOGIN PASSWORD 'one'")
      let file = folder.appending(path: "password").path
      let config = folder.appending(path: "dbtool.toml").path
      try "one\n".write(toFile: file, atomically: true, encoding: .utf8)
      try """
      [[pool.users]]
      name = "app"
      password_file = "password"
      """.write(toFile: config, atomically: true, encoding: .utf8)
      try PoolProcess.with(server, backends: 2, ["--config", config, "--server-lifetime", "1s"]) { pool in
        var target = pool.target
        target.user = "app"
        target.password = Secret("one")
        let client = try target.connect()
        #expect(try client.query("SELECT current_user").first == "app")
        // As a rotation does it: first the server, then, later, the file. In between the pool must wait.
        try direct.execute("ALTER ROLE app PASSWORD 'two'")
        try direct.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
        #expect(
          eventually {
            (try? direct.query(
              "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"
            ).first) == "0"
          })
        let waiting = try pool.wireClientOf("app", "one")
        try waiting.send { $0.query("SELECT current_user") }
        #expect(eventually { pool.process.stderrSoFar.contains("password authentication failed for user") })
        try "two\n".write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try waiting.reply().value == "app")
        #expect(who(pool, "app", "two") == "app")
        #expect(who(pool, "app", "one") == "app")
        #expect(who(pool, "app", "three").contains("password authentication failed for user \"app\""))
        #expect(try client.query("SELECT current_user").first == "app")
      }
    }
  }
}

extension PoolProcess {
  /// A client at the level of messages, logged in as somebody.
  func wireClientOf(_ user: String, _ password: String) throws -> PoolWireClient {
    var target = target
    target.user = user
    target.password = Secret(password)
    let client = try PoolWireClient(port: port)
    try client.logIn(target)
    return client
  }
}
