import Logging
import PoolCore
import PostgresWire

// Orders that are given at the console. What concerns all loops is carried out by each, in the order in which their
// messages come.

extension PoolLoop {
  /// - Returns: `nil` when the outcome comes later.
  mutating func perform(_ order: ConsoleOrder, for index: Int) -> ConsoleSession.Outcome? {
    if let refusal = refusal(of: order) { return .failure(refusal) }
    logger.notice(
      "ordered at the console",
      metadata: ["user": "\(consoles[index]?.user ?? "")", "order": "\(order.tag)\(order.argument)"])
    let token = Token(.client, index, generation: clients[index].generation)
    switch order {
    case .set(let key, let value): return change(key, to: value)
    case .reload: return request(order, at: 0, for: token)
    case .killClient(let id):
      guard clientNumbers.pool(of: id) == clientNumbers.pool else { return .failure(Self.noClient(id)) }
      return request(order, at: clientNumbers.place(of: id) / clients.capacity, for: token)
    case .shutdown:
      // Once this has been answered.
      for loop in 0..<team.count { team.post(.consoleOrder(order), to: loop) }
      return .done
    case .pause(let name):
      carryOutEverywhere(order)
      return wait(.pause(target: name.flatMap { identities.targetDatabase($0) }), for: index)
    case .waitClose(let name):
      return wait(.close(target: name.flatMap { identities.targetDatabase($0) }), for: index)
    case .resume, .reconnect, .kill, .disable, .enable:
      carryOutEverywhere(order)
      return .done
    case .suspend: return .done  // refused before
    }
  }

  private mutating func carryOutEverywhere(_ order: ConsoleOrder) {
    team.postToOthers(.consoleOrder(order), than: number)
    carryOut(order)
  }

  private func refusal(of order: ConsoleOrder) -> ErrorFields? {
    if order == .suspend {
      return ErrorFields(
        severity: .error, sqlState: "0A000", message: "SUSPEND is not served",
        detail: "It stops a process that hands its sockets to another one.",
        hint: "PAUSE lets the server rest; SIGUSR2 hands over to a new process.")
    }
    if case .resume(nil) = order, !console.isPausing {
      return ErrorFields(
        severity: .error, sqlState: "55000", message: "the pool is not paused", hint: "SHOW STATE tells.")
    }
    guard let name = order.database else { return nil }
    if ConsoleSettings.names.contains(name), !settings.databases.contains(where: { $0.name == name }) {
      return ErrorFields(
        severity: .error, sqlState: "55000", message: "\(order.tag) is not for the console itself")
    }
    guard let target = identities.targetDatabase(name) else {
      return ErrorFields(
        severity: .error, sqlState: "3D000", message: "database \"\(name)\" does not exist",
        hint: "SHOW DATABASES lists them.")
    }
    if case .resume = order, !console.isPaused(target) {
      return ErrorFields(
        severity: .error, sqlState: "55000", message: "database \"\(name)\" is not paused",
        hint: "SHOW DATABASES tells which are.")
    }
    return nil
  }

  /// On this loop.
  mutating func carryOut(_ order: ConsoleOrder) {
    let target = order.database.flatMap { identities.targetDatabase($0) }
    switch order {
    case .pause:
      if let target { console.paused.insert(target) } else { console.isAllPaused = true }
      applyPauses()
    case .resume:
      if let target, !console.isAllPaused {
        console.paused.remove(target)
      } else {
        (console.isAllPaused, console.paused) = (false, [])
      }
      applyPauses()
    case .kill:
      if let target { console.paused.insert(target) } else { console.isAllPaused = true }
      applyPauses()
      killAll(target)
    case .reconnect:
      retireBackends { loop, index in
        target == nil
          || loop.identities.entries[Int(loop.pool.identity(of: BackendID(index)).index)].database == target
      }
    case .disable(let name): console.disabled.insert(name)
    case .enable(let name): console.disabled.remove(name)
    case .shutdown(let how): shutDown(how)
    case .set, .killClient, .waitClose, .reload, .suspend: break  // of one loop only
    }
  }

  // MARK: PAUSE

  /// Brings the pool to what has been ordered; for identities that have come meanwhile, too.
  mutating func applyPauses() {
    var hasResumed = false
    for index in identities.entries.indices {
      let id = IdentityID(index)
      let isMeant = console.isPaused(identities.entries[index].database)
      guard isMeant != pool.isPaused(id) else { continue }
      if isMeant {
        pool.pause(id)
      } else {
        pool.resume(id)
        hasResumed = true
      }
    }
    if console.isPausing { closeResting() }
    guard hasResumed else { return }
    publishedWait = 0
    openForWaiters()
  }

