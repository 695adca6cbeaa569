import PoolCore
import PostgresWire

/// Who may log in, and as whom backends are entered.
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
    let serverPassword: String
    /// Whether the server has refused the way that the target's `sslmode` tries first; then the other is taken.
    var takesSecondChoice = false
    /// What the server reports at login, the same for all of the identity's clients; `nil` until one has logged in.
    var common: [ReportedParameter]?
    /// Startup settings that the server has accepted, and what it reports for them.
    var accepted: [ImageID: [ReportedParameter]] = [:]
  }

  private let users: [[UInt8]: PoolSettings.User]
  private let databases: [PoolSettings.Database]
  private let verifiers: [[UInt8]: ScramVerifier]
  private let mockSecret = secureRandomBytes(32)
  private var numbers: [Key: IdentityID] = [:]
  var entries: [Identity] = []
  /// Keys derived from a password by a server's salt and iteration count: the same for all backends of a role, and
  /// 2.4 ms of CPU each.
  var derivedKeys: [[UInt8]: ScramKeys] = [:]

  init(settings: PoolSettings) {
    var users: [[UInt8]: PoolSettings.User] = [:]
    var verifiers: [[UInt8]: ScramVerifier] = [:]
    for user in settings.users {
      users[Array(user.name.utf8)] = user
      verifiers[Array(user.name.utf8)] = try? ScramVerifier(
        password: user.password, salt: secureRandomBytes(16), hash: .openSSL)
    }
    self.users = users
    self.verifiers = verifiers
    databases = settings.databases
  }

  /// The user's verifier; for an unknown user one that nothing matches and that looks like any other.
  func verifier(of user: String) -> ScramVerifier {
    verifiers[Array(user.utf8)] ?? .mock(user: user, secret: mockSecret, hash: .openSSL)
  }

  func isKnown(_ user: String) -> Bool { users[Array(user.utf8)] != nil }

  /// The name at the server of a database that a client asks for; `nil` when there is none.
  func targetDatabase(_ name: String) -> String? {
    if databases.isEmpty { return name }
    return databases.first { $0.name == name }?.target
  }

  /// When clients of this user give their backends of this database back; `database` is the clients' name for it.
  func mode(user: String, database: String, else mode: PoolSettings.PoolMode) -> PoolSettings.PoolMode {
    users[Array(user.utf8)]?.mode ?? databases.first { $0.name == database }?.mode ?? mode
  }

  /// The identity of a known user in a target database.
  mutating func identity(user: String, database: String, in pool: inout Pool) -> IdentityID? {
    let key = Key(user: Array(user.utf8), database: Array(database.utf8))
    if let known = numbers[key] { return known }
    guard let settings = users[key.user] else { return nil }
    let id = pool.addIdentity(maxBackends: settings.maxConnections)
    numbers[key] = id
    entries.append(
      Identity(
        user: user, database: database, serverUser: settings.serverUser ?? settings.name,
        serverPassword: settings.serverPassword ?? settings.password))
    return id
  }
}
