import DatabaseTools
import PoolCore
import PoolServer

/// Everything `dbtool pool` was told, put together: flag, then variable, then file, then default.
struct PoolConfiguration: Sendable {
  let settings: PoolSettings
  let logFormat: LogFormat
  /// What the user should know, one sentence each.
  let notes: [String]

  /// - Parameters:
  ///   - flags: values by key's name.
  ///   - document: the file, when there is one.
  /// - Throws: `Failure` that names the flag, the variable or the file's line at fault.
  init(flags: [String: PoolValue], environment: [String: String], document: PoolDocument?) throws(Failure) {
    let variables = try PoolVariables.values(environment)
    let file = try document?.scalars() ?? [:]
    var notes = variables.notes

    let entries = document.map { PoolEntries(document: $0) }
    let targets = try entries?.targets() ?? []
    var target = targets.first
    var users = try entries?.users() ?? []
    let values = Layers(flags: flags, variables: variables.values, file: file, document: document)
    let hasOtherUsers = values.text("auth_file") != ""
    var database: String?
    if target == nil || users.isEmpty {
      let named = try PoolServerTarget.named(in: environment)
      notes += named.notes
      target = target ?? named.target
      database = named.database
      guard target != nil else { throw Self.noTarget }
      if users.isEmpty, !hasOtherUsers || named.password?.reveal.isEmpty == false {
        users = [try Self.user(named)]
      }
    }
    guard let target else { throw Self.noTarget }

    var settings = PoolSettings(target: target, users: users)
    settings.furtherTargets = Array(targets.dropFirst())
    settings.databases = try entries?.databases() ?? []
    settings.probeDatabase = settings.databases.first?.target ?? database
    for key in PoolKeys.scalars { try values.fill(key, into: &settings) }
    try values.checkTLS(settings.tls)
    try values.checkLookups(settings)
    settings.lanes = try entries?.lanes(settings) ?? []
    settings.peers = try entries?.peers(ownID: settings.poolID) ?? []
    settings.console.version = Version.text
    settings.console.keys = PoolKeys.scalars.map { $0.shown(values.value(of: $0)) }
    settings.console.change = PoolKey.change
    self.settings = settings
    self.notes = notes
    logFormat =
      values.value(of: PoolKeys.scalar("log_format")).flatMap { LogFormat(rawValue: $0.plainText) } ?? .text
  }

  private static func user(_ named: PoolServerTarget) throws(Failure) -> PoolSettings.User {
    guard let name = named.user else {
      throw .usage(
        "no user is named",
        hint: "DATABASE_URL=postgres://USER:PASSWORD@HOST/DATABASE, or [[pool.users]] in the file")
    }
    guard let password = named.password, !password.reveal.isEmpty else {
      throw .usage(
        "user \(name.quoted) has no password", detail: "the pool does not read ~/.pgpass",
        hint: "put it into DATABASE_URL or PGPASSWORD, or into [[pool.users]] of the file")
    }
    return PoolSettings.User(name: name, password: password.reveal)
  }

  private static let noTarget = Failure.usage(
    "no server is named",
    hint:
      "DATABASE_URL=postgres://USER:PASSWORD@HOST/DATABASE dbtool pool, or [[pool.targets]] in dbtool.toml")
}

/// The four places a value can come from, the strongest first.
private struct Layers {
  let flags: [String: PoolValue]
  let variables: [String: PoolValue]
  let file: [String: PoolValue]
  let document: PoolDocument?

  func value(of key: PoolKey) -> PoolValue? {
    if let value = flags[key.name] ?? variables[key.name] ?? file[key.name] { return value }
    return key.fallback.flatMap { try? key.value(ofText: $0) }
  }

  func text(_ name: String) -> String {
    guard case .text(let text) = value(of: PoolKeys.scalar(name)) else { return "" }
    return text
  }

  /// Puts the key's value where the settings keep it.
  func fill(_ key: PoolKey, into settings: inout PoolSettings) throws(Failure) {
    guard let value = value(of: key) else { return }
    do throws(PoolValueProblem) {
      switch (key.name, value) {
      case ("listen", .list(let addresses)): settings.listeners = try ListenAddress.listeners(addresses)
      case ("proxy_protocol_networks", .list(let networks)):
        for network in networks where !PoolSettings.isNetwork(network) {
          throw PoolValueProblem(
            what: "has no network in \(network.quoted)", hint: "as in 10.0.0.0/8 or fd00::/8")
        }
        settings.proxyNetworks = networks
      case ("admin_users", .list(let names)): settings.console.admins = names
      case ("stats_users", .list(let names)): settings.console.readers = names
      case ("http_listen", .text(let address)):
        settings.http = address.isEmpty ? nil : try ListenAddress.hostAndPort(address)
      case ("io", .text(let word)): settings.io = PoolSettings.IO(rawValue: word) ?? .auto
      case ("tls.mode", .text(let mode)):
        settings.tls.mode = PoolSettings.TLS.Mode(rawValue: mode) ?? .disable
      case ("tls.cert_file", .text(let path)), ("tls.key_file", .text(let path)),
        ("tls.ca_file", .text(let path)), ("auth_file", .text(let path)), ("auth_hba_file", .text(let path)):
        key.fill(.text(fromFolder(path, of: key)), into: &settings)
      default: key.fill(value, into: &settings)  // the other keys know their own field
      }
    } catch {
      throw failure(key, error)
    }
  }

