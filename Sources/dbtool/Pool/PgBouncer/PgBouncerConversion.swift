import DatabaseTools

/// A `pgbouncer.ini` as a `dbtool.toml`, and what could not be carried over.
struct PgBouncerConversion: Sendable {
  /// Something that will be different, or is nowhere: for people, in a line.
  struct Difference: Equatable, Sendable {
    /// `auth_type = pam`.
    let what: String
    let why: String
    /// In the ini; 0 for what is not written there.
    let line: Int
  }

  let ini: IniFile
  private var pool: [String] = []
  private var tls: [String] = []
  private var tables: [String] = []
  private var needless: [Difference] = []
  private(set) var differences: [Difference] = []
  private var servers: [Server] = []

  struct Server: Hashable, Sendable {
    var host: String
    var port: String
  }

  /// What is known of an entry of `[databases]`.
  struct Database: Sendable {
    var name: String
    var pairs: [String: String]
    var line: Int
  }

  /// - Throws: `Failure` with the line that cannot be read.
  init(_ ini: IniFile) throws(Failure) {
    self.ini = ini
    let databases = try Self.databases(ini)
    readMain()
    listen()
    authentication()
    poolModeAndSizes(databases)
    encryption()
    readDatabases(databases)
    readUsers()
    readPeers()
    let known = ["pgbouncer", "databases", "users", "peers"]
    for section in ini.sections where !known.contains(section.name) {
      differ("[\(section.name)]", "PgBouncer has no such section", 0)
    }
  }

  // MARK: The text

