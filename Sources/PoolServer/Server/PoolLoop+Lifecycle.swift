import CLinux
import Glibc
import Logging
import PoolCore
import PostgresWire

/// How far the pool is in ending.
struct DrainState {
  /// SIGTERM has come: /readyz says so.
  var isDraining = false
  /// By a signal; a hand-over drains by itself.
  var isTold = false
  /// No new connections are taken.
  var hasStoppedListening = false
  var hasClosedListeners = false
  /// When running transactions are cut off.
  var deadline: Instant?
  /// Since when no client is left.
  var emptySince: Instant?
  /// When listening stops.
  var stopListening: Instant?
  /// `drain_timeout` is over.
  var hasCutOff = false
  var isDone = false
  var status: Int32 = 0
}

// Signals, messages from other threads, timers, draining.

extension PoolLoop {
  // MARK: Signals and messages

  mutating func signalsArrived() {
    while true {
      let signal = clinux_next_signal(signals)
      switch signal {
      case 0: return
      case SIGHUP: reload()
      case SIGUSR2: startHandOver()
      default:
        if drain.isDraining, passesTo == nil || drain.isTold {
          logger.warning("second signal: ending at once")
          drain.isDone = true
          drain.status = 128 + signal
          return
        }
        drain.isTold = true
        if let handOver, !handOver.isReady { abandonHandOver() }
        startDraining()
      }
    }
  }

  mutating func messagesArrived() {
    for message in mailbox.drain() {
      switch message {
      case .snapshot(let detail, let answer): answer(snapshot(detail))
      case .drain(let channel): startDraining(handingOverTo: channel)
      case .inherited(let passage, let fd): inherit(passage, fd)
      case .resolved(let addresses): targetsFound(addresses)
      case .writer(let target): writerIs(target, isTold: true)
      case .proved(let account, let clientKey): learnProof(account, clientKey)
      case .probesFree: if let handOver { _ = handOver.channel.send(.go) }
      case .enter(let user, let database, let answer): tryEntry(user, database, answer)
      case .lookUp(let user, let database, let answer): tryLookup(user, database, answer)
      case .verifier(let user, let password, let verifier):
        identities.accounts[Accounts.key(user)]?.password.adopt(verifier, of: password)
      case .peerResolved(let addresses, let request, let asker): peerResolved(addresses, request, asker)
      case .accepted(let fd, let isUnix): accepted(fd, isUnix: isUnix)
      case .lend(let loop, let key, let hops): lend(to: loop, as: key, hops: hops)
      case .nothingToLend: nothingLent()
      case .loopEnded: if drain.isDraining { drainProgressed() }
      case .adopt(let passage): adopt(passage)
      case .findHolder(let loop, let client): team.post(.holder(longestHolder, client: client), to: loop)
      case .holder(let holder, let client): found(holder, for: client)
      case .yieldListener: yieldListener()
      case .yieldLookups: yieldLookups()
      case .placesFree:
        publishedWait = 0
        openForWaiters()
      case .cancel(let process, let key, let asker): cancelHere(process, key, for: asker)
      case .cancelDone(let asker): endAsker(asker)
      case .consoleReport(let needs, let answer): answer(consoleReport(needs))
      case .consoleReported(let report, let view, let client): consoleReported(report, view, for: client)
      case .consoleWaitReported(let report, let client): consoleWaitReported(report, for: client)
      case .consoleLeaving(let report): mayLeave(report)
      case .consoleOrder(let order): carryOut(order)
      case .consoleRequest(let order, let loop, let client): consoleRequested(order, from: loop, for: client)
      case .consoleAnswered(let outcome, let client): consoleAnswered(outcome, for: client)
      case .reload(let fresh, let tls): configure(fresh, tls)
      }
    }
  }

  // MARK: Timers

  mutating func runTimers() {
    while let index = clientTimers.nextExpired(at: now) { clientTimerFired(index) }
    while let index = backendTimers.nextExpired(at: now) { backendTimerFired(index) }
    if let attempt = pool.nextConnectAttempt, now >= attempt { openForWaiters() }
    if now >= janitorDue {
      janitorDue = now.advanced(byMilliseconds: 500)
      tidy()
    }
    if !deferred.isEmpty { runDeferred() }
  }

  private mutating func clientTimerFired(_ index: Int) {
    switch clients[index].phase {
    case .absent: return
    case .startup, .authenticating:
      counters.loginTimeouts += 1
      closeClient(index)
    case .waiting, .checking:
      guard pool.isWaiting(ClientID(index)) else { return }
      if clients[index].mayBeAnswered { return answerFromMemory(index) }
      if tellsOfWait(index) || waitsOn(index) { return }
      borrowTimedOut(index)
    case .idle: idleTooLong(index)
    case .active: activeTimerFired(index)
    case .replicating: return
    case .console: consoleTimerFired(index)
    case .closing: closeClient(index)
    }
  }

