private import LibPQ

/// The database a command works on. What is nil is left to libpq: `PG*`, service file, `~/.pgpass`, its defaults.
package struct DatabaseTarget: Sendable, Equatable, CustomStringConvertible {
  /// A name, an address, a socket's folder (begins with `/`), or several of these with commas between.
  package var host: String?
  /// 1 to 65535 as text; with several hosts as many, with commas between.
  package var port: String?
  package var database: String?
  package var user: String?
  package var password: Secret?
  /// Any other libpq parameter (`sslmode`, `connect_timeout`, …) by name.
  package var parameters: [String: String]
  /// What the user should know about how this came about, one sentence each.
  package var notes: [String] = []

  package init(
    host: String? = nil, port: String? = nil, database: String? = nil, user: String? = nil,
    password: Secret? = nil, parameters: [String: String] = [:]
  ) {
    self.host = host
    self.port = port
    self.database = database
    self.user = user
    self.password = password
    self.parameters = parameters
  }

  /// The parameters for a connection. `applicationName` is only a fallback: `PGAPPNAME` or the URL may say
  /// otherwise. Texts travel as UTF-8, whatever `PGCLIENTENCODING` says, because that is what Swift reads.
  package func libpqParameters(applicationName: String) -> [(String, String)] {
    var result: [(String, String)] = []
    if let host { result.append(("host", host)) }
    if let port { result.append(("port", port)) }
    if let database { result.append(("dbname", database)) }
    if let user { result.append(("user", user)) }
    if let password { result.append(("password", password.reveal)) }
    result += parameters.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    result.append(("fallback_application_name", applicationName))
    result.append(("client_encoding", "UTF8"))
    return result
  }

  /// `shop at db.internal:5432 as app`: for people, on stderr. Never the password. What libpq would fill in is
  /// filled in, so that the line names the database that is really meant.
  package var description: String { description(defaults: ConnectionParameters.resolvedDefaults) }

  /// As `description`, with libpq's defaults (by parameter name) handed in.
  package func description(defaults: [String: String]) -> String {
    let service = parameters["service"].map { " (service \($0))" } ?? ""
    let user = user ?? defaults["user"]
    let database = database ?? defaults["dbname"] ?? user ?? "the default database"
    let port = port ?? defaults["port"] ?? "5432"
    let host = host ?? parameters["hostaddr"] ?? defaults["host"] ?? defaults["hostaddr"]
    return "\(database) at \(Self.address(host, port)) as \(user ?? "the default user")\(service)"
  }

  private static func address(_ host: String?, _ port: String) -> String {
    guard let host, !host.isEmpty else { return "the local socket (port \(port))" }
    let hosts = host.split(separator: ",", omittingEmptySubsequences: false)
    let ports = port.split(separator: ",", omittingEmptySubsequences: false)
    return hosts.enumerated().map { index, host in
      let port = ports.count > 1 && index < ports.count ? ports[index] : ports.first ?? "5432"
      if host.hasPrefix("/") { return "\(host) (port \(port))" }
      return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }.joined(separator: ",")
  }
}
