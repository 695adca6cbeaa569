import DatabaseTools
import PoolCore
import PoolServer

/// The servers, users and databases that a file names.
struct PoolEntries: Sendable {
  let document: PoolDocument

  /// The servers; empty when the file names none.
  func targets() throws(Failure) -> [PoolSettings.Target] {
    var targets: [PoolSettings.Target] = []
    for entry in try document.entries("targets") {
      let target = try target(entry)
      if targets.contains(where: { $0.name == target.name }) {
        throw document.failure(
          "target \(target.name) is there twice", at: "\(entry.path).host", showsValue: true)
      }
      targets.append(target)
    }
    return targets
  }

  private func target(_ entry: PoolDocument.Entry) throws(Failure) -> PoolSettings.Target {
    guard let host = entry.text("host"), !host.isEmpty else {
      throw document.failure("the target has no host", at: entry.path, hint: #"host = "db.internal""#)
    }
    guard !host.contains(where: { $0 == "," || $0.isWhitespace }) else {
      throw document.failure(
        "host takes one name, address or folder, not \(host.quoted)", at: entry.path + ".host",
        showsValue: true)
    }
    var target = PoolSettings.Target(host: host, port: UInt16(clamping: entry.count("port") ?? 5432))
    target.role = entry.text("role").flatMap { PoolSettings.Target.Role(rawValue: $0) } ?? .auto
    let file = entry.text("ca_file") ?? ""
    let isPath = !file.isEmpty && file != "system" && !file.hasPrefix("/")
    do throws(PoolValueProblem) {
      try target.encrypt(mode: entry.text("sslmode"), caFile: isPath ? document.folder + file : file)
    } catch {
      throw document.failure(
        "sslmode \(error.what)", at: "\(entry.path).sslmode", hint: error.hint, showsValue: true)
    }
    return target
  }

  /// Who may log in; empty when the file says nothing.
  func users() throws(Failure) -> [PoolSettings.User] {
    var users: [PoolSettings.User] = []
    for entry in try document.entries("users") {
      let user = try user(entry)
      // Bytes, not letters: two spellings of one accented letter are two roles for PostgreSQL.
      if users.contains(where: { $0.name.utf8.elementsEqual(user.name.utf8) }) {
        throw document.failure(
          "user \(user.name.quoted) is there twice", at: "\(entry.path).name", showsValue: true)
      }
      users.append(user)
    }
    return users
  }

  private func user(_ entry: PoolDocument.Entry) throws(Failure) -> PoolSettings.User {
    let given = ["password", "password_file", "secret_file"].filter { entry.text($0)?.isEmpty == false }
    let label = entry.text("name").map { "user \($0.quoted)" } ?? "a user"
    guard given.count <= 1 else {
      throw document.failure(
        "\(label) has both \(given[0]) and \(given[1])", at: "\(entry.path).\(given[1])",
        hint: "one of them is enough")
    }
    var name = entry.text("name") ?? ""
    var password: String?
    switch given.first {
    case "password": password = entry.text("password")
    case "password_file": password = try self.password(entry, "password_file", label)
    case "secret_file":
      let source = try read(entry, "secret_file") { path throws(Failure) in
        try SecretFile.secret(at: path, from: "secret_file of \(label)")
      }
      password = source?.password?.reveal
      if let secret = source?.user {
        if name.isEmpty { name = secret }
        guard name == secret else {
          throw document.failure(
            "\(label) has a secret_file for user \(secret.quoted)", at: "\(entry.path).secret_file",

            hint: "leave name out: the file says it", showsValue: true)
        }
      }
    default: break
    }
    guard !name.isEmpty else {
      throw document.failure("a user has no name", at: entry.path, hint: #"name = "app""#)
    }
    guard let password, !password.isEmpty else {
      throw document.failure(
        "user \(name.quoted) has no password", at: entry.path,
        hint: "add password, password_file or secret_file")
    }
    var user = PoolSettings.User(name: name, password: password)
    user.mode = entry.text("pool_mode").flatMap { PoolSettings.PoolMode(rawValue: $0) }
    user.maxConnections = entry.count("max_connections") ?? 0
    user.serverUser = entry.text("server_user").flatMap { $0.isEmpty ? nil : $0 }
    user.serverPassword = try self.password(entry, "server_password_file", label)
    user.passwordSource =
      source(entry, "password_file", label) ?? source(entry, "secret_file", label, of: name)
    user.serverPasswordSource = source(entry, "server_password_file", label)
    return user
  }

  /// Where the password can be read again while the pool runs.
  /// - Parameter user: whose secret the file must be; `nil`: it is a file with the password only.
  private func source(
    _ entry: PoolDocument.Entry, _ key: String, _ label: String, of user: String? = nil
  ) -> SecretSource? {
    guard let given = entry.text(key), !given.isEmpty else { return nil }
    let path = given.hasPrefix("/") ? given : document.folder + given
    return SecretSource(path: path) { () throws(AccessFileError) in
      let secret: TargetSource
      do throws(Failure) {
        secret =
          try user == nil
          ? SecretFile.password(at: path, from: "\(key) of \(label)")
          : SecretFile.secret(at: path, from: "\(key) of \(label)")
      } catch {
        throw AccessFileError(path: path, what: "cannot be used: \(error.what)")
      }
      if let user, let found = secret.user, found != user {
        throw AccessFileError(path: path, what: "is for user \(found.quoted), not \(user.quoted)")
      }
      guard let password = secret.password?.reveal, !password.isEmpty else {
        throw AccessFileError(path: path, what: "has no password")
      }
      return password
    }
  }

  private func password(_ entry: PoolDocument.Entry, _ key: String, _ label: String) throws(Failure)
    -> String?
  {
    try read(entry, key) { path throws(Failure) in
      try SecretFile.password(at: path, from: "\(key) of \(label)")
    }?.password?.reveal
  }

  /// Reads the file that a key names, relative to the configuration's folder; a failure gets the key's place.
  private func read(
    _ entry: PoolDocument.Entry, _ key: String, _ read: (String) throws(Failure) -> TargetSource
  ) throws(Failure) -> TargetSource? {
    guard let path = entry.text(key), !path.isEmpty else { return nil }
    do {
      return try read(path.hasPrefix("/") ? path : document.folder + path)
    } catch {
      throw document.failure(error.what, at: "\(entry.path).\(key)", hint: error.hint, showsValue: true)
    }
  }

  /// The database names that are served; empty when every name is passed through.
  func databases() throws(Failure) -> [PoolSettings.Database] {
    var databases: [PoolSettings.Database] = []
    for entry in try document.entries("databases") {
      guard let name = entry.text("name"), !name.isEmpty else {
        throw document.failure("a database has no name", at: entry.path, hint: #"name = "shop""#)
      }
      if databases.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
        throw document.failure(
          "database \(name.quoted) is there twice", at: "\(entry.path).name", showsValue: true)
      }
      let target = entry.text("target_database").flatMap { $0.isEmpty ? nil : $0 }
      var database = PoolSettings.Database(name: name, target: target ?? name)
      database.mode = entry.text("pool_mode").flatMap { PoolSettings.PoolMode(rawValue: $0) }
      database.lookupDatabase = entry.text("auth_dbname").flatMap { $0.isEmpty ? nil : $0 }
      databases.append(database)
    }
    return databases
  }

  /// Shares of the backends.
  /// - Parameter settings: those of the other keys.
  func lanes(_ settings: PoolSettings) throws(Failure) -> [Lane] {
    var lanes: [Lane] = []
    for entry in try document.entries("lanes") {
      guard let name = entry.text("name"), !name.isEmpty else {
        throw document.failure("a lane has no name", at: entry.path, hint: #"name = "checkout""#)
      }
      guard name != "default", !lanes.contains(where: { $0.name == name }) else {
        throw document.failure(
          "lane \(name.quoted) is there twice", at: "\(entry.path).name",
          hint: name == "default" ? "default is the lane of all that fit no other" : nil, showsValue: true)
      }
      var lane = Lane(name: name)
      lane.applicationName = entry.text("application_name")
      lane.user = entry.text("user")
      lane.database = entry.text("database")
      guard lane.applicationName != nil || lane.user != nil || lane.database != nil else {
        throw document.failure(
          "lane \(name.quoted) does not say whose it is", at: entry.path,
          hint: "add application_name, user or database")
      }
      lane.reserved = entry.count("reserved") ?? 0
      lane.maxBackends = entry.count("max_connections") ?? 0
      lane.weight = entry.count("weight") ?? 1
      guard lane.maxBackends == 0 || lane.reserved <= lane.maxBackends else {
        throw document.failure(
          "lane \(name.quoted) reserves more than its max_connections", at: "\(entry.path).reserved",
          showsValue: true)
      }
      lanes.append(lane)
      let reserved = lanes.reduce(0) { $0 + $1.reserved }
      if let most = settings.maxConnections, reserved >= most, entry.count("reserved") != nil {
        throw document.failure(
          "the lanes reserve \(reserved) backends of \(most)", at: "\(entry.path).reserved",
          hint: "leave at least one of max_connections to everybody else", showsValue: true)
      }
    }
    guard lanes.isEmpty || settings.threads == 1 else {
      throw document.failure(
        "lanes need threads = 1", at: "lanes", hint: "one loop serves more than two cores' worth of servers")
    }
    guard lanes.count <= Self.mostLanes else {
      throw document.failure("there are more than \(Self.mostLanes) lanes", at: "lanes")
    }
    return lanes
  }

  private static let mostLanes = 32

  /// The other pools behind this one's address. Its own entry may be among them, so that all can share one list.
  /// - Parameter ownID: this pool's `pool_id`.
  func peers(ownID: Int) throws(Failure) -> [PoolSettings.Peer] {
    var peers: [PoolSettings.Peer] = []
    for entry in try document.entries("peers") {
      guard let id = entry.count("pool_id") else {
        throw document.failure("a peer has no pool_id", at: entry.path, hint: "pool_id = 2")
      }
      guard let host = entry.text("host"), !host.isEmpty else {
        throw document.failure("peer \(id) has no host", at: entry.path, hint: #"host = "pool-2.internal""#)
      }
      guard ownID > 0 else {
        throw document.failure(
          "there are peers, and this pool has no pool_id of its own", at: entry.path,
          hint: "give each pool another pool_id, from 1 to \(PoolSettings.poolIDs.upperBound)")
      }
      guard !peers.contains(where: { $0.id == id }) else {
        throw document.failure("peer \(id) is there twice", at: "\(entry.path).pool_id", showsValue: true)
      }
      peers.append(PoolSettings.Peer(id: id, host: host, port: UInt16(clamping: entry.count("port") ?? 6432)))
    }
    return peers.filter { $0.id != ownID }
  }
}