  /// What nobody has goes at once; the rest as it comes back. Those that listen are opened again afterwards.
  private mutating func closeResting() {
    for index in 0..<backends.used {
      switch backends[index].phase {
      case .serving where pool.isIdle(BackendID(index)), .listening, .lookingUp:
        if pool.isPaused(pool.identity(of: BackendID(index))) { closeBackend(index) }
      case .absent, .connecting, .encrypting, .login, .preparing, .serving, .recovering, .cleaning,
        .replicating, .closing:
        break
      }
    }
  }

  private mutating func wait(_ wait: ConsoleWait, for index: Int) -> ConsoleSession.Outcome? {
    consoles[index]?.wait = wait
    clientTimers.set(index, now)
    return nil
  }

  /// Is it time to answer?
  mutating func consoleTimerFired(_ index: Int) {
    guard consoles[index]?.wait != nil else { return }
    guard isShared else { return consoleWaitGoesOn(index, consoleReport([])) }
    let token = Token(.client, index, generation: clients[index].generation)
    team.consoleReports([]) { [mailbox] report in mailbox.post(.consoleWaitReported(report, token)) }
  }

  mutating func consoleWaitReported(_ report: ConsoleReport, for token: Token) {
    if isAtConsole(token) { consoleWaitGoesOn(token.index, report) }
  }

  private mutating func consoleWaitGoesOn(_ index: Int, _ report: ConsoleReport) {
    guard let wait = consoles[index]?.wait else { return }
    func groups(_ target: String?) -> [ConsoleGroup] {
      report.groups.filter { !$0.isApart && (target == nil || $0.target == target) }
    }
    let isOver: Bool
    switch wait {
    case .pause(let target):
      guard target.map({ console.isPaused($0) }) ?? console.isAllPaused else {
        consoles[index]?.wait = nil
        return consoleCommandEnded(
          index,
          .failure(ErrorFields(severity: .error, sqlState: "57014", message: "PAUSE was ended by RESUME")))
      }
      isOver = groups(target).allSatisfy { $0.backends == 0 }
    case .close(let target): isOver = groups(target).allSatisfy { $0.backendsToClose == 0 }
    }
    guard isOver else { return clientTimers.set(index, now.advanced(byMilliseconds: Self.waitLook)) }
    consoles[index]?.wait = nil
    consoleCommandEnded(index, .done)
  }

  /// Between two looks at what a command waits for. Milliseconds.
  private static var waitLook: UInt64 { 50 }

  /// The client gives up; what it has ordered stays.
  mutating func cancelConsole(_ index: Int) {
    guard consoles[index]?.wait != nil else { return }
    consoles[index]?.wait = nil
    clientTimers.cancel(index)
    consoleCommandEnded(
      index,
      .failure(
        ErrorFields(
          severity: .error, sqlState: "57014", message: "canceling statement due to user request",
          hint: console.isPausing ? "The pool is still paused; RESUME ends that." : nil)))
  }

  // MARK: KILL

  /// - Parameter target: `nil` for all databases.
  private mutating func killAll(_ target: String?) {
    for index in 0..<clients.used {
      switch clients[index].phase {
      case .checking, .idle, .waiting, .active, .replicating:
        let identity = Int(clients[index].identity)
        guard target == nil || identities.entries[identity].database == target else { continue }
        kill(client: index)
      case .absent, .startup, .authenticating, .console, .closing: break
      }
    }
    for index in 0..<backends.used where backends[index].phase != .absent {
      let identity = Int(pool.identity(of: BackendID(index)).index)
      if target == nil || identities.entries[identity].database == target { closeBackend(index) }
    }
  }

  private mutating func kill(client index: Int) {
    let backend = Int(clients[index].backend)
    // In the middle of a row it could not read our words.
    if clients[index].backend != BackendID.none.index, backends[backend].passthrough > 0,
      !backends[backend].dropsRest
    {
      return closeClient(index)
    }
    refuse(
      index,
      ErrorFields(
        severity: .fatal, sqlState: "57P01",
        message: "terminating connection due to administrator command",
        hint: "Somebody has said KILL at the pool's console."))
  }

  private static func noClient(_ id: UInt32) -> ErrorFields {
    ErrorFields(
      severity: .error, sqlState: "42704", message: "there is no client \(id)",
      hint: "SHOW CLIENTS has the ids; a client that comes again has another one.")
  }

  // MARK: What one loop does for all

