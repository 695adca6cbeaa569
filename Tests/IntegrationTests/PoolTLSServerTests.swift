import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("TLS between the pool and the server") struct PoolTLSServerTests {
  /// Whether the pool's backend is encrypted, as the server sees it; or why there is none.
  private func backendUsesTLS(_ pool: PoolProcess) -> String {
    do {
      return try pool.connect().query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").first ?? ""
    } catch {
      return (error as? Failure)?.what ?? "\(error)"
    }
  }

  private func withPool(
    _ database: DatabaseTarget, _ name: String? = nil, way: String, _ body: (PoolProcess) throws -> Void
  ) throws {
    var database = database
    if let name { database.database = name }
    let pool = try PoolProcess(database, backends: 2, way: way)
    defer {
      pool.process.send(SIGTERM)
      #expect(eventually { !pool.process.isRunning })
      if pool.process.isRunning { pool.process.send(SIGKILL) }
    }
    try #require(eventually { pool.page("/livez")?.status == 200 })
    try body(pool)
  }

  @Test("every sslmode does what libpq does with it; large results and COPY go through")
  func modes() throws {
    try EncryptedPostgres.with { server, certificates in
      let authority = "sslrootcert=\(certificates.authority)"
      for (way, database, answer) in [
        ("sslmode=disable", "postgres", "f"), ("sslmode=allow", "postgres", "f"),
        ("sslmode=prefer", "postgres", "t"), ("sslmode=require", "postgres", "t"),
        ("sslmode=verify-ca&\(authority)", "postgres", "t"),
        ("sslmode=verify-full&\(authority)", "postgres", "t"),
        // The server refuses the first way by its rules; the other is taken.
        ("sslmode=prefer", "only_plain", "f"), ("sslmode=allow", "only_tls", "t"),
      ] {
        try withPool(server, database, way: way) { pool in
          #expect(backendUsesTLS(pool) == answer, "\(way) to \(database)")
          // A second backend begins with the way that worked.
          try pool.holding(2) {}
          #expect(pool.metric("backends_encrypted") == (answer == "t" ? 2 : 0))
        }
      }
      for (way, database, words) in [
        ("sslmode=require", "only_plain", "no pg_hba.conf entry"),
        ("sslmode=disable", "only_tls", "no pg_hba.conf entry"),
      ] {
        try withPool(server, database, way: way) { pool in
          let answer = backendUsesTLS(pool)
          #expect(
            answer.contains(words) || answer.contains("pg_hba.conf rejects"),
            "\(way) to \(database): \(answer)")
        }
      }
      try withPool(server, way: "sslmode=verify-full&\(authority)") { pool in
        let result = try PoolProgram.driver("psycopg3_clients.py", ["12"], databaseURL: pool.target.testURL)
          .finish()
        #expect(result.status == 0, "\(result.output)")
        let connection = try pool.connect()
        let rows = try connection.query("SELECT repeat(n::text, 1000) FROM generate_series(1, 5000) AS n")
        #expect(rows.count == 5_000)
      }
    }
  }

  @Test("channel binding, md5 and clear-text passwords: how the pool logs in at servers old and new")
  func methods() throws {
    try EncryptedPostgres.with { server, _ in
      try withPool(server, way: "sslmode=require&channel_binding=require") {
        #expect(backendUsesTLS($0) == "t")
      }
      try withPool(server, way: "sslmode=disable&channel_binding=require") {
        #expect(backendUsesTLS($0).contains("the server does not authenticate with channel binding"))
      }
      for role in ["old_plain", "old_md5"] {
        var old = server
        old.user = role
        old.password = Secret("secret")
        for way in ["sslmode=disable", "sslmode=require"] {
          try withPool(old, way: way) {
            #expect(backendUsesTLS($0) == (way == "sslmode=require" ? "t" : "f"))
          }
        }
        old.password = Secret("not it")
        try withPool(old, way: "sslmode=require") {
          #expect(backendUsesTLS($0).contains("password authentication failed for user \"\(role)\""))
        }
        old.password = Secret("secret")
        try withPool(old, way: "sslmode=require&channel_binding=require") {
          #expect(backendUsesTLS($0).contains("the server does not authenticate with channel binding"))
        }
      }
    }
  }

  @Test("a server without TLS: prefer goes on, require says so at once")
  func withoutTLS() throws {
    try SharedPostgres.withDatabase { database in
      try withPool(database, way: "sslmode=prefer") { #expect(backendUsesTLS($0) == "f") }
      try withPool(database, way: "sslmode=require") { pool in
        let answer = backendUsesTLS(pool)
        #expect(
          answer.contains("the server does not support TLS, but sslmode=require asks for it"), "\(answer)")
        #expect(pool.page("/readyz")?.status == 503)
      }
    }
  }

  @Test(
    "a certificate of another authority, of another host, or out of date is refused, and the reason is told")
  func distrust() throws {
    let strangers = try TestCertificates()
    for (certificate, mode, words) in [
      ("server", "stranger", "unable to get local issuer certificate"),
      ("expired", "verify-ca", "certificate has expired"),
      (
        "other", "verify-full",
        "the server's certificate, of \"db.test\", does not match host name \"127.0.0.1\""
      ),
    ] {
      try EncryptedPostgres.with(certificate) { server, certificates in
        let way =
          mode == "stranger"
          ? "sslmode=verify-full&sslrootcert=\(strangers.authority)"
          : "sslmode=\(mode)&sslrootcert=\(certificates.authority)"
        try withPool(server, way: way) { pool in
          #expect(backendUsesTLS(pool).contains(words), "\(pool.process.stderrSoFar)")
          #expect(eventually { pool.process.stderrSoFar.contains("hint=") })
        }
        if certificate == "other" {
          // verify-ca does not look at the name.
          try withPool(server, way: "sslmode=verify-ca&sslrootcert=\(certificates.authority)") {
            #expect(backendUsesTLS($0) == "t")
          }
        }
      }
    }
  }

  @Test(
    "pool behind pool: direct TLS by ALPN, and a cancel goes over TLS all the way", arguments: [false, true])
  func chain(isDirect: Bool) throws {
    try EncryptedPostgres.with { server, certificates in
      let tls = [
        "--tls-mode", "require", "--tls-cert-file", certificates.file("server.crt"), "--tls-key-file",
        certificates.file("server.key"),
      ]
      let way = "sslmode=verify-full&sslrootcert=\(certificates.authority)"
      try PoolProcess.with(server, backends: 2, tls, way: way) { inner in
        let negotiation = ["PGSSLNEGOTIATION": isDirect ? "direct" : ""]
        try PoolProcess.with(inner.target, backends: 2, way: way, variables: negotiation) { outer in
          let client = try outer.wireClient()
          try client.send { $0.query("SELECT pg_sleep(600)") }
          let isRunning = try eventually {
            try inner.direct().query(
              "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND state = 'active' AND pid <> pg_backend_pid()"
            ).first == "1"
          }
          #expect(isRunning)
          let canceller = try PoolWireClient(port: outer.port)
          try canceller.send { $0.cancelRequest(processID: client.key.processID, key: client.key.key) }
          #expect(try client.reply().error?.sqlState == "57014")
          #expect(try client.query("SELECT 1").value == "1")
          #expect(inner.metric("cancels_forwarded_total") == 1)
          #expect(inner.metric("client_connections_encrypted") ?? 0 >= 1)
          #expect(inner.metric("backends_encrypted") ?? 0 >= 1)
        }
      }
    }
  }
}