  /// Relative paths of the file start from its folder, those of flags and variables from the working folder.
  private func fromFolder(_ path: String, of key: PoolKey) -> String {
    let isFromFile = flags[key.name] == nil && variables[key.name] == nil && file[key.name] != nil
    guard isFromFile, !path.isEmpty, !path.hasPrefix("/") else { return path }
    return (document?.folder ?? "") + path
  }

  /// - Throws: `Failure` when the mode of `[pool.tls]` lacks a file that it needs.
  func checkTLS(_ tls: PoolSettings.TLS) throws(Failure) {
    guard tls.mode != .disable else { return }
    let mode = PoolKeys.scalar("tls.mode")
    guard !tls.certFile.isEmpty, !tls.keyFile.isEmpty else {
      throw failure(
        mode,
        PoolValueProblem(
          what: "is \(tls.mode.rawValue.quoted), which needs tls.cert_file and tls.key_file",
          hint: "name the pool's certificate and its key, in PEM text"))
    }
    guard !tls.mode.asksForCertificate || !tls.caFile.isEmpty else {
      throw failure(
        mode,
        PoolValueProblem(
          what: "is \(tls.mode.rawValue.quoted), which needs tls.ca_file",
          hint: "name the certificate of the authority that signs clients' certificates"))
    }
  }

  /// - Throws: `Failure` for keys of look-ups that cannot work.
  func checkLookups(_ settings: PoolSettings) throws(Failure) {
    if settings.lookupUser.isEmpty {
      for name in ["auth_query", "auth_dbname"] {
        let key = PoolKeys.scalar(name)
        guard flags[name] != nil || variables[name] != nil || file[name] != nil else { continue }
        throw failure(
          key, PoolValueProblem(what: "needs auth_user", hint: "say as whom users are looked up: auth_user"))
      }
      return
    }
    guard settings.lookupQuery.contains("$1") else {
      throw failure(
        PoolKeys.scalar("auth_query"),
        PoolValueProblem(
          what: "has no $1 for the user's name", hint: "as in \(PoolSettings.defaultLookupQuery)"))
    }
    guard settings.maxConnections != 1 else {
      throw failure(
        PoolKeys.scalar("max_connections"),
        PoolValueProblem(
          what: "is 1, and auth_user needs one for itself", hint: "say 2 or more: one is kept for look-ups"))
    }
    let isNamed = settings.users.contains { $0.name.utf8.elementsEqual(settings.lookupUser.utf8) }
    guard isNamed || !settings.authFile.isEmpty else {
      throw failure(
        PoolKeys.scalar("auth_user"),
        PoolValueProblem(
          what: "names \(settings.lookupUser.quoted), of whom no password is known",
          hint: "add the user to [[pool.users]] or auth_file"))
    }
  }

  /// A failure at whichever place the key's value came from.
  private func failure(_ key: PoolKey, _ problem: PoolValueProblem) -> Failure {
    if flags[key.name] != nil { return .usage("--\(key.flag) \(problem.what)", hint: problem.hint) }
    if variables[key.name] != nil { return Failure("\(key.variable) \(problem.what)", hint: problem.hint) }
    let what = "\(key.name) \(problem.what)"
    return document?.failure(what, at: "pool.\(key.name)", hint: problem.hint, showsValue: true)
      ?? Failure(what, hint: problem.hint)
  }
}

extension PoolKey {
  /// Sets what the key stands for; nothing for keys that are looked at elsewhere.
  func fill(_ value: PoolValue, into settings: inout PoolSettings) {
    switch (name, value) {
    case ("pool_mode", .text(let mode)):
      settings.poolMode = PoolSettings.PoolMode(rawValue: mode) ?? .transaction
    case ("session_state", .text(let word)): settings.pinsSettings = word == "pin"
    case ("session_check", .text(let word)): settings.trustsTokens = word == "tokens"
    case ("sqlstate_compat", .text(let word)): settings.errorWords = ErrorWords(rawValue: word) ?? .postgres
    default: fillField(value, into: &settings)
    }
  }

  private func fillField(_ value: PoolValue, into settings: inout PoolSettings) {
    switch (kind, value) {
    case (.text(let field?), .text(let text)): settings[keyPath: field.path] = text
    case (.duration(let field?), .milliseconds(let time)): settings[keyPath: field.path] = time
    case (.count(_, let field?), .count(let count)): settings[keyPath: field.path] = count
    case (.optionalCount(_, let field), .count(let count)): settings[keyPath: field.path] = count
    default: break  // no field, or looked at elsewhere
    }
  }
}