  mutating func idleTooLong(_ index: Int) {
    // It may have been turned off since.
    guard settings.idleClientTimeout > 0 else { return }
    refuse(
      index,
      ErrorFields(
        severity: .fatal, sqlState: "57P05",
        message: "terminating connection after \(settings.idleClientTimeout) ms without a query",
        hint: "idle_client_timeout sets this limit."))
  }

  private mutating func backendTimerFired(_ index: Int) {
    switch backends[index].phase {
    case .absent, .serving, .listening, .replicating: return
    case .connecting, .encrypting, .login, .preparing:
      backendLoginFailed(index, nil, "no answer within connect_timeout (\(settings.connectTimeout) ms)")
    case .lookingUp: lookupTimedOut(index)
    case .recovering, .cleaning:
      logger.warning("a backend could not be brought back clean in time and is closed")
      closeBackend(index)
    case .closing: backendGone(index)
    }
  }

  /// Twice a second: what has been idle or alive for long enough.
  mutating func tidy() {
    resumeAccepts()
    work.mark(at: now)
    if isShared {
      tidyParts()
    } else {
      while let surplus = pool.surplusIdle { closeBackend(Int(surplus.index)) }
    }
    expireCancels()
    repeatCancels()
    giveUpOnServer()
    probeServer()
    tidyLookups()
    cleanLeftovers()
    lookAtPinsAgain()
    breakNesting()
    keepMinimum()
    watchHandOver()
    passFurtherClients()
    if now >= functionsDue {
      // They may have been changed by somebody who does not come through the pool.
      functionsDue = now.advanced(byMilliseconds: 30_000)
      sessions.forgetFunctions()
    }
    if settings.serverIdleTimeout > 0, now.nanoseconds > settings.serverIdleTimeout * 1_000_000 {
      let moment = Instant(nanoseconds: now.nanoseconds - settings.serverIdleTimeout * 1_000_000)
      let kept = cap * settings.maxIdleConnectionsPercent / 100 / team.count
      let least = number == 0 ? settings.minConnections : 0
      while pool.idleCount > kept, pool.openCount > least, let backend = pool.idleBackend(since: moment) {
        closeBackend(Int(backend.index))
      }
    }
    // One at a time, so that old backends do not all go together.
    if settings.serverLifetime > 0, let old = pool.oldest(after: settings.serverLifetime, at: now) {
      if pool.isIdle(old) { closeBackend(Int(old.index)) } else { pool.retire(old) }
    }
    leaveWhenEmpty()
    if drain.isDraining { drainProgressed() }
  }

  /// What pins may also go where no text tells: in functions. Now and then pinned clients are looked at after
  /// whatever they do next.
  private mutating func lookAtPinsAgain() {
    guard sessions.pinnedCount > 0, now >= pinLookDue else { return }
    pinLookDue = now.advanced(byMilliseconds: 5_000)
    for index in 0..<clients.used where clients[index].isPinned { sessions.lookAtPins(ClientID(index)) }
  }

  /// While the server is not known to answer and nobody's wait makes the pool connect, it tries by itself, once a
  /// second: /readyz must not depend on a first client, nor stay red after the server has come back.
  private mutating func probeServer() {
    guard number == 0 && !server.wasReached || server.downSince != nil, pool.connectingCount == 0,
      !drain.isDraining, !console.isPausing, now >= server.probeDue, let identity = probeIdentity
    else { return }
    ensurePlace()
    guard let backend = pool.openAhead(identity) else { return }
    server.probeDue = now.advanced(byMilliseconds: 1_000)
    connectBackend(Int(backend.index), identity)
  }

  /// `min_connections`: of the first user, in the first database, who need not wait for the server then.
  private mutating func keepMinimum() {
    guard number == 0, settings.minConnections > 0, server.wasReached, server.downSince == nil,
      !drain.isDraining, !pool.isBackingOff(at: now), let identity = probeIdentity
    else { return }
    // A connect may fail at once.
    while pool.openCount < settings.minConnections, pool.connectingCount < pool.limits.maxConnecting,
      server.downSince == nil, !pool.isBackingOff(at: now)
    {
      ensurePlace()
      guard let backend = pool.openAhead(identity) else { return }
      connectBackend(Int(backend.index), identity)
    }
  }

