import Glibc
package import Logging
import PoolCore
import Synchronization

/// The connection multiplexer: `dbtool pool`, and the pool inside `dbtool demo`.
package enum PoolServer {
  /// Runs until SIGTERM or SIGINT has drained it. Returns the exit status: 0 after a clean drain, 128 + n when a
  /// second signal ended it at once.
  ///
  /// - Parameters:
  ///   - source: where SIGHUP finds the settings anew; without one it reads secrets and certificates only.
  ///   - inheritance: sockets that this process was started with.
  ///   - successor: what SIGUSR2 starts.
  /// - Throws: ``PoolStartError`` when it cannot listen or the target's name cannot be found.
  package static func run(
    settings: PoolSettings, logger: Logger, source: SettingsSource? = nil, inheritance: Inheritance = .none,
    successor: Successor? = nil
  ) throws(PoolStartError) -> Int32 {
    // Before any thread starts, so that none of them takes a signal that is the loop's.
    let signals = PoolLoop.signalDescriptor()
    let parts = try PoolParts(
      settings: settings, logger: logger, source: source, inheritance: inheritance, successor: successor)
    ServiceNotice.ready.send()
    let status = try parts.runLoops(signals: signals)
    parts.probes.stop()
    return status
  }

  /// Whether the kernel has an io_uring for the calling process.
  package static var hasRing: Bool {
    guard let ring = try? Ring(opening: ()) else { return false }
    return ring.isOpen
  }

  /// Starts the pool on a thread of its own; signals stay the caller's.
  package static func start(settings: PoolSettings, logger: Logger) throws(PoolStartError) -> RunningPool {
    let parts = try PoolParts(settings: settings, logger: logger)
    return RunningPool(parts)
  }
}

/// Why a pool could not start.
package struct PoolStartError: Error, Sendable {
  package let message: String
  package let hint: String
  /// The file at fault, and its line; from 1.
  package var file: String?
  package var line: Int?

  package init(_ message: String, hint: String, file: String? = nil, line: Int? = nil) {
    self.file = file
    self.line = line
    self.message = message
    self.hint = hint
  }

  init(_ error: AccessFileError, hint: String) {
    self.init(error.line == nil ? error.message : error.what, hint: hint)
    file = error.line == nil ? nil : error.path
    line = error.line
  }
}

/// A pool on a thread of its own.
package final class RunningPool: Sendable {
  let parts: PoolParts
  private let ended = Mutex(false)

  fileprivate init(_ parts: PoolParts) {
    self.parts = parts
    startThread { [self] in
      _ = try? parts.runLoops(signals: -1)
      ended.withLock { $0 = true }
    }
  }

  /// Where it listens, as `host:port` or `unix:path`, with the ports that the system chose.
  package var listeningAddresses: [String] { parts.listeners.map(\.address) }

  /// The pool as it is now; `nil` when it has ended or does not answer within two seconds.
  package func snapshot() -> PoolSnapshot? {
    parts.snapshot(within: 2_000)
  }

  /// Drains, and returns once the pool has ended.
  package func stop() {
    parts.team.post(.drain(nil), to: 0)
    while !ended.withLock({ $0 }) { usleep(2_000) }
    parts.probes.stop()
  }
}
