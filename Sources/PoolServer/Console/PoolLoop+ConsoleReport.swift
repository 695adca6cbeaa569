import Glibc
import PoolCore
import PostgresWire

// What a loop tells the console of itself.

extension PoolLoop {
  func consoleReport(_ needs: ConsoleNeeds) -> ConsoleReport {
    var report = ConsoleReport()
    var groups = identities.entries.indices.map { consoleGroup($0) }
    var console = ConsoleGroup(
      user: ConsoleAnswers.console, database: ConsoleAnswers.console, target: ConsoleAnswers.console,
      mode: "statement")
    for index in 0..<clients.used where clients[index].phase != .absent {
      report.counts.clients += 1
      if needs.contains(.clients) { report.clients.append(consoleClient(index)) }
      let group = Int(clients[index].identity)
      switch clients[index].phase {
      case .absent, .closing: break
      case .startup, .authenticating: report.counts.clientsLoggingIn += 1
      case .console: console.clientsActive += 1
      case .idle: groups[group].clientsIdle += 1
      case .checking, .waiting:
        guard pool.isWaiting(ClientID(index)) else {
          groups[group].clientsActive += 1
          continue
        }
        groups[group].clientsWaiting += 1
        let wait = now.nanoseconds(since: pool.waitingSince(ClientID(index)))
        groups[group].longestWait = max(groups[group].longestWait, wait)
      case .active, .replicating:
        groups[group].clientsActive += 1
        if consolePin(index) != nil { groups[group].clientsPinned += 1 }
      }
    }
    for index in 0..<backends.used where backends[index].phase != .absent {
      if needs.contains(.backends) { report.backends.append(consoleBackend(index)) }
      let group = Int(pool.identity(of: BackendID(index)).index)
      if mustClose(index) { groups[group].backendsToClose += 1 }
      switch consoleState(ofBackend: index) {
      case .active: groups[group].backendsActive += 1
      case .idle: groups[group].backendsIdle += 1
      case .beingCancelled: groups[group].backendsBeingCancelled += 1
      case .tested: groups[group].backendsBeingCleaned += 1
      case .new: groups[group].backendsLoggingIn += 1
      case .closing: groups[group].backendsClosing += 1
      }
    }
    // Those of replication connections and look-ups that have ended are nobody's.
    report.groups =
      [console]
      + zip(groups, identities.entries).filter { $1.key != nil || $0.clients + $0.backends > 0 }.map(\.0)
    report.counts.freeClients = max(0, settings.maxClientConnections / team.count - clients.count)
    report.counts.cancelsPassedOn = cancelsPassedOn
    report.memory = consoleMemory
    report.lanes = pool.lanes
    return report
  }

  private func consoleGroup(_ index: Int) -> ConsoleGroup {
    let identity = identities.entries[index]
    let database = identities.clientsName(ofTarget: identity.database)
    let mode = identities.mode(account: identity.account, database: database, else: settings.poolMode)
    var group = ConsoleGroup(
      user: identity.user, database: database, target: identity.database, mode: mode.rawValue)
    group.isApart = identity.key == nil && identity.ownParameters == nil
    group.work = work.all(of: index)
    group.recentWork = work.recent(of: index)
    group.recentTime = work.recentTime(at: now)
    return group
  }

  private var consoleMemory: [ConsoleMemory] {
    [
      ConsoleMemory(
        "client_cache", size: MemoryLayout<ClientSlot>.stride, used: clients.count,
        free: clients.used - clients.count),
      ConsoleMemory(
        "server_cache", size: MemoryLayout<BackendSlot>.stride, used: pool.openCount,
        free: max(0, backends.used - pool.openCount)),
      ConsoleMemory("receive_buffer", size: Self.scratchSize, used: 1, free: 0),
      ConsoleMemory("prepared_statement_bytes", size: 1, used: sessions.statements.byteCount, free: 0),
    ]
  }

