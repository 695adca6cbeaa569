import PoolCore
import PostgresWire

/// Somebody who may log in. One object for each: a login looks at it several times, and copies cost more than that.
final class Account {
  private(set) var user: PoolSettings.User
  /// What clients show; the server, too, unless it has a password of its own.
  var password: Credential
  var serverPassword: Credential?
  var file: WatchedFile?
  var serverFile: WatchedFile?
  /// Keys that a client's login has proved, for a stored verifier. In memory only.
  var proved: (keys: ScramKeys, verifier: ScramVerifier)?

  init(_ user: PoolSettings.User) {
    self.user = user
    password = Credential(StoredPassword(user.password))
    serverPassword = user.serverPassword.map { Credential(StoredPassword($0)) }
    file = user.passwordSource.map { WatchedFile($0.path) }
    serverFile = user.serverPasswordSource.map { WatchedFile($0.path) }
  }

  /// The configuration says this of the user now. A password that has changed counts on for a while.
  func configure(_ fresh: PoolSettings.User, at now: Instant) {
    user = fresh
    password.change(to: StoredPassword(fresh.password), at: now)
    if let text = fresh.serverPassword {
      if serverPassword == nil { serverPassword = Credential(StoredPassword(text)) }
      serverPassword?.change(to: StoredPassword(text), at: now)
    } else {
      serverPassword = nil
    }
    file = fresh.passwordSource.map { WatchedFile($0.path) }
    serverFile = fresh.serverPasswordSource.map { WatchedFile($0.path) }
  }

  /// The key to the stored verifier, if it is that.
  func learn(_ clientKey: [UInt8]) {
    guard case .scram(let verifier) = password.current,
      ScramHash.openSSL.sha256(clientKey) == verifier.storedKey
    else { return }
    proved = (ScramKeys(clientKey: clientKey, serverKey: verifier.serverKey), verifier)
  }

  var serverCredential: Credential {
    get { serverPassword ?? password }
    set { if serverPassword == nil { password = newValue } else { serverPassword = newValue } }
  }

  /// Whether the password at the server comes from where it may change.
  var hasFile: Bool { serverPassword == nil ? file != nil || isListed : serverFile != nil }
  var isListed = false
  /// Until when the password counts, in seconds since 1970; only of users who were looked up.
  var expires: Int64?

  /// Whether the pool could log in at the server by itself.
  var canEnter: Bool {
    switch serverCredential.current {
    case .plain(let text): !text.isEmpty
    case .md5: true
    case .scram(let verifier): proved?.verifier == verifier
    }
  }
}

/// Which ways of asking for a password are open.
enum PasswordManner {
  /// As the password is stored: md5 for its hash, else SCRAM.
  case asStored
  /// SCRAM alone, which a user of whom only an md5 hash is known cannot pass.
  case scram
  /// md5, unless only a SCRAM verifier is known.
  case md5
}

/// How a client is asked for its password, and what its answer is compared with.
enum PasswordChallenge {
  case scram(ScramVerifier, previous: ScramVerifier?)
  /// Hashes of which one must fit.
  case md5([String])
}

/// Everybody who may log in: those of the configuration, then those of `auth_file`, then those whom `auth_query` found.
struct Accounts {
  /// By the bytes of the name: Swift's equality of Strings holds two spellings of one accented letter for the same.
  private var named: [[UInt8]: Account] = [:]
  private var listed: [[UInt8]: Account] = [:]
  /// By user and database of the look-up, see ``key(of:)``.
  private var found: [[UInt8]: Account] = [:]
  /// Those whom the configuration names, in its order.
  private var names: [[UInt8]]
  /// One for all loops: an unknown user's salt must not depend on which of them is asked.
  private static let secret = secureRandomBytes(32)
  private var secret: [UInt8] { Self.secret }
  /// How known users are asked: an unknown one is asked as one of them would be.
  private var manners: [Manner] = []
  /// Those among them that only users who were looked up have.
  private var foundManners: Set<Manner> = []

  private enum Manner: Hashable {
    case scram(iterations: Int, saltLength: Int, isPlain: Bool)
    case md5
  }