  private mutating func request(
    _ order: ConsoleOrder, at loop: Int, for token: Token
  ) -> ConsoleSession.Outcome? {
    if loop == number { return outcome(of: order) }
    let isPosted =
      loop < team.count && team.postUnlessEnded(.consoleRequest(order, from: number, token), to: loop)
    guard !isPosted else { return nil }
    if case .killClient(let id) = order { return .failure(Self.noClient(id)) }
    return .failure(ErrorFields(severity: .error, sqlState: "57P01", message: "the pool is shutting down"))
  }

  mutating func consoleRequested(_ order: ConsoleOrder, from loop: Int, for token: Token) {
    team.post(.consoleAnswered(outcome(of: order), token), to: loop)
  }

  mutating func consoleAnswered(_ outcome: ConsoleSession.Outcome, for token: Token) {
    if isAtConsole(token) { consoleCommandEnded(token.index, outcome) }
  }

  private mutating func outcome(of order: ConsoleOrder) -> ConsoleSession.Outcome {
    switch order {
    case .reload:
      switch reload() {
      case .done(let fixed) where fixed.isEmpty: return .done
      case .done(let fixed):
        return .notice(
          ErrorFields(
            severity: .notice, sqlState: "00000",
            message: "only a restart changes \(fixed.joined(separator: ", "))"))
      case .failed(let message, let hint):
        return .failure(
          ErrorFields(
            severity: .error, sqlState: "F0000", message: message,
            detail: "The configuration in use stays.", hint: hint))
      }
    case .killClient(let id):
      let index = inheritedNumbers[id] ?? clientNumbers.place(of: id) - number * clients.capacity
      guard index >= 0, index < clients.used, clients[index].phase != .absent, clients[index].number == id
      else { return .failure(Self.noClient(id)) }
      kill(client: index)
      return .done
    case .set, .pause, .resume, .reconnect, .kill, .disable, .enable, .waitClose, .shutdown, .suspend:
      preconditionFailure("not for one loop: \(order.tag)")
    }
  }

  // MARK: SET

  private mutating func change(_ key: String, to value: String) -> ConsoleSession.Outcome {
    var fresh = settings
    switch settings.console.change?(key, value, &fresh) ?? .unknown(hint: "There are no keys.") {
    case .done:
      guard fresh.keep(fixedBy: settings).isEmpty else {
        return Self.refused(
          "55P02", "\(key) cannot be set to \(value) now", "A restart with another one can.")
      }
    case .unknown(let hint): return Self.refused("42704", "there is no key \"\(key)\"", hint)
    case .fixed:
      return Self.refused("55P02", "\(key) cannot be changed by SET", "SHOW CONFIG tells which can.")
    case .wrong(let what, let hint): return Self.refused("22023", "\(key) \(what)", hint)
    }
    let tls = TLSContexts(clients: clientTLS, servers: serverTLS)
    configure(fresh, tls)
    team.postToOthers(.reload(fresh, tls), than: number)
    return .done
  }

  private static func refused(_ sqlState: String, _ message: String, _ hint: String?)
    -> ConsoleSession.Outcome
  {
    .failure(ErrorFields(severity: .error, sqlState: sqlState, message: message, hint: hint))
  }

  // MARK: SHUTDOWN

  private mutating func shutDown(_ how: ConsoleShutdown) {
    switch how {
    case .afterTransactions:
      // It tells the others.
      if number == 0 { startDraining() }
    case .immediate:
      startDraining()
      (drain.stopListening, drain.deadline) = (now, now)
      drainProgressed()
    case .afterClients:
      console.isLeaving = true
      closeListeners()
    }
  }

  /// Twice a second, once nobody new is taken: has everybody left?
  mutating func leaveWhenEmpty() {
    guard console.isLeaving, number == 0, !drain.isDraining else { return }
    guard isShared else { return mayLeave(consoleReport([])) }
    team.consoleReports([]) { [mailbox] report in mailbox.post(.consoleLeaving(report)) }
  }

  mutating func mayLeave(_ report: ConsoleReport) {
    let atConsole = report.groups.first { $0.target == ConsoleAnswers.console }?.clientsActive ?? 0
    guard report.counts.clients == atConsole, !drain.isDraining else { return }
    startDraining()
    drain.stopListening = now
    drainProgressed()
  }
}

extension ConsoleOrder {
  /// That it names.
  fileprivate var database: String? {
    switch self {
    case .pause(let name), .resume(let name), .reconnect(let name), .kill(let name), .waitClose(let name):
      name
    case .disable(let name), .enable(let name): name
    case .set, .killClient, .shutdown, .reload, .suspend: nil
    }
  }

  /// For the log; never a value, which may be secret.
  fileprivate var argument: String {
    switch self {
    case .set(let key, _): " \(key)"
    case .killClient(let id): " \(id)"
    default: database.map { " \($0)" } ?? ""  // all others name a database or nothing
    }
  }
}
