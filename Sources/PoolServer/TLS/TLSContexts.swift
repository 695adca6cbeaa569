/// Certificates and authorities of both sides, as they are read at start and on SIGHUP.
struct TLSContexts: Sendable {
  /// `nil`: clients get no TLS.
  let clients: TLSContext?
  /// `nil`: the server is not asked for it.
  let server: TLSContext?

  /// - Throws: ``TLSFailure`` that names the file at fault.
  init(_ settings: PoolSettings) throws(TLSFailure) {
    var tls = settings.tls
    tls.mayNeedCertificate = !settings.authHBAFile.isEmpty
    clients = tls.mode == .disable ? nil : try .server(tls)
    let target = settings.target
    server = target.encryption == .disable || target.host.hasPrefix("/") ? nil : try .client(target)
  }

  /// Those that there are.
  init(clients: TLSContext?, server: TLSContext?) {
    self.clients = clients
    self.server = server
  }
}
