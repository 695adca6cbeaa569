import DatabaseTools
import LibPQ
import TestSupport

/// A throwaway server of its own that speaks TLS, for as long as `body` runs.
///
/// Its certificate is for `localhost` and 127.0.0.1. Nobody comes into the database `only_tls` without TLS, nor into
/// `only_plain` with it. The roles `old_plain` and `old_md5` log in by these methods, with the password `secret`.
enum EncryptedPostgres {
  static func with(
    _ certificate: String = "server", _ body: (DatabaseTarget, TestCertificates) throws -> Void
  ) throws {
    let certificates = try TestCertificates()
    try certificates.make("server", commonName: "localhost", hosts: "DNS:localhost,IP:127.0.0.1")
    try certificates.make(
      "expired", commonName: "localhost", hosts: "DNS:localhost,IP:127.0.0.1", days: -1)
    try certificates.make("other", commonName: "db.test", hosts: "DNS:db.test")
    let server = try EphemeralServer.start(settings: EphemeralSettings())
    defer { server.stop() }
    let connection = try server.target.connect()
    let folder = try connection.query("SHOW data_directory").first ?? ""
    // Written by the server itself, since it takes no key that is another's.
    func write(_ text: String, to name: String) throws {
      try connection.execute(
        "COPY (SELECT unnest(string_to_array('\(text)', E'\\n'))) TO PROGRAM 'umask 077; cat > \(folder)/\(name)'"
      )
    }
    try write(try certificates.text("\(certificate).crt"), to: "server.crt")
    try write(try certificates.text("\(certificate).key"), to: "server.key")
    try write(
      """
      host all old_plain all password
      host all old_md5 all md5
      hostssl only_tls all all scram-sha-256
      hostnossl only_plain all all scram-sha-256
      host only_tls,only_plain all all reject
      host all all all scram-sha-256
      """, to: "pg_hba.conf")
    try connection.execute("CREATE ROLE old_plain LOGIN PASSWORD 'secret'")
    try connection.execute("SET password_encryption = md5")
    try connection.execute("CREATE ROLE old_md5 LOGIN PASSWORD 'secret'")
    try connection.execute("CREATE DATABASE only_tls")
    try connection.execute("CREATE DATABASE only_plain")
    try connection.execute("ALTER SYSTEM SET ssl = on")
    try connection.execute("SELECT pg_reload_conf()")
    var target = server.target
    target.parameters["sslmode"] = "require"
    guard eventually({ (try? target.connect()) != nil }) else {
      throw PoolProcess.NotReady(stderr: server.logTail.joined(separator: "\n"))
    }
    try body(server.target, certificates)
  }
}