  // MARK: Single connections

  /// Why the client keeps its backend; `nil` when it does not.
  private func consolePin(_ index: Int) -> String? {
    switch clients[index].phase {
    case .replicating: PinReason.replication.name
    case .active:
      sessions.clients[index].keepsBackend
        ? "session_mode" : sessions.isPinned(ClientID(index)) ? sessions.clients[index].pin?.name : nil
    case .absent, .startup, .authenticating, .checking, .idle, .waiting, .closing, .console: nil
    }
  }

  private func consoleClient(_ index: Int) -> ConsoleClient {
    let id = ClientID(index)
    let phase = clients[index].phase
    let isConsole = phase == .console
    let isKnown = !phase.isLogin && phase != .closing && !isConsole
    let login = logins[index]?.startup
    let identity = isKnown ? identities.entries[Int(clients[index].identity)] : nil
    let isWaiting = pool.isWaiting(id)
    let state: ConsoleClient.State =
      switch phase {
      case .absent, .startup, .authenticating: .login
      case .checking, .waiting: isWaiting ? .waiting : .active
      case .idle: .idle
      case .active, .replicating, .console: .active
      case .closing: .closing
      }
    var client = ConsoleClient(
      user: identity?.user ?? consoles[index]?.user ?? login?.user ?? "(nouser)",
      database: identity.map { identities.clientsName(ofTarget: $0.database) }
        ?? (isConsole ? ConsoleAnswers.console : login?.database ?? "(nodb)"),
      state: state, id: clients[index].number, loop: number)
    client.address = consoleAddress(clients[index].fd, isUnix: clients[index].isUnix)
    if let proxied = proxied[index] { client.address.address = proxied.description }
    client.connectedAt = clients[index].acceptedAt
    client.requestedAt = max(clients[index].askedAt, clients[index].sentAt, clients[index].acceptedAt)
    client.tls = clients[index].tls?.version ?? ""
    client.id = clients[index].number
    client.unread = clients[index].incoming.count
    client.unsent = clients[index].outgoing.count
    client.application = consoles[index]?.application ?? ""
    guard isKnown else { return client }
    client.application = consoleApplication(of: index)
    client.preparedStatements = sessions.names.count(of: id)
    if phase == .replicating { client.replication = consoleReplication(identity) }
    if isWaiting {
      client.waitingSince = pool.waitingSince(id).nanoseconds
      client.waitsUntil = waitsUntil(index).map(\.nanoseconds)
    }
    guard clients[index].backend != BackendID.none.index else { return client }
    let backend = Int(clients[index].backend)
    client.borrowedAt = pool.lentSince(BackendID(backend)).nanoseconds
    client.serverProcess = backends[backend].processID
    client.link = consoleID(ofBackend: backend)
    client.pin = consolePin(index)
    client.pinnedBy = sessions.clients[index].pinnedBy
    client.pinnedAt = clients[index].pinnedAt > 0 ? clients[index].pinnedAt : client.borrowedAt
    client.isIdleInTransaction =
      phase == .active && sessions.owesNothing(backend) && sessions.backends[backend].ledger.status != .idle
    return client
  }

  private func consoleApplication(of client: Int) -> String {
    let value = sessions.images[sessions.clients[client].image]["application_name"] ?? []
    return String(decoding: value, as: UTF8.self)
  }

  private func consoleReplication(_ identity: IdentityTable.Identity?) -> String {
    let asked = identity?.ownParameters?.first { $0.name == "replication" }?.value ?? []
    return String(decoding: asked, as: UTF8.self) == "database" ? "logical" : "physical"
  }

  private func consoleState(ofBackend index: Int) -> ConsoleBackend.State {
    switch backends[index].phase {
    case .absent, .closing: .closing
    case .connecting, .encrypting, .login, .preparing: .new
    case .recovering: .beingCancelled
    case .cleaning: .tested
    case .listening, .lookingUp, .replicating: .active
    case .serving: backends[index].client == ClientID.none.index ? .idle : .active
    }
  }