  /// The configuration; a comment for each key that is not in it.
  var text: String {
    var lines = [
      "# Made from \(Self.comment(ini.path)) by dbtool pool check --convert.",
      "# docs/pool.md says what each key means; dbtool pool check tries them.", "", "[pool]",
    ]
    lines += pool
    if !tls.isEmpty { lines += ["", "[pool.tls]"] + tls }
    lines += tables
    if !differences.isEmpty {
      lines += ["", "# Different from PgBouncer:"] + differences.map(Self.line)
    }
    if !needless.isEmpty { lines += ["", "# Not needed here:"] + needless.map(Self.line) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// For the program itself. Relative paths start from the ini's folder.
  func document() throws(Failure) -> PoolDocument {
    let cut = ini.path.lastIndex(of: "/").map { ini.path.index(after: $0) } ?? ini.path.startIndex
    let path = "\(ini.path[..<cut])dbtool.toml made from \(ini.path[cut...])"
    return try PoolDocument(path: path, text: text)
  }

  private static func line(_ difference: Difference) -> String {
    "# \(comment(difference.what)): \(comment(difference.why))"
  }

  /// Control characters have no place in a comment of TOML.
  private static func comment(_ text: some StringProtocol) -> String { Failure.printable(text) }

  // MARK: Writing

  private mutating func differ(_ what: String, _ why: String, _ line: Int) {
    differences.append(Difference(what: what, why: why, line: line))
  }

  private static func quoted(_ text: some StringProtocol) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case let scalar where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  private static func list(_ texts: [String]) -> String {
    "[" + texts.map { quoted($0) }.joined(separator: ", ") + "]"
  }

  private static func parts(_ text: String) -> [String] {
    text.split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty }
  }

  /// Adds a key with its value where this version serves that, else the difference.
  private mutating func put(_ name: String, _ text: String, from entry: IniFile.Entry) {
    let key = PoolKeys.scalar(name)
    do throws(PoolValueProblem) {
      let value = try key.value(ofText: text)
      if let limit = key.limit, !limit.values.contains(value.plainText) {
        return differ("\(entry.key) = \(entry.value)", limit.hint, entry.line)
      }
      let written: String =
        switch value {
        case .count(let count): String(count)
        case .toggle(let isOn): String(isOn)
        case .list(let texts): Self.list(texts)
        case .text, .milliseconds: Self.quoted(text)
        }
      pool.append("\(name) = \(written)")
    } catch {
      differ("\(entry.key) = \(entry.value)", "\(name) \(error.what)", entry.line)
    }
  }

  // MARK: [pgbouncer]

  private mutating func readMain() {
    var seen: [String: Int] = [:]
    let entries = ini.entries("pgbouncer")
    for (index, entry) in entries.enumerated() { seen[entry.key] = index }
    for (index, entry) in entries.enumerated() where seen[entry.key] == index {
      let what = "\(entry.key) = \(entry.value)"
      switch PgBouncerKeys.main[entry.key] {
      case .same(let name): put(name, entry.value, from: entry)
      case .seconds(let name): put(name, "\(entry.value)s", from: entry)
      case .milliseconds(let name): put(name, "\(entry.value)ms", from: entry)
      case .together: break
      case .needless(let why): needless.append(Difference(what: what, why: why, line: entry.line))
      case .different(let why): differ(what, why, entry.line)
      case nil: differ(what, "PgBouncer has no such key", entry.line)
      }
    }
  }

  private func entry(_ key: String) -> IniFile.Entry? { ini.entries("pgbouncer").last { $0.key == key } }

  private mutating func listen() {
    let port = ini.value("listen_port") ?? "6432"
    var addresses = Self.parts(ini.value("listen_addr") ?? "").map { host in
      host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
    let folder = ini.value("unix_socket_dir") ?? "/tmp"
    if folder.hasPrefix("@") {
      differ(
        "unix_socket_dir = \(folder)", "sockets without a file are not served",
        entry("unix_socket_dir")?.line ?? 0)
    } else if !folder.isEmpty {
      if addresses.isEmpty, port != "6432" {
        differ("listen_port = \(port)", "without a TCP address, the Unix socket's port is 6432", 0)
      }
      addresses.append("unix:\(folder)")
    }
    pool.insert("listen = \(Self.list(addresses))", at: 0)
  }

  private mutating func authentication() {
    let type = entry("auth_type")
    let line = type?.line ?? 0
    let what = "auth_type = \(type?.value ?? "md5")"
    let rules = entry("auth_hba_file")
    switch type?.value ?? "md5" {
    case "md5", "scram-sha-256": break
    case "hba": if let rules { put("auth_hba_file", rules.value, from: rules) }
    case "plain":
      differ(what, "clients log in by SCRAM-SHA-256 or md5, never by a password in clear text", line)
    case "cert":
      differ(what, "tls.mode = \"verify-full\", and auth_hba_file with: hostssl all all all cert", line)
    case "trust", "any":
      differ(what, "nobody comes in without a password, but by a rule of auth_hba_file", line)
    default: differ(what, "it is not served; clients log in by SCRAM-SHA-256, md5, certificate or peer", line)
    }
    if let rules, type?.value != "hba" {
      needless.append(
        Difference(
          what: "auth_hba_file = \(rules.value)", why: "PgBouncer heeds it with auth_type = hba only",
          line: rules.line))
    }
  }

  private mutating func poolModeAndSizes(_ databases: [Database]) {
    let mode = entry("pool_mode")
    switch mode?.value ?? "session" {
    case "statement":
      pool.append("pool_mode = \"transaction\"")
      differ("pool_mode = statement", "transactions of several statements are served", mode?.line ?? 0)
    case let word:
      pool.append("pool_mode = \(Self.quoted(word))" + (mode == nil ? "   # PgBouncer's default" : ""))
    }
    if let lifetime = entry("server_lifetime") {
      if Double(lifetime.value) == 0 {
        differ(
          "server_lifetime = 0", "0 turns the limit off here; PgBouncer closes a connection after one use",
          lifetime.line)
      } else {
        put("server_lifetime", "\(lifetime.value)s", from: lifetime)
      }
    }
    if let statements = entry("max_prepared_statements") {
      if statements.value == "0" {
        differ(
          "max_prepared_statements = 0", "prepared statements always follow their client", statements.line)
      } else {
        put("max_prepared_statements", statements.value, from: statements)
      }
    }
    func number(_ database: Database, _ keys: String..., else fallback: String, _ value: Int) -> Int {
      let own = keys.lazy.compactMap { database.pairs[$0] }.first
      return (own ?? ini.value(fallback)).flatMap { Int($0) } ?? value
    }
    let sizes = databases.map { database in
      let size =
        number(database, "pool_size", else: "default_pool_size", 20)
        + number(database, "reserve_pool_size", "reserve_pool", else: "reserve_pool_size", 0)
      let most = number(database, "max_db_connections", else: "max_db_connections", 0)
      return most > 0 ? min(most, size) : size
    }
    pool.append(
      "max_connections = \(max(1, sizes.reduce(0, +)))   # all pools of PgBouncer together, for one user in each database"
    )
    differ(
      "default_pool_size = \(ini.value("default_pool_size") ?? "20")",
      "PgBouncer opens so many for each user in each database; max_connections is one cap over all",
      entry("default_pool_size")?.line ?? 0)
  }

  private mutating func encryption() {
    let mode = ini.value("client_tls_sslmode") ?? "disable"
    guard mode != "disable" else { return }
    // PgBouncer does not compare the certificate's name in either.
    let word = mode == "prefer" ? "allow" : mode == "verify-full" ? "verify-ca" : mode
    tls.append("mode = \(Self.quoted(word))")
    for name in ["cert_file", "key_file", "ca_file"] {
      if let path = ini.value("client_tls_\(name)") { tls.append("\(name) = \(Self.quoted(path))") }
    }
  }

  // MARK: [databases], [users], [peers]

  private static func databases(_ ini: IniFile) throws(Failure) -> [Database] {
    var databases: [Database] = []
    for entry in ini.entries("databases") {
      guard let pairs = IniFile.pairs(entry.value) else {
        throw Failure(
          "database \(entry.key) has no list of key=value", place: .init(file: ini.path, line: entry.line))
      }
      let isQuoted = entry.key.count > 1 && entry.key.hasPrefix("\"") && entry.key.hasSuffix("\"")
      let name = isQuoted ? entry.key.dropFirst().dropLast().replacing("\"\"", with: "\"") : entry.key[...]
      databases.append(
        Database(
          name: String(name), pairs: Dictionary(pairs.map { ($0.key, $0.value) }) { _, last in last },
          line: entry.line))
    }
    guard !databases.isEmpty else {
      throw Failure("\(ini.path) has no [databases]", hint: "this is where PgBouncer finds its servers")
    }
    return databases
  }

  private mutating func readDatabases(_ databases: [Database]) {
    var queries: Set<String> = []
    var entries: [[String]] = []
    for database in databases {
      let server = Server(
        host: database.pairs["host"] ?? ini.value("unix_socket_dir") ?? "/tmp",
        port: database.pairs["port"] ?? "5432")
      if let first = servers.first, first != server {
        differ(
          "database \(database.name)",
          "it is at another server, \(server.host):\(server.port): start a second pool for it",
          database.line)
        continue
      }
      if servers.isEmpty { servers = [server] }
      for (key, value) in database.pairs.sorted(by: { $0.key < $1.key }) {
        // A password is nobody's to read.
        let what = "\(key)=\(key == "password" ? "…" : value) of database \(database.name)"
        switch PgBouncerKeys.database[key] {
        case .same, .seconds, .milliseconds, .together: break
        case .needless(let why), .different(let why): differ(what, why, database.line)
        case nil: differ(what, "PgBouncer has no such key", database.line)
        }
      }
      if let query = database.pairs["connect_query"] { queries.insert(query) }
      guard database.name != "*" else { continue }
      var lines = ["name = \(Self.quoted(database.name))"]
      if let name = database.pairs["dbname"], name != database.name {
        lines.append("target_database = \(Self.quoted(name))")
      }
      if let mode = database.pairs["pool_mode"] {
        lines.append("pool_mode = \(Self.quoted(mode == "statement" ? "transaction" : mode))")
      }
      if let name = database.pairs["auth_dbname"] { lines.append("auth_dbname = \(Self.quoted(name))") }
      entries.append(lines)
    }
    if let query = queries.first, queries.count == 1 {
      pool.append("init_query = \(Self.quoted(query))")
    } else if queries.count > 1 {
      differ("connect_query", "init_query is one for all databases", 0)
    }
    target()
    let takesAll = databases.contains { $0.name == "*" }
    // Without an entry every name is passed through.
    if takesAll, entries.allSatisfy({ $0.count == 1 }) { return }
    if takesAll { differ("database *", "beside databases with an entry, no other name is served", 0) }
    for lines in entries { tables += ["", "[[pool.databases]]"] + lines }
  }

  private mutating func target() {
    guard let server = servers.first else { return }
    let hosts = server.host.hasPrefix("/") ? [server.host] : Self.parts(server.host)
    if hosts.count > 1 {
      differ(
        "host=\(server.host)",
        "connections do not go round: of several targets the one that takes writes is used", 0)
    }
    for host in hosts {
      tables += ["", "[[pool.targets]]", "host = \(Self.quoted(host))"]
      tables.append(Int(server.port).map { "port = \($0)" } ?? "port = \(Self.quoted(server.port))")
      tables.append("sslmode = \(Self.quoted(ini.value("server_tls_sslmode") ?? "prefer"))")
      if let path = ini.value("server_tls_ca_file") { tables.append("ca_file = \(Self.quoted(path))") }
    }
  }

  private mutating func readUsers() {
    for entry in ini.entries("users") {
      for (key, value) in IniFile.pairs(entry.value) ?? [] {
        switch PgBouncerKeys.user[key] {
        case .same(let name):
          differ(
            "\(key)=\(value) of user \(entry.key)",
            "write [[pool.users]] with name, password_file and \(name) = \(value)",
            entry.line)
        case .different(let why), .needless(let why):
          differ("\(key)=\(value) of user \(entry.key)", why, entry.line)
        case .seconds, .milliseconds, .together, nil:
          differ("\(key)=\(value) of user \(entry.key)", "PgBouncer has no such key", entry.line)
        }
      }
    }
  }

  private mutating func readPeers() {
    for entry in ini.entries("peers") {
      let pairs = Dictionary((IniFile.pairs(entry.value) ?? []).map { ($0.key, $0.value) }) { _, last in last
      }
      guard let id = Int(entry.key), let host = pairs["host"] else {
        differ("peer \(entry.key)", "it has no number or no host", entry.line)
        continue
      }
      tables += ["", "[[pool.peers]]", "pool_id = \(id)", "host = \(Self.quoted(host))"]
      if let port = pairs["port"].flatMap({ Int($0) }) { tables.append("port = \(port)") }
    }
  }
}
