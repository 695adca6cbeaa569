/// What one place (a URL, a file, a flag) says about the database. What is nil it leaves to the next place.
package struct TargetSource: Sendable, Equatable {
  /// How messages call it: `--url`, `FLYWAY_URL`, `flyway.toml`.
  package var name: String
  package var host: String?
  package var port: String?
  package var database: String?
  package var user: String?
  package var password: Secret?
  /// Other libpq parameters by name.
  package var parameters: [String: String] = [:]
  /// What was accepted but has no effect here, one sentence each.
  package var notes: [String] = []

  package init(name: String) { self.name = name }

  package init(
    name: String, host: String? = nil, port: String? = nil, database: String? = nil, user: String? = nil,
    password: Secret? = nil
  ) {
    self.name = name
    self.host = host
    self.port = port
    self.database = database
    self.user = user
    self.password = password
  }

  /// Whether it says which server is meant. Then its `sslmode` and the like belong to that server.
  var namesServer: Bool {
    host != nil || parameters["hostaddr"] != nil || parameters["service"] != nil
  }

  /// Puts a libpq parameter where it belongs. An empty value says nothing, as libpq has it.
  mutating func set(_ parameter: String, _ value: String) {
    guard !value.isEmpty else { return }
    switch parameter {
    case "host": host = value
    case "port": port = value
    case "dbname": database = value
    case "user": user = value
    case "password": password = Secret(value)
    default: parameters[parameter] = value  // the names are an open set: libpq's
    }
  }
}

extension TargetSource {
  /// Reads any form of `--url`: `postgres://`, `postgresql://`, `jdbc:postgresql:`, or `key=value …`.
  /// - Parameter known: the names of the parameters that this machine's libpq takes.
  /// - Throws: `Failure` that says what is wrong where, and never repeats the text, which may hold a password.
  package static func reading(
    _ text: String, from name: String, known: [String]
  ) throws(Failure) -> TargetSource {
    let text = String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    let start = text.lowercased()
    if start.hasPrefix("jdbc:") { return try JDBCURL.source(text, from: name, known: known) }
    if start.hasPrefix("postgres://") || start.hasPrefix("postgresql://") {
      return try PostgresURL.source(text, from: name, known: known)
    }
    if let scheme = scheme(of: text) {
      throw .usage(
        "\(name) is a \(scheme) URL, not a PostgreSQL one",
        hint: "write postgresql://USER@HOST:PORT/DATABASE or jdbc:postgresql://HOST:PORT/DATABASE")
    }
    if text.contains("=") { return try KeyValueString.source(text, from: name, known: known) }
    throw .usage(
      text.isEmpty ? "\(name) is empty" : "\(name) is neither a URL nor a list of key=value",
      hint: "write postgresql://USER@HOST:PORT/DATABASE, or 'host=HOST dbname=DATABASE user=USER'")
  }

  /// The scheme when the text begins like a URL. Only letters, digits and `+.-`: never part of a password.
  private static func scheme(of text: String) -> String? {
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
    let scheme = text[..<colon]
    let fits = scheme.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "-"):
        true
      default: false
      }
    }
    return fits && !scheme.isEmpty && scheme.utf8.count <= 30 ? String(scheme) : nil
  }
}
