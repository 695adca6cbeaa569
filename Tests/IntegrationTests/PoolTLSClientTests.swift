import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("TLS between clients and the pool") struct PoolTLSClientTests {
  /// Runs `body` beside a pool with a certificate for `localhost`.
  private func withPool(
    _ mode: String, backends: Int = 2, _ flags: [String] = [],
    _ body: (PoolProcess, TestCertificates) throws -> Void
  ) throws {
    let certificates = try TestCertificates()
    try certificates.make("pool", commonName: "localhost", hosts: "DNS:localhost,IP:127.0.0.1")
    let files = [
      "--tls-mode", mode, "--tls-cert-file", certificates.file("pool.crt"), "--tls-key-file",
      certificates.file("pool.key"),
    ]
    try SharedPostgres.withDatabase {
      try PoolProcess.with($0, backends: backends, files + flags) { try body($0, certificates) }
    }
  }

  private func refusal(_ pool: PoolProcess, _ parameters: [String: String]) -> String? {
    do {
      _ = try pool.connect(parameters)
      return nil
    } catch {
      return (error as? Failure)?.what ?? "\(error)"
    }
  }

  /// psql's status and output.
  private func psql(
    _ pool: PoolProcess, _ way: String, _ commands: [String]
  ) throws -> (status: Int32, output: String) {
    let url = pool.target.testURL(way)
    return try PoolProgram(
      PoolProgram.postgres("psql"),
      ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url] + commands.flatMap { ["-c", $0] },
      databaseURL: url
    ).finish()
  }

  @Test("a client that ends TLS in order is answered in order, within the login, too")
  func goodbye() throws {
    try withPool("allow") { pool, _ in
      let result = try PoolProgram.driver("tls_goodbye.py", [], databaseURL: pool.target.testURL).finish()
      #expect(result.status == 0, "\(result.output)")
    }
  }

  @Test("psql with verify-full: large results, \\copy both ways, errors that leave the session alive")
  func psql() throws {
    try withPool("require") { pool, certificates in
      let file = certificates.file("goods.txt")
      let result = try psql(
        pool, "sslmode=verify-full&sslrootcert=\(certificates.authority)",
        [
          "\\conninfo",
          "CREATE TABLE goods AS SELECT n AS id, repeat('x', 200) AS text FROM generate_series(1, 100000) AS n",
          "\\copy goods TO '\(file)'", "TRUNCATE goods", "\\copy goods FROM '\(file)'",
          "SELECT count(*), sum(id), sum(length(text)) FROM goods",
          "SELECT length(string_agg(text, '')) FROM goods",
        ])
      #expect(result.status == 0, "\(result.output)")
      #expect(result.output.contains("SSL connection (protocol: TLSv1.3"))
      #expect(result.output.hasSuffix("100000|5000050000|20000000\n20000000\n"))
      #expect(pool.metric("queries_encrypted_total") ?? 0 >= 6)
      let connection = try pool.connect(["sslmode": "require"])
      let rows = try connection.query("SELECT repeat(n::text, 1000) FROM generate_series(1, 5000) AS n")
      #expect(rows.count == 5_000)
      #expect(throws: ServerError.self) { try connection.query("SELECT nonsense") }
      #expect(try connection.query("SELECT 1").first == "1")
      #expect(pool.metric("client_connections_encrypted") == 1)
    }
  }

  @Test(
    "drivers with TLS engines of their own: transactions, prepared statements, COPY and cursors",
    arguments: ["psycopg2_clients.py", "psycopg3_clients.py", "asyncpg_clients.py"])
  func drivers(script: String) throws {
    try withPool("require", backends: 4) { pool, _ in
      let result = try PoolProgram.driver(
        script, ["16"], databaseURL: pool.target.testURL("sslmode=require")
      ).finish()
      #expect(result.status == 0, "\(result.output)")
      #expect(eventually { pool.metric("client_connections_encrypted") == 0 })
    }
  }

  @Test("TLS 1.2 works, TLS 1.1 is refused", arguments: ["TLSv1.2", "TLSv1.1"])
  func versions(version: String) throws {
    try withPool("require") { pool, _ in
      let parameters = [
        "sslmode": "require", "ssl_max_protocol_version": version, "ssl_min_protocol_version": "TLSv1",
      ]
      let refusal = refusal(pool, parameters)
      #expect((refusal == nil) == (version == "TLSv1.2"), "\(refusal ?? "taken")")
    }
  }

  @Test("mode require refuses plain connections in words, mode allow takes both")
  func modes() throws {
    try withPool("require") { pool, _ in
      #expect(refusal(pool, ["sslmode": "disable"])?.contains("the pool takes TLS connections only") == true)
      #expect(refusal(pool, ["sslmode": "prefer"]) == nil)
      let client = try PoolWireClient(port: pool.port)
      let error = #expect(throws: PoolWireClient.Failure.self) { try client.logIn(pool.target) }
      guard case .refused(let fields)? = error else { return }
      #expect(fields.sqlState == "28000")
      #expect(fields.isFatal)
      #expect(pool.metric("refusals_total{reason=\"encryption\"}") == 2)
    }
    try withPool("allow") { pool, _ in
      #expect(refusal(pool, ["sslmode": "disable"]) == nil)
      #expect(refusal(pool, ["sslmode": "require"]) == nil)
    }
  }

  @Test("verify-full wants a certificate of the authority, whose common name is the user's")
  func clientCertificates() throws {
    let certificates = try TestCertificates()
    try certificates.make("postgres", commonName: "postgres")
    try certificates.make("nobody", commonName: "nobody")
    try certificates.make("expired", commonName: "postgres", days: -1)
    for mode in ["verify-ca", "verify-full"] {
      try withPool(mode, ["--tls-ca-file", certificates.authority]) { pool, strangers in
        func attempt(_ name: String, from folder: TestCertificates) -> String? {
          // libpq wants keys that nobody else can read.
          chmod(folder.file("\(name).key"), 0o600)
          return refusal(
            pool,
            [
              "sslmode": "require", "sslcert": folder.file("\(name).crt"),
              "sslkey": folder.file("\(name).key"),
            ])
        }
        #expect(attempt("postgres", from: certificates) == nil)
        let nobody = attempt("nobody", from: certificates)
        if mode == "verify-full" {
          #expect(nobody?.contains("certificate authentication failed for user \"postgres\"") == true)
        } else {
          #expect(nobody == nil)
        }
        #expect(
          refusal(pool, ["sslmode": "require", "sslcert": "/none"])?.contains(
            "connection requires a valid client certificate") == true)
        try strangers.make("postgres", commonName: "postgres")
        #expect(attempt("postgres", from: strangers) != nil)
        #expect(attempt("expired", from: certificates) != nil)
        #expect(
          eventually {
            pool.process.stderrSoFar.contains("certificate has expired")
              && pool.process.stderrSoFar.contains("unable to get local issuer certificate")
          }, "\(pool.process.stderrSoFar)")
      }
    }
  }

  @Test("plain bytes behind the request are refused, garbage in place of a handshake ends the connection")
  func garbage() throws {
    try withPool("allow") { pool, _ in
      let early = try PoolWireClient(port: pool.port)
      try early.send {
        $0.sslRequest()
        $0.startup(parameters: [StartupParameter("user", "postgres")])
      }
      #expect(try early.lastWords().error?.sqlState == "08P01")

      let broken = try PoolWireClient(port: pool.port)
      try broken.send { $0.sslRequest() }
      #expect(try broken.nextByte() == UInt8(ascii: "S"))
      try broken.sendStartup(pool.target)
      // An alert, which is no message, and the end.
      #expect(try broken.lastWords().error == nil)

      let vanished = try PoolWireClient(port: pool.port)
      try vanished.send { $0.sslRequest() }
      #expect(try vanished.nextByte() == UInt8(ascii: "S"))
      // The beginning of a ClientHello.
      try vanished.send([0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3])
      vanished.vanish()

      let gss = try PoolWireClient(port: pool.port)
      try gss.send { $0.gssRequest() }
      #expect(try gss.nextByte() == UInt8(ascii: "N"))
      try gss.send { $0.sslRequest() }
      #expect(try gss.nextByte() == UInt8(ascii: "S"))
      gss.close()

      #expect(eventually { pool.metric("client_connections_encrypted") == 0 })
      try pool.expectClean()
    }
  }

  @Test("SCRAM-SHA-256-PLUS: a login that is tied to the pool's certificate")
  func channelBinding() throws {
    try withPool("allow") { pool, _ in
      #expect(refusal(pool, ["sslmode": "require", "channel_binding": "require"]) == nil)
      #expect(refusal(pool, ["sslmode": "require", "channel_binding": "disable"]) == nil)
      #expect(refusal(pool, ["sslmode": "disable", "channel_binding": "require"]) != nil)
      var wrong = pool.target
      wrong.password = Secret("not it")
      wrong.parameters.merge(["sslmode": "require", "channel_binding": "require"]) { _, new in new }
      let error = #expect(throws: Failure.self) { try wrong.connect() }
      #expect(error?.what.contains("password authentication failed for user \"postgres\"") == true)
    }
  }

  @Test("a handshake that is never finished ends at login_timeout")
  func slowHandshake() throws {
    try withPool("allow", ["--login-timeout", "300ms"]) { pool, _ in
      let client = try PoolWireClient(port: pool.port)
      try client.send { $0.sslRequest() }
      #expect(try client.nextByte() == UInt8(ascii: "S"))
      #expect(throws: PoolWireClient.Failure.ended) { _ = try client.nextByte() }
      #expect(pool.metric("refusals_total{reason=\"login_timeout\"}") == 1)
    }
  }

  @Test(
    "SIGHUP reads the certificate again: old connections go on, new ones see the new, a bad file changes nothing"
  )
  func reload() throws {
    try withPool("require") { pool, certificates in
      let old = try pool.connect(["sslmode": "require"])
      let next = try TestCertificates()
      try next.make("pool", commonName: "localhost", hosts: "DNS:localhost,IP:127.0.0.1")
      let trusting = ["sslmode": "verify-full", "sslrootcert": next.authority]
      #expect(refusal(pool, trusting)?.contains("certificate verify failed") == true)

      func replace(_ name: String, by text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: certificates.file(name)))
      }
      try replace("pool.crt", by: "no certificate")
      pool.process.send(SIGHUP)
      #expect(eventually { pool.process.stderrSoFar.contains("the certificates in use stay") })
      #expect(refusal(pool, ["sslmode": "verify-full", "sslrootcert": certificates.authority]) == nil)

      try replace("pool.crt", by: try next.text("pool.crt"))
      try replace("pool.key", by: try next.text("pool.key"))
      pool.process.send(SIGHUP)
      #expect(eventually { refusal(pool, trusting) == nil })
      #expect(try old.query("SELECT 1").first == "1")
    }
  }

  @Test("a pool whose certificate cannot be used does not start, and says which file and why")
  func badFiles() throws {
    let certificates = try TestCertificates()
    try certificates.make("pool", commonName: "localhost")
    try certificates.make("other", commonName: "localhost")
    for (certificate, key, words) in [
      ("none.crt", "pool.key", "none.crt cannot be read: No such file or directory"),
      ("pool.key", "pool.key", "pool.key holds no usable certificate"),
      ("pool.crt", "other.key", "other.key holds no usable key for that certificate"),
    ] {
      let result = try runDBTool(
        [
          "pool", "--listen", "127.0.0.1:0", "--http-listen", "", "--tls-mode", "require", "--tls-cert-file",
          certificates.file(certificate), "--tls-key-file", certificates.file(key),
        ], environment: ["DATABASE_URL": "postgres://a:b@127.0.0.1:1/x"])
      #expect(result.status == 1)
      #expect(result.stderr.contains(words), "\(result.stderr)")
      #expect(result.stderr.contains("hint: "))
    }
  }
}
