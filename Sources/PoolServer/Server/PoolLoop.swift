import CLinux
import Glibc
import Logging
import PoolCore
import PostgresWire

/// The pool's event loop: every descriptor, every effect. Decisions are `Pool`'s (who holds what) and `Sessions`'
/// (what a message becomes); this carries them out.
///
/// A noncopyable value used by one thread: its fields are reached without exclusivity checks or reference counts.
/// The data path is in `PoolLoop+ClientTraffic.swift` and `PoolLoop+BackendTraffic.swift`; all else is cold.
struct PoolLoop: ~Copyable {
  var settings: PoolSettings
  /// Where they are read again; `nil`: nowhere.
  let source: SettingsSource?
  let logger: Logger
  let poller: Poller
  let mailbox: Mailbox<LoopMessage>
  /// All loops of the pool, and which of them this is; the first one has listeners and signals.
  let team: LoopTeam
  let number: Int
  let isShared: Bool
  /// Backends that others were asked for and have not answered.
  var asked = 0
  /// What the others were told last; see ``tellOthers()``.
  var publishedWait: UInt64 = 0
  var publishedIdentity: IdentityID?
  var publishedIdle = false
  var toldTally = LoopTally()
  /// What the others have told.
  var elsewhere = LoopTally()
  var holderSearches: [Int: HolderSearch] = [:]
  /// Bytes of a backend that lie behind the ReadyForQuery which is being dealt with.
  var unreadRest = 0
  /// Whether a place in the cap would help the longest waiter, as the others were told.
  var publishedHelp = false
  var listeners: [BoundListener]
  let signals: Int32

  var pool: Pool
  var sessions: Sessions
  var identities: IdentityTable
  /// `auth_file`, and when it may be read again.
  var userList: WatchedFile?
  var userListDue = Instant(nanoseconds: 0)
  /// `proxy_protocol_networks`, and whom those proxies speak for.
  var proxyNetworks: [Network]
  var proxied: [Int: NetworkAddress] = [:]
  /// Of `auth_hba_file`.
  var rules: AccessRules?
  var clients: SlotTable<ClientSlot>
  var backends: SlotTable<BackendSlot>
  var clientTimers: TimerWheel
  var backendTimers: TimerWheel
  var logins: [Int: ClientLogin] = [:]
  /// Clients at the console.
  var consoles: [Int: ConsoleClientState] = [:]
  var console = ConsoleState()
  /// What has been done for each identity.
  var work: WorkTable
  var knownStartups = KnownStartups()
  /// For nonces and what cancels must show.
  var random = RandomReserve()
  var backendLogins: [Int: BackendLogin] = [:]
  var cancels: [Int: CancelJob] = [:]
  var nextCancel = 0
  /// Those for clients of other pools whose addresses are being looked up.
  var cancelsPassedOn = 0
  /// What clients are called in cancels and notifications.
  let clientNumbers: ClientNumbers
  /// Cancel secrets of clients of protocol 3.2, which are longer than a slot's.
  var longSecrets: [Int: [UInt8]] = [:]
  /// What is under way on backends that replicate.
  var replications: [Int: ReplicationStream] = [:]
  /// What a cancel of each backend must show.
  var backendKeys: [Int: [UInt8]] = [:]
  /// How much of a client's bytes the last refusal answered.
  var failedBytes = 0