  /// It goes once nobody has it, or is on its way already.
  private func mustClose(_ index: Int) -> Bool {
    let id = BackendID(index)
    return backends[index].mustClose || backends[index].phase == .closing || pool.isRetired(id)
      || pool.isPaused(pool.identity(of: id))
  }

  /// Unlike any client's number, which has 32 bits.
  private func consoleID(ofBackend index: Int) -> UInt64 {
    1 << 40 | UInt64(number) << 32 | UInt64(UInt32(truncatingIfNeeded: index))
  }

  private func consoleBackend(_ index: Int) -> ConsoleBackend {
    let id = BackendID(index)
    let identity = identities.entries[Int(pool.identity(of: id).index)]
    var backend = ConsoleBackend(
      user: identity.serverUser, database: identities.clientsName(ofTarget: identity.database),
      state: consoleState(ofBackend: index), process: backends[index].processID,
      id: consoleID(ofBackend: index), loop: number)
    backend.address = consoleAddress(backends[index].fd, isUnix: backends[index].isUnix)
    backend.connectedAt = pool.connectedAt(id).nanoseconds
    backend.requestedAt = pool.lentSince(id).nanoseconds
    backend.tls = backends[index].tls?.version ?? ""
    backend.closeNeeded = mustClose(index)
    backend.unread = backends[index].incoming.count
    backend.unsent = backends[index].outgoing.count
    if backends[index].phase == .replicating { backend.replication = consoleReplication(identity) }
    if index < sessions.backends.count {
      backend.preparedStatements = sessions.backends[index].statements.count
    }
    let client = backends[index].client
    if client != ClientID.none.index {
      backend.link = clients[Int(client)].number
      backend.application = consoleApplication(of: Int(client))
    }
    return backend
  }

  private func consoleAddress(_ fd: Int32, isUnix: Bool) -> ConsoleAddress {
    var address = ConsoleAddress()
    guard !isUnix else { return address }
    if let peer = Socket(fd: fd).peer {
      (address.address, address.port) = (peer.address.description, Int(peer.port))
    }
    if let local = Socket(fd: fd).local {
      (address.localAddress, address.localPort) = (local.address.description, Int(local.port))
    }
    return address
  }

  // MARK: What is configured

  /// Of the first TCP address.
  private var consolePort: Int {
    for case .tcp(_, let port) in settings.listeners where port > 0 { return Int(port) }
    return listeners.lazy.compactMap(\.socket.localPort).first.map { Int($0) } ?? 0
  }

  func consoleFacts() -> ConsoleFacts {
    var facts = ConsoleFacts()
    facts.version = settings.console.version
    // Of several servers the one that takes writes, once it is known.
    let target = server.writer ?? settings.target
    facts.host = target.host
    facts.port = Int(target.port)
    facts.listenPort = consolePort
    facts.cap = cap
    facts.maxClients = settings.maxClientConnections
    facts.serverLifetimeSeconds = settings.serverLifetime / 1_000
    facts.databases = settings.databases.map { ($0.name, $0.target, $0.mode?.rawValue) }
    facts.users = identities.accounts.inFiles.map { ($0.name, $0.mode?.rawValue, $0.maxConnections) }
    facts.peers = settings.peers.map { ($0.id, $0.host, Int($0.port)) }
    facts.settings = settings.console.keys.map {
      ConsoleSetting(
        key: $0.name, value: $0.value, fallback: $0.fallback, isChangeable: $0.isChangeable)
    }
    for known in server.known {
      facts.addresses[known.target.host, default: []].append(known.address.description)
    }
    (facts.isPaused, facts.paused, facts.disabled) = (console.isAllPaused, console.paused, console.disabled)
    facts.now = now.nanoseconds
    facts.wallSeconds = Int64(time(nil))
    return facts
  }
}
