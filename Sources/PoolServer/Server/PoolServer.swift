import CLinux
import Glibc
package import Logging
import PoolCore
import Synchronization

/// The connection multiplexer: `dbtool pool`, and the pool inside `dbtool demo`.
package enum PoolServer {
  /// Runs until SIGTERM or SIGINT has drained it. Returns the exit status: 0 after a clean drain, 128 + n when a
  /// second signal ended it at once.
  ///
  /// - Throws: ``PoolStartError`` when it cannot listen or the target's name cannot be found.
  package static func run(settings: PoolSettings, logger: Logger) throws(PoolStartError) -> Int32 {
    // Before any thread starts, so that none of them takes a signal that is the loop's.
    let signals = PoolLoop.signalDescriptor()
    let parts = try PoolParts(settings: settings, logger: logger)
    let status = try parts.runLoop(signals: signals)
    parts.status?.stop()
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

  init(_ message: String, hint: String) {
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
      _ = try? parts.runLoop(signals: -1)
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
    parts.mailbox.post(.drain)
    while !ended.withLock({ $0 }) { usleep(2_000) }
    parts.status?.stop()
  }
}

/// What a pool is put together from before its loop turns.
final class PoolParts: Sendable {
  let settings: PoolSettings
  let logger: Logger
  let mailbox: Mailbox<LoopMessage>
  let listeners: [BoundListener]
  let addresses: [SocketAddress]
  let status: StatusServer?
  let tls: TLSContexts

  init(settings: PoolSettings, logger: Logger) throws(PoolStartError) {
    self.settings = settings
    self.logger = logger
    _ = clinux_raise_file_limit()
    do {
      mailbox = try Mailbox()
    } catch {
      throw PoolStartError(
        "cannot start the event loop: \(error.call): \(error.reason)", hint: "Raise the limit on open files.")
    }
    do throws(TLSFailure) {
      tls = try TLSContexts(settings)
    } catch {
      throw PoolStartError(error.reason, hint: error.hint ?? "Check [pool.tls], and the target's ca_file.")
    }
    if let certificate = tls.clients?.description {
      logger.notice("TLS for clients", metadata: ["certificate": "\(certificate)"])
    }
    try Self.checkFiles(settings)
    addresses = try Self.targetAddresses(settings.target)
    listeners = try Self.bind(settings.listeners)
    status = try Self.startStatus(settings, mailbox)
  }

  /// Turns the loop on this thread until it has drained.
  func runLoop(signals: Int32) throws(PoolStartError) -> Int32 {
    let ring = try openRing()
    do {
      let poller = try PoolLoop.watch(listeners, mailbox: mailbox, signals: signals)
      var loop = PoolLoop(
        settings: settings, logger: logger, listeners: listeners, addresses: addresses, mailbox: mailbox,
        signals: signals, poller: poller, ring: ring, tls: tls)
      return loop.run()
    } catch {
      throw PoolStartError(
        "cannot start the event loop: \(error.call): \(error.reason)", hint: "Raise the limit on open files.")
    }
  }

  /// An io_uring, on the thread that will use it; none where epoll does its work.
  private func openRing() throws(PoolStartError) -> Ring {
    guard settings.io == .ring || settings.io == .auto && PoolSettings.IO.autoTakesRing else { return Ring() }
    do throws(SystemError) {
      let ring = try Ring(opening: ())
      logger.info("the loop uses io_uring")
      return ring
    } catch {
      guard settings.io == .auto else {
        throw PoolStartError(
          "cannot use io_uring: \(error.call): \(error.reason)",
          hint: "It takes Linux 6.1 and no filter or sysctl (kernel.io_uring_disabled) that forbids it; "
            + #""epoll" works everywhere."#)
      }
      logger.info("the loop uses epoll: \(error.call): \(error.reason)")
      return Ring()
    }
  }

  /// Asks the loop and waits for its answer.
  func snapshot(within milliseconds: Int) -> PoolSnapshot? {
    final class Answer: Sendable { let value = Mutex<PoolSnapshot?>(nil) }
    let answer = Answer()
    mailbox.post(.snapshot { snapshot in answer.value.withLock { $0 = snapshot } })
    for _ in 0..<milliseconds {
      if let value = answer.value.withLock({ $0 }) { return value }
      usleep(1_000)
    }
    return nil
  }

  // MARK: Starting

  /// The loop reads them; here a mistake in them still stops the start.
  private static func checkFiles(_ settings: PoolSettings) throws(PoolStartError) {
    do throws(AccessFileError) {
      if !settings.authFile.isEmpty {
        let users = try PoolLoop.users(in: settings.authFile)
        try checkLookupUser(settings, among: users)
      }
    } catch {
      throw PoolStartError(error, hint: #"auth_file has lines like "app" "secret", both in double quotes"#)
    }
    do throws(AccessFileError) {
      if !settings.authHBAFile.isEmpty { _ = try PoolLoop.rules(in: settings.authHBAFile) }
    } catch {
      throw PoolStartError(error, hint: "auth_hba_file has lines like host all app 10.0.0.0/8 scram-sha-256")
    }
  }

  private static func checkLookupUser(
    _ settings: PoolSettings, among listed: [UserList.User]
  ) throws(AccessFileError) {
    let wanted = Accounts.key(settings.lookupUser)
    guard !wanted.isEmpty, !settings.users.contains(where: { Accounts.key($0.name) == wanted }),
      !listed.contains(where: { Accounts.key($0.name) == wanted })
    else { return }
    throw AccessFileError(path: settings.authFile, what: "does not name auth_user \"\(settings.lookupUser)\"")
  }

  private static func targetAddresses(_ target: PoolSettings.Target) throws(PoolStartError) -> [SocketAddress]
  {
    do {
      if target.host.hasPrefix("/") {
        return [try SocketAddress(unixPath: "\(target.host)/.s.PGSQL.\(target.port)")]
      }
      return try SocketAddress.resolve(host: target.host, port: target.port)
    } catch {
      throw PoolStartError(error.message, hint: "Check the host of the target.")
    }
  }

  private static func bind(_ wanted: [PoolSettings.Listener]) throws(PoolStartError) -> [BoundListener] {
    var bound: [BoundListener] = []
    for listener in wanted {
      do throws(PoolStartError) {
        switch listener {
        case .tcp(let host, let port): bound += try bindTCP(host, port)
        case .unix(let folder, let port): bound.append(try bindUnix(folder, port))
        }
      } catch {
        for listener in bound { listener.socket.close() }
        throw error
      }
    }
    return bound
  }

  private static func bindTCP(_ host: String, _ port: UInt16) throws(PoolStartError) -> [BoundListener] {
    do {
      return try SocketAddress.resolve(host: host, port: port, forListening: true).map { address in
        let socket = try address.listen()
        let actual = socket.localPort ?? port
        let name = host.contains(":") ? "[\(host)]:\(actual)" : "\(host):\(actual)"
        return BoundListener(socket: socket, address: name, isUnix: false, path: nil)
      }
    } catch let error as SystemError {
      throw PoolStartError(
        "cannot listen on \(host):\(port): \(error.reason)",
        hint: error.code == EADDRINUSE
          ? "Another process has the port. End it, or choose another address with --listen."
          : "Choose an address of this machine and a port that you may use, with --listen.")
    } catch {
      throw PoolStartError("cannot listen on \(host):\(port): \(error)", hint: "Check --listen.")
    }
  }

  private static func bindUnix(_ folder: String, _ port: UInt16) throws(PoolStartError) -> BoundListener {
    let path = "\(folder)/.s.PGSQL.\(port)"
    do {
      let address = try SocketAddress(unixPath: path)
      // A socket that nobody answers on is left over from a process that was killed.
      if access(path, F_OK) == 0 {
        if let probe = try? address.connect() {
          probe.close()
          throw SystemError(call: "bind", code: EADDRINUSE)
        }
        unlink(path)
      }
      let socket = try address.listen()
      chmod(path, 0o777)
      return BoundListener(socket: socket, address: "unix:\(path)", isUnix: true, path: path)
    } catch let error as SystemError {
      throw PoolStartError(
        "cannot listen on \(path): \(error.reason)",
        hint: error.code == EADDRINUSE
          ? "Another process answers there. End it, or choose another folder or port."
          : "The folder must exist and be writable.")
    } catch {
      throw PoolStartError("cannot listen on \(path): \(error)", hint: "Choose a shorter path.")
    }
  }

  private static func startStatus(
    _ settings: PoolSettings, _ mailbox: Mailbox<LoopMessage>
  ) throws(PoolStartError) -> StatusServer? {
    guard let http = settings.http else { return nil }
    do throws(StatusServerError) {
      return try StatusServer.start(host: http.host, port: http.port) { answer in
        mailbox.post(.snapshot(answer))
      }
    } catch {
      throw PoolStartError(error.message, hint: "Use \(error.hint).")
    }
  }
}
