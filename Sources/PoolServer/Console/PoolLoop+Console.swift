import CLinux
import Glibc
import Logging
import PoolCore
import PostgresWire

// A client at the console: the database named `pgbouncer` or `dbtool`. It has no backend and asks for none.

/// A client at the console, and what it waits for.
struct ConsoleClientState {
  var session: ConsoleSession
  let user: String
  let application: String
  /// What its command waits for.
  var wait: ConsoleWait?
}

extension PoolLoop {
  // MARK: Coming in

  /// Whether the client means the console.
  func meansConsole(_ startup: KnownStartup) -> Bool {
    ConsoleSettings.names.contains(startup.database)
      && !settings.databases.contains { $0.name == startup.database }
  }

  /// Places beyond `max_client_connections`, so that somebody can still look when the pool is full.
  static var consolePlaces: Int { 16 }

  /// Whoever the pool runs as needs no password: it could read the pool's files and memory anyway.
  func isOwner(_ index: Int) -> Bool {
    clients[index].isUnix && clinux_peer_uid(clients[index].fd) == Int64(geteuid())
  }

  private func consoleRights(_ index: Int, _ startup: KnownStartup) -> ConsoleRights? {
    func isNamed(in users: [String]) -> Bool { users.contains { Accounts.key($0) == startup.account } }
    if isOwner(index) || isNamed(in: settings.console.admins) { return .admin }
    return isNamed(in: settings.console.readers) ? .stats : nil
  }

  /// The client is who it says.
  mutating func openConsole(_ index: Int, _ startup: KnownStartup, answering answer: inout MessageWriter) {
    guard startup.request.replication == .off else {
      return loginFailed(
        index, "0A000", "the console does not replicate", behind: answer.bytes)
    }
    guard let rights = consoleRights(index, startup) else {
      logger.info("login to the console refused", metadata: ["user": "\(startup.user)"])
      return loginFailed(
        index, "42501", "permission denied for the pool's console",
        hint: "admin_users or stats_users of the pool must name \"\(startup.user)\".", behind: answer.bytes)
    }
    logger.info("somebody is at the console", metadata: ["user": "\(startup.user)", "rights": "\(rights)"])
    let application = startup.request.value(of: "application_name") ?? []
    sessions.clientArrived(ClientID(index), startup: .empty)
    consoles[index] = ConsoleClientState(
      session: ConsoleSession(rights, user: startup.user), user: startup.user,
      application: String(decoding: application, as: UTF8.self))
    team.consoleCame()
    clientTimers.cancel(index)
    clients[index].phase = .console
    for (name, value) in [
      ("server_version", "1.24.0/dbtool"), ("client_encoding", "UTF8"), ("server_encoding", "UTF8"),
      ("DateStyle", "ISO, MDY"), ("TimeZone", "GMT"), ("IntervalStyle", "postgres"),
      ("integer_datetimes", "on"), ("standard_conforming_strings", "on"), ("is_superuser", "off"),
      ("session_authorization", startup.user),
      ("application_name", String(decoding: application, as: UTF8.self)),
    ] {
      answer.parameterStatus(name: name, value: value)
    }
    answer.backendKeyData(processID: clients[index].number, key: cancelSecret(of: index))
    answer.readyForQuery(.idle)
    counters.clientSetupsSucceeded += 1
    clients[index].tls?.offerSession()
    sendToClient(index, answer.bytes)
  }

  // MARK: Messages

  /// It waits for a command to end, or has answers to take first; it is not read until then.
  func mustConsoleWait(_ index: Int) -> Bool {
    consoles[index]?.session.isBusy == true || !clients[index].outgoing.isEmpty
  }

  /// Returns how many bytes are dealt with.
  mutating func consoleBytes(_ index: Int, _ bytes: Span<UInt8>) -> Int {
    var offset = 0
    messages: while clients[index].phase == .console, !mustConsoleWait(index) {
      switch FrameHeader.read(in: bytes, at: offset) {
      case .incomplete: break messages
      case .malformed:
        protocolViolation(index, tag: bytes[offset])
        return bytes.count
      case .frame(let header):
        guard header.length <= Self.longestConsoleMessage else {
          protocolViolation(index, header)
          return bytes.count
        }
        guard bytes.count - offset >= header.length else { break messages }
        let step = consoles[index]?.session.received(header, in: bytes, at: offset) ?? .end
        offset += header.length
        guard follow(index, step) else {
          protocolViolation(index, header)
          return bytes.count
        }
      }
    }
    sendConsoleOutput(index)
    return clients[index].phase == .absent ? bytes.count : offset
  }

  private static var longestConsoleMessage: Int { 16_384 }

  private mutating func sendConsoleOutput(_ index: Int) {
    guard clients[index].phase == .console, let output = consoles[index]?.session.takeOutput() else { return }
    sendToClient(index, output)
  }

  /// Runs what can be run at once. False when the client has sent what is no message.
  private mutating func follow(_ index: Int, _ first: ConsoleSession.Step) -> Bool {
    var step = first
    while case .run(let command) = step {
      guard let outcome = run(command, for: index) else { return true }
      guard clients[index].phase == .console else { return true }
      step = consoles[index]?.session.finished(outcome) ?? .end
    }
    if step == .end {
      sendConsoleOutput(index)
      closeClient(index)
    }
    return step != .violation
  }

  /// A command that took its time has ended.
  mutating func consoleCommandEnded(_ index: Int, _ outcome: ConsoleSession.Outcome) {
    guard clients[index].phase == .console,
      let step = consoles[index]?.session.finished(outcome), follow(index, step)
    else { return }
    sendConsoleOutput(index)
    // It was not read meanwhile.
    processIncoming(index)
    if clients[index].phase != .absent { readLater(client: index) }
  }

  // MARK: Commands

  /// - Returns: `nil` when the outcome comes later.
  private mutating func run(_ command: ConsoleCommand, for index: Int) -> ConsoleSession.Outcome? {
    switch command {
    case .show(.fds):
      return .failure(
        ErrorFields(
          severity: .error, sqlState: "0A000", message: "SHOW FDS is not served",
          detail: "It hands descriptors and the keys of cancels to another process.",
          hint: "SHOW SOCKETS lists the connections."))
    case .show(let view): return show(view, to: index)
    case .order(let order): return perform(order, for: index)
    case .sessionSetting, .one, .ignored, .begin, .commit, .rollback: return .done  // answered by the session
    }
  }

  private mutating func show(_ view: ConsoleView, to index: Int) -> ConsoleSession.Outcome? {
    guard isShared else {
      return .table(ConsoleAnswers(consoleReport(view.needs), consoleFacts()).table(view))
    }
    let token = Token(.client, index, generation: clients[index].generation)
    team.consoleReports(view.needs) { [mailbox] report in
      mailbox.post(.consoleReported(report, view, token))
    }
    return nil
  }

  /// All loops have told how they are.
  mutating func consoleReported(_ report: ConsoleReport, _ view: ConsoleView, for token: Token) {
    guard isAtConsole(token) else { return }
    consoleCommandEnded(token.index, .table(ConsoleAnswers(report, consoleFacts()).table(view)))
  }

  /// Whether the client that asked is still there.
  func isAtConsole(_ token: Token) -> Bool {
    clients[token.index].phase == .console
      && clients[token.index].generation & 0xFFF_FFFF == token.generation
  }
}