  init(_ users: [PoolSettings.User]) {
    names = users.map { Self.key($0.name) }
    for user in users {
      let account = Account(user)
      let salt = salt(of: user.name)
      _ = account.password.verifier(salt: salt)
      named[Self.key(user.name)] = account
    }
    learnManners()
  }

  subscript(user: [UInt8]) -> Account? { named[user] ?? listed[user] ?? found[user] }

  /// What nobody in a file can be called: no name has a zero byte.
  static func key(of subject: RoleLookups.Subject) -> [UInt8] { subject.user + [0] + subject.database }

  /// The bytes by which a user is known. As PostgreSQL does, what is behind the 63rd is dropped (NAMEDATALEN).
  static func key(_ user: String) -> [UInt8] { Array(user.utf8.prefix(63)) }

  func isNamed(_ user: [UInt8]) -> Bool { named[user] != nil }

  /// Whether somebody of this name is in the configuration or in `auth_file`, and need not be looked up.
  func isKnown(_ user: [UInt8]) -> Bool { named[user] != nil || listed[user] != nil }

  /// Somebody as whom the pool can try the server before any client comes; else somebody at all.
  var probe: Account? {
    let inOrder = names.lazy.compactMap { named[$0] }
    if let account = inOrder.first(where: \.canEnter) ?? inOrder.first { return account }
    return listed.values.first(where: \.canEnter) ?? listed.values.first
  }

  // MARK: Asking clients

  /// How to ask the user; for nobody known, what looks like any other and nothing fits.
  /// - Parameters:
  ///   - key: under which the user's account is kept.
  ///   - seconds: since 1970, by the clock on the wall.
  func challenge(
    _ user: String, _ key: [UInt8], _ wanted: PasswordManner, at now: Instant, overlap: UInt64, seconds: Int64
  ) -> PasswordChallenge {
    guard let account = self[key], !account.password.isEmpty, account.expires.map({ seconds < $0 }) ?? true
    else { return mock(user, wanted) }
    let hasOwn = account.serverPassword != nil
    account.password.expirePrevious(at: now, atLeast: overlap, byTimeOnly: hasOwn)
    let verifier = account.password.verifier(salt: salt(of: user))
    let older = account.password.olderVerifier(salt: salt(of: user))
    guard let verifier else {
      return wanted == .scram ? mock(user, wanted) : .md5(account.password.md5Hashes(user: user))
    }
    if wanted == .md5 {
      let hashes = account.password.md5Hashes(user: user)
      if !hashes.isEmpty { return .md5(hashes) }
    }
    return .scram(verifier, previous: older)
  }

  private func mock(_ user: String, _ wanted: PasswordManner) -> PasswordChallenge {
    let digest = ScramHash.openSSL.hmac(secret, Array("manner \(user)".utf8))
    let number = digest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    let usual = Manner.scram(
      iterations: ScramVerifier.defaultIterations, saltLength: ScramVerifier.saltLength, isPlain: true)
    let manner = manners.isEmpty ? usual : manners[number % manners.count]
    switch (manner, wanted) {
    case (.scram(let iterations, let saltLength, let isPlain), _) where wanted != .md5 || !isPlain:
      return .scram(
        .mock(user: user, secret: secret, iterations: iterations, saltLength: saltLength, hash: .openSSL),
        previous: nil)
    case (.md5, .scram):
      return .scram(.mock(user: user, secret: secret, hash: .openSSL), previous: nil)
    case (.scram, _), (.md5, _):
      return .md5([md5Hex(ScramHash.openSSL.hmac(secret, Array("md5 \(user)".utf8)))])
    }
  }

  func salt(of user: String) -> [UInt8] { ScramVerifier.salt(of: user, secret: secret, hash: .openSSL) }

  private mutating func learnManners() {
    manners = (Array(named.values) + listed.values).map { Self.manner($0.password.current) }
    foundManners = Set(found.values.map { Self.manner($0.password.current) })
    manners += foundManners
  }

  private static func manner(_ password: StoredPassword) -> Manner {
    switch password {
    case .plain:
      .scram(iterations: ScramVerifier.defaultIterations, saltLength: ScramVerifier.saltLength, isPlain: true)
    case .scram(let verifier):
      .scram(iterations: verifier.iterations, saltLength: verifier.salt.count, isPlain: false)
    case .md5: .md5
    }
  }