  /// What `recv` writes to. Invariant: `scratchSize` bytes, owned by the loop; valid during one event only.
  let scratch: UnsafeMutableRawPointer
  /// Where what was received last lies: in `scratch`, or in a buffer of the ring's.
  var received: UnsafeRawPointer
  var out = SendBuffer()
  /// For the bytes of clients that wait.
  var spareBlocks = SpareBlocks()
  /// Where the kernel has one: what plain connections send and receive; see `PoolLoop+Ring.swift`.
  let ring: Ring
  let usesRing: Bool
  var sends = SendQueue()
  var clientLinks: RingConnections
  var backendLinks: RingConnections
  /// Completions that are still to be looked at, and the first of them.
  var completions: [Completion] = []
  var nextCompletion = 0
  /// The ring will tell of the poller's events.
  var isPollerWatched = false
  /// `nil`: no TLS towards clients.
  var clientTLS: TLSContext?
  /// Towards each target.
  var serverTLS: [TLSContext?]
  let encrypted = TLSOutput()
  /// Clients and backends whose unread bytes come next, once the current event's are dealt with.
  var deferred: [Token] = []
  /// Clients and backends whose logins go on when traffic has had its turn, the longest first.
  var waitingLogins: [Token] = []
  /// How often the poller was asked, and when connections were taken last; see ``acceptClients(_:)``.
  var polls = 0
  var lastAccept = (poll: 0, count: 1)
  /// Idle backends may still hold what clients that have gone did, though their texts show nothing of the kind.
  var hasLeftovers = false
  /// The turn's clock.
  var now = Instant(nanoseconds: clinux_now())
  var counters = PoolCounters()
  var slow = SlowTransactions()
  var server = ServerState()
  var drain = DrainState()
  var limitIsFromServer: Bool
  /// What it takes to hand over, in a process that can; the hand-over under way; and in a process that has taken over, the
  /// socket to the one before.
  var means: HandOverMeans?
  var handOver: HandOver?
  var predecessor: HandOverChannel?
  /// Where idle clients of this process go, once it ends.
  var passesTo: HandOverChannel?
  /// Clients that came from another process, by the numbers that it gave them.
  var inheritedNumbers: [UInt32: Int] = [:]
  /// Whose bytes are being dealt with: it cannot be handed over at this moment.
  var clientInHand = -1
  /// What had moved when the loop last looked, and since when nothing has; see ``breakNesting()``.
  var nesting = (moves: UInt64(0), since: Instant(nanoseconds: 0))
  var acceptsPausedUntil: Instant?
  var janitorDue = Instant(nanoseconds: 0)
  var pinLookDue = Instant(nanoseconds: 0)
  var functionsDue = Instant(nanoseconds: 0)
  var lookups = LookupState()
  /// Whom the outcome of a backend's login is told, where nothing else is to come of it.
  var entryChecks: [Int: @Sendable (EntryOutcome) -> Void] = [:]
  var subscriptions = Subscriptions()
  /// As whom each listener borrows.
  var listenerIdentities: [Int: IdentityID] = [:]
  /// A listener has lost its backend.
  var listenersDue = false
  /// Notifications for clients that are in the middle of something.
  var notices: [Int: [UInt8]] = [:]

  static let scratchSize = 262_144
  /// What is read behind a client's half message, whose memory is the client's own. Bytes.
  static let clientRoom = 65_536

  /// Everything that may fail is done by ``watch(_:mailbox:signals:)``, which makes the poller.
  init(
    settings: PoolSettings, logger: Logger, listeners: [BoundListener], addresses: [ServerAddress],
    team: LoopTeam, number: Int, signals: Int32, poller: consuming Poller, ring: consuming Ring,
    tls: TLSContexts, source: SettingsSource? = nil
  ) {
    self.settings = settings
    self.settings.mostClients = settings.maxClientConnections
    self.source = source
    self.logger = logger
    self.listeners = listeners
    self.team = team
    self.number = number
    isShared = team.count > 1
    mailbox = team.mailboxes[number]
    self.poller = poller
    usesRing = ring.isOpen
    self.ring = ring
    // A few more than may stay, so that the one too many can be told why. New ones go to the loop with the fewest, so no
    // loop ever has many more than its share.
    let places = (settings.maxClientConnections + team.count - 1) / team.count + 256
    clientLinks = RingConnections(.client, capacity: places)
    backendLinks = RingConnections(.backend, capacity: 1 << 16)
    self.signals = signals
    proxyNetworks = settings.proxyNetworks.compactMap { Network($0) }
    limitIsFromServer = settings.maxConnections == nil
    let start = Instant(nanoseconds: clinux_now())
    pool = Pool(
      limits: PoolLimits(
        maxBackends: isShared ? 0 : settings.maxConnections ?? 1, isPart: isShared,
        maxQueue: settings.maxBorrowQueue, maxConnecting: max(2, 8 / team.count)))
    sessions = Sessions(
      seed: UInt64(clinux_random32()) << 32 | UInt64(clinux_random32()),
      maxStatements: settings.maxPreparedStatements)
    pool.setLanes(settings.lanes)
    pool.keepsSlot = !isShared && !settings.lookupUser.isEmpty
    sessions.pinsSettings = settings.pinsSettings
    sessions.trustsTokens = settings.trustsTokens
    identities = IdentityTable(settings: settings)
    clients = SlotTable(capacity: places) { ClientSlot() }
    clientNumbers = ClientNumbers(pool: settings.poolID, capacity: places * team.count)
    backends = SlotTable(capacity: 1 << 16) { BackendSlot() }
    clientTimers = TimerWheel(now: start)
    work = WorkTable(at: start)
    backendTimers = TimerWheel(now: start)
    scratch = .allocate(byteCount: Self.scratchSize, alignment: 16)
    received = UnsafeRawPointer(scratch)
    server.found(addresses)
    clientTLS = tls.clients
    serverTLS = tls.servers
  }

