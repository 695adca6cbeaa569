private import Glibc

extension EphemeralServer {
  /// The variables that lead a program to this server: `DATABASE_URL` and `PG*`.
  package var environment: [String: String] {
    [
      "DATABASE_URL": url, "PGHOST": target.host ?? "", "PGPORT": target.port ?? "",
      "PGUSER": target.user ?? "", "PGPASSWORD": target.password?.reveal ?? "",
      "PGDATABASE": target.database ?? "", "PGSSLMODE": "disable",
    ]
  }

  /// `sslmode` is named because some drivers (Go's lib/pq) insist on TLS when a URL does not speak of it. The
  /// password is hexadecimal: nothing in it needs encoding.
  private var url: String {
    let login = "\(target.user ?? ""):\(target.password?.reveal ?? "")"
    return
      "postgresql://\(login)@\(target.host ?? ""):\(target.port ?? "")/\(target.database ?? "")?sslmode=disable"
  }

  /// `outer` for a child that is to work on this server and no other: what could lead it, or a `dbtool` or a
  /// Flyway inside it, to another database is taken out.
  package func environment(over outer: [String: String]) -> [String: String] {
    var result = outer.filter { name, _ in
      !Self.leadingElsewhere.contains(name) && !name.hasPrefix("FLYWAY_JDBC_PROPERTIES_")
    }
    result.merge(environment) { _, own in own }
    return result
  }

  /// Takes the same variables out of this process, whose own libpq reads them too: a `PGSERVICE` that is not
  /// defined stops every connection. For commands that know no other server, before any thread is made.
  package static func forgetOtherServers() {
    for name in leadingElsewhere { unsetenv(name) }
  }

  private static let leadingElsewhere: Set<String> = [
    "PGHOSTADDR", "PGSERVICE", "PGPASSFILE", "PGREQUIRESSL", "PGSSLNEGOTIATION", "PGSSLCERT", "PGSSLKEY",
    "PGSSLROOTCERT", "PGCHANNELBINDING", "PGREQUIREAUTH", "PGREQUIREPEER", "PGGSSENCMODE",
    "PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS",
    "FLYWAY_URL", "FLYWAY_USER", "FLYWAY_PASSWORD", "DBTOOL_SECRET_FILE",
  ]
}
