import PoolCore
import PostgresWire

/// As whom backends are entered, and where.
struct IdentityTable {
  struct Key: Hashable {
    // Bytes, not Strings: Swift's String equality holds composed and decomposed text for the same.
    let user: [UInt8]
    let database: [UInt8]
  }

  struct Identity {
    /// By which other loops know it; `nil` for what is no other's: look-ups, replication.
    var key: Key?
    let user: String
    /// Another one at each connect for look-ups, whose one identity it is.
    var database: String
    var serverUser: String
    /// By which ``Accounts`` know the user. It changes when one that was looked up comes into a file, or leaves it.
    var account: [UInt8]
    /// Whether the server has refused the way that the target's `sslmode` tries first; then the other is taken.
    var takesSecondChoice = false
    /// One replication connection's startup parameters: its backend is opened with them and shared with nobody.
    var ownParameters: [StartupParameter]?
    /// What the server reports at login, the same for all of the identity's clients; `nil` until one has logged in.
    var common: [ReportedParameter]? {
      didSet { greetings = [:] }
    }
    /// Startup settings that the server has accepted, and what it reports for them.
    var accepted: [ImageID: [ReportedParameter]] = [:]
    /// The messages that say so at login, by startup settings that were accepted.
    var greetings: [ImageID: [UInt8]] = [:]
  }

  private var databases: [PoolSettings.Database]
  private var numbers: [Key: IdentityID] = [:]
  /// Those of replication connections, which are used again once nothing of them is open.
  private var own: [IdentityID] = []
  var entries: [Identity] = []
  var accounts: Accounts

  init(settings: PoolSettings) {
    accounts = Accounts(settings.users)
    databases = settings.databases
  }

  /// Users and databases are these now. Answers the identities that enter the server as somebody else than before.
  mutating func configure(_ settings: PoolSettings, in pool: inout Pool, at now: Instant) -> Set<IdentityID> {
    accounts.configure(settings.users, at: now)
    databases = settings.databases
    var changed: Set<IdentityID> = []
    for index in entries.indices {
      guard let user = accounts[entries[index].account]?.user else { continue }
      pool.limitChanged(of: IdentityID(index), to: user.maxConnections)
      let role = user.serverUser ?? user.name
      guard entries[index].serverUser != role, entries[index].ownParameters == nil else { continue }
      entries[index].serverUser = role
      changed.insert(IdentityID(index))
    }
    return changed
  }

  /// The name at the server of a database that a client asks for; `nil` when there is none.
  func targetDatabase(_ name: String) -> String? {
    if databases.isEmpty { return name }
    return databases.first { $0.name == name }?.target
  }

  /// What clients call a database of the server; of several names the first.
  func clientsName(ofTarget target: String) -> String {
    databases.first { $0.target == target }?.name ?? target
  }

  /// Whether that database of the server's is served.
  func isTarget(_ name: String) -> Bool { databases.isEmpty || databases.contains { $0.target == name } }

  /// When clients of this user give their backends of this database back; `database` is the clients' name for it.
  func mode(
    account: [UInt8], database: String, else mode: PoolSettings.PoolMode
  ) -> PoolSettings.PoolMode {
    accounts[account]?.user.mode ?? databases.first { $0.name == database }?.mode ?? mode
  }

  /// In which database a user is looked up who asks for this one; `common` is `auth_dbname`.
  func lookupDatabase(_ name: String, common: String) -> String {
    let entry = databases.first { $0.name == name }
    let chosen = entry?.lookupDatabase ?? (common.isEmpty ? name : common)
    // Where nobody knows the name that the client asks for, the user is still to be told from others.
    return targetDatabase(chosen) ?? (chosen == name ? databases.first?.target : nil) ?? chosen
  }

  /// For the look-ups of users: their backend's, apart from those of clients of the same user.
  mutating func lookupIdentity(_ user: String, in pool: inout Pool) -> IdentityID? {
    let key = Accounts.key(user)
    guard let account = accounts[key] else { return nil }
    let id = pool.addIdentity()
    entries.append(
      Identity(
        user: user, database: "", serverUser: account.user.serverUser ?? account.user.name, account: key))
    return id
  }

  /// The identity of a client that came with this packet and is who it says.
  /// - Parameters:
  ///   - database: the target one's name, which the packet's decides.
  ///   - account: the account's key.
  mutating func identity(
    of startup: KnownStartup, database: String, account: [UInt8], in pool: inout Pool
  ) -> IdentityID? {
    guard let known = startup.identity else {
      let made = identity(user: startup.user, database: database, account: account, in: &pool)
      startup.identity = made
      return made
    }
    guard accounts[account] != nil else { return nil }
    if entries[Int(known.index)].account != account { entries[Int(known.index)].account = account }
    return known
  }

  /// The identity of a known user in a target database.
  /// - Parameter account: the account's key where it is not the user's name.
  mutating func identity(
    user: String, database: String, account other: [UInt8]? = nil, in pool: inout Pool
  ) -> IdentityID? {
    let key = Key(user: Accounts.key(user), database: Array(database.utf8))
    let accountKey = other ?? key.user
    guard let account = accounts[accountKey] else { return nil }
    if let known = numbers[key] {
      entries[Int(known.index)].account = accountKey
      return known
    }
    let id = pool.addIdentity(maxBackends: account.user.maxConnections)
    numbers[key] = id
    entries.append(
      Identity(
        key: key, user: user, database: database, serverUser: account.user.serverUser ?? account.user.name,
        account: accountKey))
    return id
  }

  /// The one that another loop means.
  func known(_ key: Key) -> IdentityID? { numbers[key] }

  /// An identity for one connection only, whose backend is opened with these parameters; `nil` when the user is not
  /// known.
  mutating func ownIdentity(
    user: String, database: String, account key: [UInt8], parameters: [StartupParameter],
    in pool: inout Pool
  ) -> IdentityID? {
    guard let account = accounts[key] else { return nil }
    var entry = Identity(
      user: user, database: database, serverUser: account.user.serverUser ?? account.user.name, account: key)
    entry.ownParameters = parameters.filter { $0.name != "user" && $0.name != "database" }
    if let free = own.first(where: { pool.openCount(of: $0) == 0 && pool.waitingCount(of: $0) == 0 }) {
      entries[Int(free.index)] = entry
      return free
    }
    let id = pool.addIdentity()
    own.append(id)
    entries.append(entry)
    return id
  }
}
