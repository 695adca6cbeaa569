import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Users who are looked up at the server") struct PoolLookupTests {
  /// A server with roles, and a function that tells their passwords to `pooler`, who is nobody special.
  private func withServer(_ body: (DatabaseTarget, Connection) throws -> Void) throws {
    try EncryptedPostgres.with { server, _ in
      let direct = try server.connect()
      try direct.execute("CREATE ROLE alice LOGIN PASSWORD 'first'")
      try direct.execute("CREATE ROLE gone LOGIN PASSWORD 'first' VALID UNTIL '2020-01-01'")
      try direct.execute("CREATE ROLE later LOGIN PASSWORD 'first' VALID UNTIL '2190-01-01'")
      try direct.execute("CREATE ROLE keyless LOGIN")
      try direct.execute("CREATE ROLE pooler LOGIN PASSWORD 'pooling'")
      try direct.execute(
        """
        CREATE FUNCTION public.user_lookup(name text, OUT uname text, OUT phash text, OUT valuntil timestamptz)
        RETURNS record LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog
        AS 'SELECT usename, passwd, valuntil FROM pg_shadow WHERE usename = $1'
        """)
      try direct.execute("REVOKE ALL ON FUNCTION public.user_lookup FROM PUBLIC")
      try direct.execute("GRANT EXECUTE ON FUNCTION public.user_lookup TO pooler")
      try body(server, direct)
    }
  }

  private static let byFunction = [
    "--auth-user", "pooler", "--auth-query", "SELECT * FROM public.user_lookup($1)",
  ]

  /// The same server, entered by the pool as `pooler`.
  private func asPooler(_ server: DatabaseTarget) -> DatabaseTarget {
    var target = server
    target.user = "pooler"
    target.password = Secret("pooling")
    return target
  }

  /// Who gets in as whom, or what is said instead.
  private func who(_ pool: PoolProcess, _ user: String, _ password: String, _ database: String? = nil)
    -> String
  {
    var target = pool.target
    target.user = user
    target.password = Secret(password)
    if let database { target.database = database }
    do {
      return try target.connect().query("SELECT current_user").first ?? ""
    } catch {
      return (error as? Failure)?.what ?? "\(error)"
    }
  }

  @Test("a role of the server logs in by SCRAM or md5, as itself, and others are told one thing only")
  func logins() throws {
    try withServer { server, direct in
      try PoolProcess.with(asPooler(server), Self.byFunction) { pool in
        #expect(who(pool, "alice", "first") == "alice")
        #expect(who(pool, "later", "first") == "later")
        #expect(who(pool, "old_md5", "secret") == "old_md5")
        #expect(who(pool, "pooler", "pooling") == "pooler")
        for (user, password) in [
          ("alice", "second"), ("gone", "first"), ("keyless", "x"), ("nobody", "x"), ("old_md5", "x"),
          ("nobody'; DROP ROLE alice; --", "x"),
        ] {
          #expect(
            who(pool, user, password).hasSuffix(
              "FATAL:  password authentication failed for user \"\(user)\""),
            "\(user)")
        }
        #expect(who(pool, "alice", "first", "no_such").contains("database \"no_such\" does not exist"))
        #expect(who(pool, "alice", "second", "no_such").contains("password authentication failed"))
        let log = pool.process.stderrSoFar
        #expect(log.contains("auth_query gave no password"))
        #expect(log.contains("auth_query knows no such user"))
        let roles = try direct.query("SELECT count(*) FROM pg_roles WHERE rolname = 'alice'")
        #expect(roles.first == "1")
      }
    }
  }

  @Test("a password that is changed at the server counts at once, and the old one no more")
  func changed() throws {
    try withServer { server, direct in
      try PoolProcess.with(asPooler(server), Self.byFunction) { pool in
        #expect(who(pool, "alice", "first") == "alice")
        try direct.execute("ALTER ROLE alice PASSWORD 'second'")
        // At worst one login meets the answer of a moment ago, and drops it.
        let first = who(pool, "alice", "second")
        #expect(first == "alice" || first.contains("password authentication failed"))
        #expect(who(pool, "alice", "second") == "alice")
        #expect(who(pool, "alice", "first").contains("password authentication failed"))
        try direct.execute("CREATE ROLE late LOGIN PASSWORD 'new'")
        #expect(eventually { who(pool, "late", "new") == "late" })
        try direct.execute("DROP ROLE late")
        #expect(eventually { who(pool, "late", "new").contains("password authentication failed") })
      }
    }
  }

  @Test("somebody can log in while all backends of clients are busy, and the cap holds")
  func fullPool() throws {
    try withServer { server, direct in
      try PoolProcess.with(asPooler(server), backends: 3, Self.byFunction + ["--borrow-timeout", "60s"]) {
        pool in
        let holders = try (0..<2).map { _ in try pool.wireClientOf("alice", "first") }
        for holder in holders { #expect(try holder.query("BEGIN").tags == "CZ") }
        // Neither is the identity known yet, nor is there a backend for it: the login itself must get through.
        let newcomer = try PoolWireClient(port: pool.port)
        var target = pool.target
        target.user = "later"
        try newcomer.sendStartup(target)
        try newcomer.authenticate("first")
        #expect(who(pool, "nobody", "x").contains("password authentication failed"))
        let open = try direct.query(
          "SELECT count(*) FROM pg_stat_activity WHERE usename <> 'postgres'")
        #expect(open.first == "3")
        for holder in holders { #expect(try holder.query("COMMIT").tags == "CZ") }
        #expect(try eventuallyReady(newcomer))
      }
    }
  }

  /// Up to the first ReadyForQuery.
  private func eventuallyReady(_ client: PoolWireClient) throws -> Bool {
    try client.reply().messages.last?.tag == BackendTag.readyForQuery
  }

  @Test(
    "a question that fails is told in the log, and to the client as a wrong password; it may be right later")
  func failing() throws {
    try withServer { server, direct in
      // The default query, which pooler may not ask.
      try PoolProcess.with(asPooler(server), ["--auth-user", "pooler"]) { pool in
        #expect(who(pool, "alice", "first").contains("password authentication failed for user \"alice\""))
        #expect(
          eventually {
            pool.process.stderrSoFar.contains("auth_query failed: permission denied for view pg_shadow")
          })
        try direct.execute("GRANT SELECT ON pg_shadow TO pooler")
        #expect(who(pool, "alice", "first") == "alice")
        // Its connection is lost: the next one is opened, and the question asked again.
        try direct.execute(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pooler' AND query ~ 'pg_shadow'"
        )
        #expect(who(pool, "alice", "first") == "alice")
      }
    }
  }

  @Test("auth_dbname says where to ask, for all databases or for one; auth_file's users are not looked up")
  func places() throws {
    try withServer { server, direct in
      let folder = FileManager.default.temporaryDirectory.appending(path: "lookups-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      try direct.execute("CREATE DATABASE bare")
      // Only the first database has the function.
      let config = folder.appending(path: "dbtool.toml").path
      try "\"pooler\" \"pooling\"\n\"later\" \"other\"\n".write(
        toFile: folder.appending(path: "userlist.txt").path, atomically: true, encoding: .utf8)
      try """
      [pool]
      auth_file = "userlist.txt"
      auth_user = "pooler"
      auth_query = "SELECT * FROM public.user_lookup($1)"
      auth_dbname = "bare"
      [[pool.databases]]
      name = "here"
      target_database = "\(server.database ?? "")"
      [[pool.databases]]
      name = "bare"
      auth_dbname = "here"
      [[pool.databases]]
      name = "nowhere"
      target_database = "bare"
      """.write(toFile: config, atomically: true, encoding: .utf8)
      try PoolProcess.with(asPooler(server), ["--config", config]) { pool in
        #expect(who(pool, "alice", "first", "bare") == "alice")
        #expect(who(pool, "alice", "first", "nowhere").contains("password authentication failed"))
        #expect(pool.process.stderrSoFar.contains("function public.user_lookup(unknown) does not exist"))
        #expect(who(pool, "later", "first", "bare").contains("password authentication failed"))
      }
    }
  }

  @Test("what cannot work is refused at the start, at its place")
  func refused() throws {
    try SharedPostgres.withDatabase { server in
      for (flags, words) in [
        (["--auth-query", "SELECT 1, $1"], "--auth-query needs auth_user"),
        (["--auth-user", "nobody"], "--auth-user names \"nobody\", of whom no password is known"),
        (["--auth-user", "postgres", "--auth-query", "SELECT 1"], "--auth-query has no $1"),
        (
          ["--auth-user", "postgres", "--max-connections", "1"],
          "--max-connections is 1, and auth_user needs one"
        ),
      ] {
        let result = try runDBTool(
          ["pool", "--listen", "127.0.0.1:0", "--http-listen", ""] + flags,
          environment: ["DATABASE_URL": server.testURL])
        #expect(result.status == 64)
        #expect(result.stderr.contains(words), "\(result.stderr)")
      }
    }
  }
}
