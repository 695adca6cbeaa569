import Synchronization

/// The endpoint for probes and metrics of a pool, which another process may need the port of.
final class Probes: Sendable {
  private let address: (host: String, port: UInt16)?
  private let source: StatusServer.Source
  private let server = Mutex<StatusServer?>(nil)

  /// - Parameter address: `nil`: there is none.
  init(_ address: (host: String, port: UInt16)?, _ team: LoopTeam) {
    self.address = address
    source = { detail, answer in team.snapshot(detail, answer) }
  }

  /// - Throws: ``PoolStartError`` when the address cannot be had.
  func serve() throws(PoolStartError) {
    guard let address else { return }
    do throws(StatusServerError) {
      let started = try StatusServer.start(host: address.host, port: address.port, source: source)
      server.withLock { $0 = started }
    } catch {
      throw PoolStartError(error.message, hint: "Use \(error.hint).")
    }
  }

  /// Ends all connections and gives the port back. Blocks until both is done.
  func stop() {
    let running = server.withLock { server in
      defer { server = nil }
      return server
    }
    running?.stop()
  }
}
