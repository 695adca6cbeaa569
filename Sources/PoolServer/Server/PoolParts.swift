import CLinux
import Glibc
import Logging
import PoolCore
import Synchronization

/// What a pool is put together from before its loop turns.
final class PoolParts: Sendable {
  let settings: PoolSettings
  let logger: Logger
  let team: LoopTeam
  let listeners: [BoundListener]
  let addresses: [ServerAddress]
  let status: StatusServer?
  let tls: TLSContexts
  let source: SettingsSource?

  init(settings: PoolSettings, logger: Logger, source: SettingsSource? = nil) throws(PoolStartError) {
    self.settings = settings
    self.source = source
    self.logger = logger
    _ = clinux_raise_file_limit()
    do {
      let loops = settings.threads > 0 ? settings.threads : Int(clinux_processors())
      team = try LoopTeam(
        loops: loops, cap: settings.maxConnections ?? 1, keepsPlace: !settings.lookupUser.isEmpty)
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
    addresses = try Self.targetAddresses(settings, tls)
    listeners = try Self.bind(settings.listeners)
    status = try Self.startStatus(settings, team)
  }

  /// Turns the loops, the first of them on this thread, until they have drained.
  func runLoops(signals: Int32) throws(PoolStartError) -> Int32 {
    let others = LoopThreads()
    for number in 1..<max(1, team.count) {
      others.begins()
      startThread { [self] in
        do throws(PoolStartError) {
          _ = try runLoop(number, signals: -1)
        } catch {
          others.failed(error)
          // The others would wait for it.
          team.ended(number, PoolSnapshot())
          team.post(.drain, to: 0)
        }
        others.ended()
      }
    }
    let status = try runLoop(0, signals: signals)
    // A second signal ends it at once.
    if status == 0 {
      while others.running > 0 { usleep(1_000) }
      if let error = others.error { throw error }
    }
    return status
  }

  private func runLoop(_ number: Int, signals: Int32) throws(PoolStartError) -> Int32 {
    let ring = try openRing(number)
    var logger = logger
    if number > 0 { logger[metadataKey: "loop"] = "\(number)" }
    let isFirst = number == 0
    do {
      let poller = try PoolLoop.watch(
        isFirst ? listeners : [], mailbox: team.mailboxes[number], signals: signals)
      var loop = PoolLoop(
        settings: settings, logger: logger, listeners: isFirst ? listeners : [], addresses: addresses,
        team: team, number: number, signals: signals, poller: poller, ring: ring, tls: tls,
        source: source)
      return loop.run()
    } catch {
      throw PoolStartError(
        "cannot start the event loop: \(error.call): \(error.reason)", hint: "Raise the limit on open files.")
    }
  }

  /// An io_uring, on the thread that will use it; none where epoll does its work.
  private func openRing(_ number: Int) throws(PoolStartError) -> Ring {
    guard settings.io == .ring || settings.io == .auto && PoolSettings.IO.autoTakesRing else { return Ring() }
    do throws(SystemError) {
      let ring = try Ring(opening: ())
      if number == 0 { logger.info("the loop uses io_uring") }
      return ring
    } catch {
      guard settings.io == .auto else {
        throw PoolStartError(
          "cannot use io_uring: \(error.call): \(error.reason)",
          hint: "It takes Linux 6.1 and no filter or sysctl (kernel.io_uring_disabled) that forbids it; "
            + #""epoll" works everywhere."#)
      }
      if number == 0 { logger.info("the loop uses epoll: \(error.call): \(error.reason)") }
      return Ring()
    }
  }

  /// Asks the loops and waits for their answer.
  func snapshot(within milliseconds: Int) -> PoolSnapshot? {
    final class Answer: Sendable { let value = Mutex<PoolSnapshot?>(nil) }
    let answer = Answer()
    team.snapshot(.counts) { snapshot in answer.value.withLock { $0 = snapshot } }
    for _ in 0..<milliseconds {
      if let value = answer.value.withLock({ $0 }) { return value }
      usleep(1_000)
    }
    return nil
  }

  // MARK: Starting

  /// The loop reads them; here a mistake in them still stops the start, or a reload.
  static func checkFiles(_ settings: PoolSettings) throws(PoolStartError) {
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

  private static func targetAddresses(
    _ settings: PoolSettings, _ tls: TLSContexts
  ) throws(PoolStartError) -> [ServerAddress] {
    let (found, error) = ServerAddress.resolve(settings.targets, tls.servers)
    // One of several that has no address now may have one when it is needed.
    if let error, found.isEmpty {
      throw PoolStartError(error.message, hint: "Check the host of the target.")
    }
    return found
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
    _ settings: PoolSettings, _ team: LoopTeam
  ) throws(PoolStartError) -> StatusServer? {
    guard let http = settings.http else { return nil }
    do throws(StatusServerError) {
      return try StatusServer.start(host: http.host, port: http.port) { detail, answer in
        team.snapshot(detail, answer)
      }
    } catch {
      throw PoolStartError(error.message, hint: "Use \(error.hint).")
    }
  }
}

/// The threads of the loops beside the first.
private final class LoopThreads: Sendable {
  private struct State {
    var running = 0
    var error: PoolStartError?
  }

  private let state = Mutex(State())

  var running: Int { state.withLock { $0.running } }
  var error: PoolStartError? { state.withLock { $0.error } }

  func begins() { state.withLock { $0.running += 1 } }
  func ended() { state.withLock { $0.running -= 1 } }
  func failed(_ error: PoolStartError) { state.withLock { $0.error = error } }
}