  /// As whom the pool connects when nobody asks it to.
  private var probeIdentity: IdentityID? {
    mutating get {
      guard let account = identities.accounts.probe else { return nil }
      // Nobody has said of which database a user of auth_file is; the one that initdb makes is nearly always there.
      let database =
        settings.probeDatabase
        ?? (account.isListed ? "postgres" : account.user.serverUser ?? account.user.name)
      return identities.identity(user: account.user.name, database: database, in: &pool)
    }
  }

  // MARK: Draining

  /// - Parameter channel: to the process that takes clients from now on, so that this one stops at once.
  mutating func startDraining(handingOverTo channel: HandOverChannel? = nil) {
    guard !drain.isDraining else { return }
    passesTo = channel
    if channel != nil { closeIdleBackends() }
    let delay = channel == nil ? settings.drainDelay : 0
    drain.isDraining = true
    if number == 0 {
      team.postToOthers(.drain(channel), than: number)
      // Handed over, the service goes on in another process.
      if channel == nil { ServiceNotice.stopping.send() }
    }
    logger.notice("draining: \(clients.count) clients, \(pool.lentCount) backends in use")
    drain.deadline = now.advanced(byMilliseconds: delay + settings.drainTimeout)
    drain.stopListening = now.advanced(byMilliseconds: delay)
    if delay == 0 { drainProgressed() }
  }

  /// Called whenever draining may have come a step further.
  mutating func drainProgressed() {
    guard let stop = drain.stopListening, now >= stop, !drain.isDone else { return }
    if !drain.hasStoppedListening {
      drain.hasStoppedListening = true
      pool.drainingStarted()
      closeListeners()
      for index in 0..<clients.used {
        switch clients[index].phase {
        // Of a hand-over, those who are on their way in go along once they are.
        case .idle, .waiting, .startup, .authenticating, .checking: sayGoodbye(index)
        case .active where passesTo != nil && sessions.clients[index].isLeased:
          sessions.leaseEnded(ClientID(index))
          transactionMayHaveEnded(Int(clients[index].backend))
        // It keeps its backend, but nothing is open: nothing is lost.
        case .active where sessions.isSettled(Int(clients[index].backend)): sayGoodbye(index)
        case .replicating: endReplication(index)
        case .active, .absent, .console, .closing: break
        }
      }
    }
    if let deadline = drain.deadline, now >= deadline, clients.count > 0 {
      if !drain.hasCutOff { logger.warning("drain_timeout: \(clients.count) clients are cut off") }
      cutOff()
    }
    // The console stays open to the last.
    if (isShared ? team.clients : clients.count) == team.consoles {
      for index in consoles.keys { sayGoodbye(index) }
    }
    guard clients.count == 0 else { return }
    for index in 0..<backends.used { closeBackend(index) }
    // A server that is busy, or does not answer at all, finds the connections closed.
    let emptySince = drain.emptySince ?? now
    drain.emptySince = emptySince
    // The first loop has the signals: it stays until the last.
    if isShared, number == 0, !team.haveOthersEnded { return }
    if pool.openCount == 0 || now >= emptySince.advanced(byMilliseconds: 2_000) {
      logger.notice("drained")
      drain.isDone = true
    }
  }

  /// Nobody new comes in.
  mutating func closeListeners() {
    guard !drain.hasClosedListeners else { return }
    drain.hasClosedListeners = true
    for listener in listeners {
      poller.remove(listener.socket.fd)
      listener.socket.close()
      if let path = listener.path { unlink(path) }
    }
  }

  /// Clients whose transactions have taken too long are told so, as far as they can be.
  private mutating func cutOff() {
    let isFirst = !drain.hasCutOff
    drain.hasCutOff = true
    passesTo = nil
    for index in 0..<clients.used where clients[index].phase != .absent {
      let backend = Int(clients[index].backend)
      let isInsideReply =
        clients[index].backend != BackendID.none.index && backends[backend].passthrough > 0
        && !backends[backend].dropsRest
      if isFirst, clients[index].phase != .closing, !isInsideReply {
        sayGoodbye(index)
      } else {
        closeClient(index)
      }
    }
  }

  /// The client is told that the pool ends; it has nothing running, or no more time.
  mutating func sayGoodbye(_ index: Int) {
    guard drain.hasStoppedListening, !handsOver(client: index) else { return }
    counters.shutdownRefusals += 1
    refuse(
      index,
      ErrorFields(
        severity: .fatal, sqlState: "57P01", message: "terminating connection: the pool is shutting down",
        hint: "Connect again; another pool, or this one after its restart, will take you."))
  }
}
