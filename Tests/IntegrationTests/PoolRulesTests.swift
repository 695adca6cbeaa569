import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("auth_hba_file") struct PoolRulesTests {
  /// A pool with these rules, on TCP with TLS and on a Unix socket in `certificates.folder`.
  private func withRules(
    _ text: String, _ body: (PoolProcess, TestCertificates, String) throws -> Void
  ) throws {
    let certificates = try TestCertificates()
    try certificates.make("pool", commonName: "localhost", hosts: "DNS:localhost,IP:127.0.0.1")
    let rules = certificates.file("pool_hba.conf")
    try text.write(toFile: rules, atomically: true, encoding: .utf8)
    try SharedPostgres.withDatabase { database in
      try PoolProcess.with(
        database, backends: 2,
        [
          "--auth-hba-file", rules, "--listen", "unix:\(certificates.folder.path)", "--tls-mode", "allow",
          "--tls-cert-file", certificates.file("pool.crt"), "--tls-key-file", certificates.file("pool.key"),
          "--tls-ca-file", certificates.authority,
        ]
      ) { try body($0, certificates, rules) }
    }
  }

  /// What is said to who wants in; `nil` when it is in.
  private func refusal(
    _ pool: PoolProcess, _ parameters: [String: String] = [:],
    _ change: (inout DatabaseTarget) -> Void = { _ in }
  ) -> String? {
    var target = pool.target
    target.parameters.merge(parameters) { _, new in new }
    change(&target)
    if target.host?.hasPrefix("/") == true { target.parameters["hostaddr"] = nil }
    do {
      return try target.connect().query("SELECT 1").first == "1" ? nil : "no answer"
    } catch {
      return (error as? Failure)?.what ?? "\(error)"
    }
  }

  @Test("the first rule that fits decides, in PostgreSQL's words")
  func words() throws {
    try withRules(
      """
      host all rejected all reject
      hostssl all postgres 127.0.0.1/32 scram-sha-256
      """
    ) { pool, certificates, rules in
      let name = pool.target.database ?? ""
      #expect(refusal(pool, ["sslmode": "require"]) == nil)
      #expect(
        refusal(pool, ["sslmode": "disable"])?.contains(
          "no pg_hba.conf entry for host \"127.0.0.1\", user \"postgres\", database \"\(name)\", no encryption"
        )
          == true)
      // Before anything is asked of the client.
      let client = try PoolWireClient(port: pool.port)
      var rejected = pool.target
      rejected.user = "rejected"
      try client.sendStartup(rejected)
      let answer = try client.lastWords()
      #expect(answer.tags == "E")
      #expect(answer.error?.sqlState == "28000")
      #expect(
        answer.error?.message
          == "pg_hba.conf rejects connection for host \"127.0.0.1\", user \"rejected\", database \"\(name)\", no encryption"
      )
      #expect(
        refusal(pool) { $0.host = certificates.folder.path }?.contains(
          "no pg_hba.conf entry for host \"[local]\", user \"postgres\"") == true)
      #expect(pool.metric("refusals_total{reason=\"rule\"}") == 3)

      // A file that cannot be understood changes nothing; one that can, at once.
      try "host all all all nonsense".write(toFile: rules, atomically: true, encoding: .utf8)
      pool.process.send(SIGHUP)
      #expect(eventually { pool.process.stderrSoFar.contains("\(rules):1: invalid authentication method") })
      #expect(refusal(pool, ["sslmode": "require"]) == nil)
      try "host all all all md5".write(toFile: rules, atomically: true, encoding: .utf8)
      pool.process.send(SIGHUP)
      #expect(eventually { refusal(pool, ["sslmode": "disable"]) == nil })
      #expect(
        refusal(pool) { $0.password = Secret("wrong") }?.contains("password authentication failed") == true)
    }
  }

  @Test("peer asks the kernel, trust nobody, and cert the certificate")
  func withoutPassword() throws {
    let me = NSUserName()
    try withRules(
      """
      local all \(me == "postgres" ? "postgres" : "nobody") peer
      local all postgres peer
      hostssl all all all cert
      """
    ) { pool, certificates, rules in
      let byPeer = refusal(pool) {
        $0.host = certificates.folder.path
        $0.password = nil
      }
      // Tests run as root in one place and as postgres in another.
      if me == "postgres" {
        #expect(byPeer == nil)
      } else {
        #expect(
          byPeer?.contains("Peer authentication failed for user \"postgres\"") == true, "\(byPeer ?? "in")")
      }
      func show(_ name: String) -> [String: String] {
        chmod(certificates.file("\(name).key"), 0o600)
        return [
          "sslmode": "require", "sslcert": certificates.file("\(name).crt"),
          "sslkey": certificates.file("\(name).key"),
        ]
      }
      try certificates.make("postgres", commonName: "postgres")
      try certificates.make("other", commonName: "other")
      #expect(refusal(pool, show("postgres")) { $0.password = nil } == nil)
      #expect(
        refusal(pool, show("other")) { $0.password = nil }?.contains(
          "certificate authentication failed for user \"postgres\"") == true)
      #expect(
        refusal(pool, ["sslmode": "require", "sslcert": "/none"])?.contains(
          "connection requires a valid client certificate") == true)
      try "local all all trust".write(toFile: rules, atomically: true, encoding: .utf8)
      pool.process.send(SIGHUP)
      #expect(
        eventually {
          refusal(pool) {
            $0.host = certificates.folder.path
            $0.password = nil
          } == nil
        })
      // Nobody comes in whom the pool does not know.
      #expect(
        refusal(pool) {
          $0.host = certificates.folder.path
          $0.user = "stranger"
        }?.contains("password authentication failed for user \"stranger\"") == true)
    }
  }

  @Test("a pool whose rules cannot be understood does not start, and says where")
  func badFile() throws {
    let rules = FileManager.default.temporaryDirectory.appending(path: "hba-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: rules) }
    try "local all all peer\nhost all all example.com md5\n".write(
      toFile: rules, atomically: true, encoding: .utf8)
    let result = try runDBTool(
      ["pool", "--auth-hba-file", rules, "--listen", "127.0.0.1:0", "--http-listen", ""],
      environment: ["DATABASE_URL": "postgres://a:b@127.0.0.1/x"])
    #expect(result.status == 1)
    #expect(
      result.stderr.contains(
        "error: \"example.com\" is no address: host names are not served\n  at \(rules):2\n"))
  }
}
