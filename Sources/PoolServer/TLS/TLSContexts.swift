/// Certificates and authorities of both sides, as they are read at start and on SIGHUP.
struct TLSContexts: Sendable {
  /// `nil`: clients get no TLS.
  let clients: TLSContext?
  /// One for each target; `nil`: it is not asked for TLS.
  let servers: [TLSContext?]

  /// - Throws: ``TLSFailure`` that names the file at fault.
  init(_ settings: PoolSettings) throws(TLSFailure) {
    var tls = settings.tls
    tls.mayNeedCertificate = !settings.authHBAFile.isEmpty
    clients = tls.mode == .disable ? nil : try .server(tls)
    var servers: [TLSContext?] = []
    for target in settings.targets {
      let isPlain = target.encryption == .disable || target.host.hasPrefix("/")
      servers.append(isPlain ? nil : try .client(target))
    }
    self.servers = servers
  }

  /// Those that there are.
  init(clients: TLSContext?, servers: [TLSContext?]) {
    self.clients = clients
    self.servers = servers
  }
}
