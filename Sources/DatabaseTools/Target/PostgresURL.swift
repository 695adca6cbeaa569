/// `postgres://` and `postgresql://` URLs. Source: PostgreSQL manual, "Connection URIs".
enum PostgresURL {
  static func source(_ url: String, from name: String, known: [String]) throws(Failure) -> TargetSource {
    var result = TargetSource(name: name)
    guard let scheme = url.firstRange(of: "://") else { throw .usage("\(name) is not a URL") }
    let body = url[scheme.upperBound...]
    let end = body.firstIndex { $0 == "/" || $0 == "?" } ?? body.endIndex
    var authority = body[..<end]
    let isSuspicious = URLParts.mayHoldPassword(authority: authority, rest: body[end...])

    if let at = authority.firstIndex(of: "@") {
      let login = authority[..<at]
      authority = authority[authority.index(after: at)...]
      if authority.contains("@") {
        throw .usage("\(name): there is more than one @ before the host", hint: URLParts.encodingHint)
      }
      let colon = login.firstIndex(of: ":") ?? login.endIndex
      result.set("user", try URLParts.decoded(login[..<colon], "user", of: name))
      result.set("password", try URLParts.decoded(login[colon...].dropFirst(), "password", of: name))
    }
    if !authority.isEmpty {
      let (hosts, ports) = try URLParts.hosts(authority, of: name)
      result.set("host", hosts.count == 1 ? hosts[0] : hosts.joined(separator: ","))
      if ports.contains(where: { !$0.isEmpty }) { result.set("port", ports.joined(separator: ",")) }
    }
    var rest = body[end...]
    if rest.hasPrefix("/") {
      let question = rest.firstIndex(of: "?") ?? rest.endIndex
      result.set("dbname", try URLParts.decoded(rest[..<question].dropFirst(), "database", of: name))
      rest = rest[question...]
    }
    for (key, value) in try URLParts.query(rest.dropFirst(), of: name) {
      try take(key, value, into: &result, hideNames: isSuspicious, known: known)
    }
    try LibPQParameter.check(result)
    return result
  }

  private static func take(
    _ key: String, _ value: String, into result: inout TargetSource, hideNames: Bool, known: [String]
  ) throws(Failure) {
    // JDBC's spelling, which libpq takes in its URLs too.
    if key == "ssl", value == "true" {
      result.set("sslmode", "require")
      return
    }
    guard known.contains(key) else {
      let shown = hideNames ? "a parameter" : URLParts.shown(key)
      throw .usage(
        "\(result.name): libpq has no parameter \(shown)",
        hint: hideNames
          ? URLParts.encodingHint : "the manual's chapter \"Parameter Key Words\" lists them all")
    }
    result.set(key, value)
  }
}
