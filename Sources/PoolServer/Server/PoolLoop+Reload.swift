import Logging
import PoolCore

/// Where the configuration is read again, whole: flags and variables are as they were at the start, the file may have changed.
package typealias SettingsSource = @Sendable () -> Result<PoolSettings, PoolStartError>

/// What became of reading the configuration again.
enum ReloadOutcome {
  /// Only a restart changes these keys, which are others now.
  case done(fixed: [String])
  case failed(String, hint: String)
}

// SIGHUP, and the console's RELOAD: everything that can change while the pool runs does, without a client's losing anything.

extension PoolLoop {
  /// Reads the configuration, secrets, users, rules and certificates again; for the first loop. What cannot be used is told
  /// in the log, and all that it would have changed stays as it is.
  @discardableResult
  mutating func reload() -> ReloadOutcome {
    do throws(PoolStartError) {
      var fresh = try source?().get() ?? settings
      let fixed = fresh.keep(fixedBy: settings)
      try PoolParts.checkFiles(fresh)
      let tls = try freshContexts(fresh)
      configure(fresh, tls)
      team.postToOthers(.reload(fresh, tls), than: number)
      lookUpTargets(areOthers: true)
      var facts: Logger.Metadata = tls.clients.map { ["certificate": "\($0.description)"] } ?? [:]
      if !fixed.isEmpty { facts["needs_restart"] = "\(fixed.joined(separator: ", "))" }
      logger.notice("configuration, users, passwords and certificates were read again", metadata: facts)
      return .done(fixed: fixed)
    } catch {
      let place = error.file.map { file in error.line.map { "\(file):\($0): " } ?? "\(file): " } ?? ""
      logger.error(
        "\(place)\(error.message); the configuration in use stays", metadata: ["hint": "\(error.hint)"])
      return .failed(place + error.message, hint: error.hint)
    }
  }

  /// Certificates as they are now. One that cannot be used leaves those in use, unless the configuration itself wants others.
  private func freshContexts(_ fresh: PoolSettings) throws(PoolStartError) -> TLSContexts {
    do throws(TLSFailure) {
      return try TLSContexts(fresh)
    } catch {
      guard fresh.tls == settings.tls, fresh.targets == settings.targets else {
        throw PoolStartError(error.reason, hint: error.hint ?? "Check [pool.tls], and the targets' ca_file.")
      }
      logger.error(
        "\(error.reason); the certificates in use stay", metadata: ["hint": "\(error.hint ?? "")"])
      return TLSContexts(clients: clientTLS, servers: serverTLS)
    }
  }

  /// From here on the pool is as these settings say. What is open goes on; what is decided anew goes by them.
  mutating func configure(_ fresh: PoolSettings, _ tls: TLSContexts) {
    let old = settings
    settings = fresh
    (clientTLS, serverTLS) = (tls.clients, tls.servers)
    proxyNetworks = fresh.proxyNetworks.compactMap { Network($0) }
    configureUsers(old)
    configureLimits(old)
    if fresh.targets != old.targets { retireForeignBackends() }
    tidy()
  }

  private mutating func configureUsers(_ old: PoolSettings) {
    let changed = identities.configure(settings, in: &pool, at: now)
    knownStartups.forgetIdentities()
    if !changed.isEmpty { retireBackends { changed.contains($0.pool.identity(of: BackendID($1))) } }
    if settings.authFile != old.authFile {
      userList = settings.authFile.isEmpty ? nil : WatchedFile(settings.authFile)
      if settings.authFile.isEmpty { identities.accounts.list([], at: now) }
    }
    if settings.authHBAFile.isEmpty { rules = nil }
    pool.keepsSlot = !isShared && !settings.lookupUser.isEmpty
    if settings.lookupUser != old.lookupUser {
      lookups.identity = nil
      if let backend = lookups.backend { closeBackend(backend) }
    }
    reloadSecrets()
    lookups.table.forgetAll()
  }

  private mutating func configureLimits(_ old: PoolSettings) {
    pool.queueLimitChanged(to: settings.maxBorrowQueue)
    sessions.maxStatements = max(1, settings.maxPreparedStatements)
    sessions.pinsSettings = settings.pinsSettings
    sessions.trustsTokens = settings.trustsTokens
    limitIsFromServer = settings.maxConnections == nil
    if let maximum = settings.maxConnections {
      if maximum != cap { capBecame(maximum) }
    } else if old.maxConnections != nil || old.maxConnectionsPercent != settings.maxConnectionsPercent {
      adoptServerLimit()
    }
    sessions.maxPinned = max(1, cap * settings.maxPinnedPercent / 100)
  }
}

extension PoolSettings {
  /// Takes over from `old` what only a new process can change. Returns the keys whose values differ there.
  mutating func keep(fixedBy old: PoolSettings) -> [String] {
    var fixed: [String] = []
    func keep<Value: Equatable>(_ key: String, _ path: WritableKeyPath<PoolSettings, Value>) {
      guard self[keyPath: path] != old[keyPath: path] else { return }
      fixed.append(key)
      self[keyPath: path] = old[keyPath: path]
    }
    keep("listen", \.listeners)
    keep("threads", \.threads)
    keep("io", \.io)
    keep("pool_id", \.poolID)
    keep("lanes", \.lanes)
    if http.map({ "\($0.host):\($0.port)" }) != old.http.map({ "\($0.host):\($0.port)" }) {
      fixed.append("http_listen")
      http = old.http
    }
    // There is room for no more clients than there was at the start.
    if maxClientConnections > old.mostClients {
      fixed.append("max_client_connections (above \(old.mostClients))")
      maxClientConnections = old.mostClients
    }
    mostClients = old.mostClients
    return fixed
  }
}
