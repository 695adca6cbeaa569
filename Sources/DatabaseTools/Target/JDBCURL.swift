/// pgjdbc's URLs. Source: pgJDBC documentation, "Connecting to the Database".
///
/// Unlike libpq, pgjdbc takes an absent host for `localhost` and an absent port for 5432, whatever `PG*` says;
/// a Flyway command line has to mean the same here.
enum JDBCURL {
  static func source(_ url: String, from name: String, known: [String]) throws(Failure) -> TargetSource {
    var result = TargetSource(name: name)
    let prefix = "jdbc:postgresql:"
    guard url.lowercased().hasPrefix(prefix) else {
      let driver = url.dropFirst("jdbc:".count).prefix { $0.isLetter || $0.isNumber || $0 == "-" }
      throw .usage(
        "\(name): jdbc:\(driver.prefix(30)): is not served, only jdbc:postgresql:",
        hint: "write jdbc:postgresql://HOST:PORT/DATABASE")
    }
    var body = url.dropFirst(prefix.count)
    let question = body.firstIndex(of: "?") ?? body.endIndex
    let query = body[question...].dropFirst()
    body = body[..<question]

    var hosts = ["localhost"]
    var ports = ["5432"]
    if body.hasPrefix("//") {
      body = body.dropFirst(2)
      let slash = body.firstIndex(of: "/") ?? body.endIndex
      let authority = body[..<slash]
      if authority.contains("@") || URLParts.mayHoldPassword(authority: authority, rest: url[slash...]) {
        throw .usage(
          "\(name): a JDBC URL has no user or password in front of the host",
          hint: "give them as -user= and -password=, or as ?user=…&password=…")
      }
      if !authority.isEmpty {
        (hosts, ports) = try URLParts.hosts(authority, of: name)
        hosts = hosts.map { $0.isEmpty ? "localhost" : $0 }
        ports = ports.map { $0.isEmpty ? "5432" : $0 }
      }
      body = body[slash...]
    }
    if body.hasPrefix("/") { body = body.dropFirst() }
    result.set("host", hosts.joined(separator: ","))
    result.set("port", ports.joined(separator: ","))
    result.set("dbname", try URLParts.decoded(body, "database", of: name))
    for (key, value) in try URLParts.query(query, of: name) {
      try JDBCParameter.take(key, value, into: &result, known: known)
    }
    try LibPQParameter.check(result)
    return result
  }
}
