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
    let user: String
    let database: String
    let serverUser: String
    /// The user's bytes, by which ``Accounts`` know it.
    let account: [UInt8]
    /// Whether the server has refused the way that the target's `sslmode` tries first; then the other is taken.
    var takesSecondChoice = false
    /// What the server reports at login, the same for all of the identity's clients; `nil` until one has logged in.
    var common: [ReportedParameter]?
    /// Startup settings that the server has accepted, and what it reports for them.
    var accepted: [ImageID: [ReportedParameter]] = [:]
  }

  private let databases: [PoolSettings.Database]
  private var numbers: [Key: IdentityID] = [:]
  var entries: [Identity] = []
  var accounts: Accounts

  init(settings: PoolSettings) {
    accounts = Accounts(settings.users)
    databases = settings.databases
  }

  /// The name at the server of a database that a client asks for; `nil` when there is none.
  func targetDatabase(_ name: String) -> String? {
    if databases.isEmpty { return name }
    return databases.first { $0.name == name }?.target
  }

  /// When clients of this user give their backends of this database back; `database` is the clients' name for it.
  func mode(user: String, database: String, else mode: PoolSettings.PoolMode) -> PoolSettings.PoolMode {
    accounts[Accounts.key(user)]?.user.mode ?? databases.first { $0.name == database }?.mode ?? mode
  }

  /// The identity of a known user in a target database.
  mutating func identity(user: String, database: String, in pool: inout Pool) -> IdentityID? {
    let key = Key(user: Accounts.key(user), database: Array(database.utf8))
    guard let account = accounts[key.user] else { return nil }
    if let known = numbers[key] { return known }
    let id = pool.addIdentity(maxBackends: account.user.maxConnections)
    numbers[key] = id
    entries.append(
      Identity(
        user: user, database: database, serverUser: account.user.serverUser ?? account.user.name,
        account: key.user))
    return id
  }
}