  // MARK: Changes

  /// The users of the configuration are these now.
  mutating func configure(_ users: [PoolSettings.User], at now: Instant) {
    names = users.map { Self.key($0.name) }
    var fresh: [[UInt8]: Account] = [:]
    for user in users {
      let key = Self.key(user.name)
      let known = named[key]
      known?.configure(user, at: now)
      let account = known ?? Account(user)
      _ = account.password.verifier(salt: salt(of: user.name))
      fresh[key] = account
    }
    named = fresh
    learnManners()
  }

  /// The users of `auth_file` are these now. Passwords that changed count on for a while; who is gone is gone.
  mutating func list(_ users: [UserList.User], at now: Instant) {
    var fresh: [[UInt8]: Account] = [:]
    fresh.reserveCapacity(users.count)
    for user in users {
      let key = Self.key(user.name)
      let password = StoredPassword(user.password)
      if let known = listed[key] {
        known.password.change(to: password, at: now)
        fresh[key] = known
      } else {
        fresh[key] = Account(PoolSettings.User(name: user.name, password: user.password))
        fresh[key]?.isListed = true
      }
    }
    listed = fresh
    learnManners()
  }

  /// What a look-up has found: the server's word, so that nothing of an earlier one counts on.
  mutating func found(_ subject: RoleLookups.Subject, _ password: StoredPassword, expires: Int64?) {
    let key = Self.key(of: subject)
    if found[key]?.password.current != password {
      let name = String(decoding: subject.user, as: UTF8.self)
      found[key] = Account(PoolSettings.User(name: name, password: ""))
      found[key]?.password = Credential(password)
      if foundManners.insert(Self.manner(password)).inserted { manners.append(Self.manner(password)) }
    }
    found[key]?.expires = expires
  }

  /// There is nobody of that name, or nobody who may log in.
  mutating func lost(_ subject: RoleLookups.Subject) { found[Self.key(of: subject)] = nil }

  /// Names and passwords of `auth_file` whose verifiers are still to be computed.
  func plainPasswords(of users: [UserList.User]) -> [(user: String, password: String, salt: [UInt8])] {
    users.compactMap { user in
      guard case .plain(let text) = StoredPassword(user.password), !text.isEmpty else { return nil }
      return (user.name, text, salt(of: user.name))
    }
  }

  /// Reads the user's password files again where they have changed. Returns whether a password has.
  mutating func refresh(_ user: [UInt8], at now: Instant, _ complain: (AccessFileError) -> Void) -> Bool {
    guard let account = named[user] else { return false }
    var hasChanged = false
    func read(_ source: SecretSource) -> StoredPassword? {
      do throws(AccessFileError) {
        return StoredPassword(try source.read())
      } catch {
        complain(error)
        return nil
      }
    }
    if let source = account.user.passwordSource, account.file?.hasChanged() == true, let text = read(source) {
      hasChanged = text != account.password.current
      account.password.change(to: text, at: now)
    }
    if let source = account.user.serverPasswordSource, account.serverFile?.hasChanged() == true,
      let text = read(source), let old = account.serverPassword
    {
      hasChanged = hasChanged || text != old.current
      account.serverPassword?.change(to: text, at: now)
    }
    return hasChanged
  }

  /// Everybody in the configuration and in `auth_file`.
  var inFiles: [PoolSettings.User] {
    names.compactMap { named[$0]?.user }
      + listed.values.map(\.user).filter { named[Self.key($0.name)] == nil }.sorted { $0.name < $1.name }
  }

  /// The keys that clients have proved, by account.
  var proofs: [(account: [UInt8], clientKey: [UInt8])] {
    var proofs: [(account: [UInt8], clientKey: [UInt8])] = []
    for accounts in [named, listed] {
      for (key, account) in accounts {
        if let proved = account.proved { proofs.append((key, proved.keys.clientKey)) }
      }
    }
    return proofs
  }

  /// All users of the configuration.
  var configured: [[UInt8]] { names }
}