  /// A poller that watches what the loop has from its beginning.
  ///
  /// - Throws: ``SystemError`` when the kernel has no descriptor left.
  static func watch(
    _ listeners: [BoundListener], mailbox: Mailbox<LoopMessage>, signals: Int32
  ) throws(SystemError) -> Poller {
    let poller = try Poller()
    for (index, listener) in listeners.enumerated() {
      try poller.addLevel(listener.socket.fd, token: Token(.listener, index).raw)
    }
    try poller.addLevel(mailbox.wakeUp, token: Token(.mailbox, 0).raw)
    if signals >= 0 { try poller.addLevel(signals, token: Token(.signals, 0).raw) }
    return poller
  }

  deinit {
    scratch.deallocate()
    if signals >= 0 { close(signals) }
  }

  /// SIGTERM, SIGINT, SIGHUP and SIGUSR2 as events; they are blocked for all threads started from here on.
  static func signalDescriptor() -> Int32 {
    let wanted: [Int32] = [SIGTERM, SIGINT, SIGHUP, SIGUSR2]
    return clinux_signal_fd(wanted, Int32(wanted.count))
  }

  // MARK: Turning

  /// Runs until the pool has drained. Returns the exit status: 0 after a clean drain, 128 + n when a second signal
  /// ended it at once.
  mutating func run() -> Int32 {
    if !settings.authFile.isEmpty {
      userList = WatchedFile(settings.authFile)
      readUserList()
    }
    if !settings.authHBAFile.isEmpty {
      // Nobody, until the file says otherwise; that it can be read was seen before.
      rules = AccessRules([])
      readRules()
    }
    while true {
      if usesRing { turnRing() } else { pollerEvents(waiting: waitTime()) }
      runLogins()
      runTimers()
      if listenersDue {
        listenersDue = false
        runListeners()
      }
      if isShared { tellOthers() }
      if drain.isDone {
        if isShared { team.ended(number, snapshot()) }
        return drain.status
      }
    }
  }

  /// Deals with what the poller has, once it has something or the time is over. Milliseconds.
  mutating func pollerEvents(waiting time: Int32) {
    let count = poller.wait(milliseconds: time)
    polls &+= 1
    now = Instant(nanoseconds: clinux_now())
    if isShared { hearOthers() }
    for index in 0..<count {
      handle(poller.event(index))
      runDeferred()
    }
  }

  /// Until the next thing that a clock decides, in milliseconds.
  func waitTime() -> Int32 {
    if !deferred.isEmpty || !waitingLogins.isEmpty { return 0 }
    var next = janitorDue
    if let timer = clientTimers.nextLook, timer < next { next = timer }
    if let timer = backendTimers.nextLook, timer < next { next = timer }
    if let attempt = pool.nextConnectAttempt, attempt < next { next = attempt }
    let milliseconds = (next.nanoseconds(since: now) + 999_999) / 1_000_000
    return Int32(truncatingIfNeeded: min(milliseconds, 60_000))
  }

  @inline(__always)
  private mutating func handle(_ event: Readiness) {
    guard let token = Token(raw: event.token) else { return }
    switch token.kind {
    case .client: clientEvent(token, event)
    case .backend: backendEvent(token, event)
    case .cancel: cancelEvent(token.index, event)
    case .listener: acceptClients(token.index)
    case .signals: signalsArrived()
    case .mailbox: messagesArrived()
    case .handOver: handOverSpoke()
    }
  }

  @inline(__always)
  private mutating func clientEvent(_ token: Token, _ event: Readiness) {
    let index = token.index
    guard index < clients.used, clients[index].phase != .absent,
      clients[index].generation & 0xFFF_FFFF == token.generation
    else { return }
    if event.isHangup { clients[index].hungUp = true }
    // Whoever is not read at the moment would not be missed before the server has done all that it has asked for.
    if event.isBroken, clients[index].phase == .active { return closeClient(index) }
    if event.isWritable, !clients[index].outgoing.isEmpty { flushClient(index) }
    guard event.isReadable || event.isHangup else { return }
    if clients[index].phase.isLogin { queueLogin(client: index) } else { clientReadable(index) }
  }

