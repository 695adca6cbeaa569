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
  let probes: Probes
  let inheritance: Inheritance
  let successor: Successor?
  let tls: TLSContexts
  let source: SettingsSource?

  /// - Parameters:
  ///   - source: where the settings are read again.
  ///   - inheritance: sockets that the process was started with.
  ///   - successor: how another one like this is started; `nil`: it cannot be.
  init(
    settings: PoolSettings, logger: Logger, source: SettingsSource? = nil, inheritance: Inheritance = .none,
    successor: Successor? = nil
  ) throws(PoolStartError) {
    self.settings = settings
    self.source = source
    self.inheritance = inheritance
    self.successor = successor
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
    listeners = try BoundListener.all(settings.listeners, inheritance)
    if let channel = inheritance.channel {
      // The process before this one has the port for probes until then.
      guard channel.send(.bound) == .sent, channel.awaits(.go, milliseconds: 20_000) else {
        throw PoolStartError("the process before this one does not answer", hint: "It goes on; see its log.")
      }
    }
    probes = Probes(settings.http, team)
    try probes.serve()
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
          team.post(.drain(nil), to: 0)
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
      if isFirst { try begin(&loop) }
      return loop.run()
    } catch {
      throw PoolStartError(
        "cannot start the event loop: \(error.call): \(error.reason)", hint: "Raise the limit on open files.")
    }
  }

  /// The first loop, which is about to turn: this process takes clients from now on.
  private func begin(_ loop: inout PoolLoop) throws(SystemError) {
    if let successor {
      let probes = probes
      loop.means = HandOverMeans(
        successor: successor,
        freeProbes: { done in
          startThread {
            probes.stop()
            done()
          }
        },
        serveProbes: { startThread { try? probes.serve() } })
    }
    if let channel = inheritance.channel {
      try loop.follow(channel)
      _ = channel.send(.ready)
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