  @inline(__always)
  private mutating func backendEvent(_ token: Token, _ event: Readiness) {
    let index = token.index
    guard index < backends.used, backends[index].phase != .absent,
      backends[index].generation & 0xFFF_FFFF == token.generation
    else { return }
    // What the server may have said or done already came with the same event.
    if backends[index].phase == .connecting {
      backendConnected(index)
      guard backends[index].phase == .login || backends[index].phase == .encrypting else { return }
    }
    if event.isHangup { backends[index].hungUp = true }
    if event.isWritable, !backends[index].outgoing.isEmpty { flushBackend(index) }
    guard event.isReadable || event.isHangup else { return }
    if backends[index].phase.isLogin { queueLogin(backend: index) } else { backendReadable(index) }
  }

  mutating func runDeferred() {
    guard !deferred.isEmpty else { return }
    // What these defer in their turn comes after the next look at the descriptors, so that nobody has the loop to
    // himself.
    let due = deferred.count
    for next in 0..<due {
      let token = deferred[next]
      switch token.kind {
      case .client:
        if clients[token.index].phase != .absent,
          clients[token.index].generation & 0xFFF_FFFF == token.generation
        {
          if clients[token.index].phase.isLogin {
            queueLogin(client: token.index)
          } else {
            clientReadable(token.index)
          }
        }
      case .backend:
        if backends[token.index].phase != .absent,
          backends[token.index].generation & 0xFFF_FFFF == token.generation
        {
          backendReadable(token.index)
        }
      case .cancel, .listener, .signals, .mailbox, .handOver: break
      }
    }
    deferred.removeFirst(due)
  }

  mutating func readLater(client index: Int) {
    deferred.append(Token(.client, index, generation: clients[index].generation))
  }

  mutating func readLater(backend index: Int) {
    deferred.append(Token(.backend, index, generation: backends[index].generation))
  }
}

/// What other threads ask of the loop.
enum LoopMessage: Sendable {
  case snapshot(SnapshotDetail, @Sendable (PoolSnapshot) -> Void)
  case drain(HandOverChannel?)
  /// The targets' names were looked up again.
  case resolved([ServerAddress])
  /// Another loop has found the writer.
  case writer(PoolSettings.Target)
  /// What a client's login has proved to the process before this one, for a stored verifier.
  case proved(account: [UInt8], clientKey: [UInt8])
  /// The port for probes is free for the process that takes over.
  case probesFree
  /// May the server be entered so?
  case enter(user: String, database: String, answer: @Sendable (EntryOutcome) -> Void)
  /// What does `auth_query` say of a user?
  case lookUp(user: String, database: String, answer: @Sendable (LookupAnswer) -> Void)
  /// Computed from a plain password of `auth_file`.
  case verifier(user: String, password: String, ScramVerifier)
  /// Where another pool is, the cancel for it, and who asked for that.
  case peerResolved([SocketAddress], [UInt8], Token)

  // MARK: From one loop of a pool to another

  /// A client's connection, which the first loop has accepted.
  case accepted(fd: Int32, isUnix: Bool)
  /// A client of the process before this one.
  case inherited(ClientPassage, fd: Int32)
  /// A backend of this identity is wanted at that loop; so many loops have been asked.
  case lend(to: Int, as: IdentityTable.Key?, hops: Int)
  case nothingToLend
  case adopt(BackendPassage)
  /// A client of that loop has waited in vain.
  case findHolder(for: Int, client: Token)
  case holder(Holder?, client: Token)
  /// Clients wait elsewhere, and all backends may be those that listen.
  case yieldListener
  /// Another loop has users to look up.
  case yieldLookups
  /// Another loop has drained.
  case loopEnded
  /// There may be a place in the cap.
  case placesFree
  /// A cancel for a client of this loop.
  case cancel(processID: UInt32, key: [UInt8], RemoteAsker)
  case cancelDone(Token)
  /// The configuration was read again.
  case reload(PoolSettings, TLSContexts)

  // MARK: The console

  case consoleReport(ConsoleNeeds, @Sendable (ConsoleReport) -> Void)
  /// What all loops have told, for a client that asked.
  case consoleReported(ConsoleReport, ConsoleView, Token)
  /// The same, for one whose command waits for something.
  case consoleWaitReported(ConsoleReport, Token)
  /// The same, where nobody new is taken.
  case consoleLeaving(ConsoleReport)
  case consoleOrder(ConsoleOrder)
  /// What only this loop can do, for a client of another one.
  case consoleRequest(ConsoleOrder, from: Int, Token)
  case consoleAnswered(ConsoleSession.Outcome, Token)
}
