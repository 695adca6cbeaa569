import PoolCore
import PostgresWire

// How the loop is at this moment, for metrics and the status page.

extension PoolLoop {
  func snapshot(_ detail: SnapshotDetail = .counts) -> PoolSnapshot {
    var snapshot = PoolSnapshot()
    snapshot.counters = counters
    countClients(&snapshot)
    countBackends(&snapshot)
    snapshot.cap = cap
    snapshot.maxClients = settings.maxClientConnections
    if pool.longestWaiter != .none {
      snapshot.longestWaitNanoseconds = now.nanoseconds(since: pool.waitingSince(pool.longestWaiter))
    }
    snapshot.isServerReachable = server.wasReached && server.downSince == nil
    snapshot.isServerDown = server.downSince != nil
    if let downSince = server.downSince {
      snapshot.serverDownNanoseconds = now.nanoseconds(since: downSince)
    }
    if !snapshot.isServerReachable { snapshot.serverError = server.lastError }
    snapshot.isDraining = drain.isDraining || console.isLeaving
    snapshot.loopCPU[number] = ProcessFacts.threadNanoseconds
    switch detail {
    case .counts: break
    case .clients: snapshot.ranking = ranking()
    }
    return snapshot
  }

  private func countClients(_ snapshot: inout PoolSnapshot) {
    for index in 0..<clients.used {
      if clients[index].tls != nil { snapshot.encryptedClients += 1 }
      switch clients[index].phase {
      case .absent: break
      case .startup, .authenticating, .checking: snapshot.clientsLoggingIn += 1
      case .idle, .console: snapshot.clientsIdle += 1
      case .waiting: snapshot.waiting += 1
      case .active:
        snapshot.clientsActive += 1
        if sessions.isPinned(ClientID(index)) { snapshot.clientsPinned += 1 }
      case .replicating:
        snapshot.clientsActive += 1
        snapshot.clientsPinned += 1
      case .closing: snapshot.clientsClosing += 1
      }
    }
  }

  private func countBackends(_ snapshot: inout PoolSnapshot) {
    for index in 0..<backends.used {
      if backends[index].tls != nil { snapshot.encryptedBackends += 1 }
      switch backends[index].phase {
      case .absent: break
      case .connecting, .encrypting, .login, .preparing: snapshot.backendsConnecting += 1
      case .closing: snapshot.backendsClosing += 1
      case .recovering, .cleaning, .listening, .lookingUp, .replicating: snapshot.backendsInUse += 1
      case .serving:
        guard backends[index].client != ClientID.none.index else {
          snapshot.backendsIdle += 1
          continue
        }
        snapshot.backendsInUse += 1
        if sessions.backends[index].ledger.status != .idle { snapshot.backendsInTransaction += 1 }
      }
    }
  }

  // MARK: Who holds and waits longest

  private func ranking() -> ClientRanking {
    var holders = Earliest()
    var waiters = Earliest()
    var pinned = Earliest()
    for index in 0..<clients.used {
      switch clients[index].phase {
      case .absent, .startup, .authenticating, .idle, .console, .closing: continue
      case .waiting, .checking, .active, .replicating: break
      }
      if clients[index].backend != BackendID.none.index {
        holders.see(index, since: pool.lentSince(BackendID(clients[index].backend)).nanoseconds)
      } else if pool.isWaiting(ClientID(index)) {
        waiters.see(index, since: pool.waitingSince(ClientID(index)).nanoseconds)
      }
      if keepsBackend(index) { pinned.see(index, since: pinnedSince(index)) }
    }
    return ClientRanking(
      holders: holders.entries.map { facts($0.index, since: $0.since) },
      waiters: waiters.entries.map { facts($0.index, since: $0.since) },
      pinned: pinned.entries.map { facts($0.index, since: $0.since) })
  }

  private func keepsBackend(_ index: Int) -> Bool {
    clients[index].isPinned || clients[index].phase == .replicating
  }

  private func pinnedSince(_ index: Int) -> UInt64 {
    clients[index].isPinned
      ? clients[index].pinnedAt : pool.lentSince(BackendID(clients[index].backend)).nanoseconds
  }

  /// - Parameter since: when it got its backend, or began to wait. Nanoseconds.
  private func facts(_ index: Int, since: UInt64) -> ClientFacts {
    let identity = identities.entries[Int(clients[index].identity)]
    var facts = ClientFacts()
    // By which KILL_CLIENT of the console knows it, too.
    facts.id = Int(clients[index].number)
    facts.user = identity.user
    facts.database = identity.database
    if let name = sessions.images[sessions.clients[index].image]["application_name"] {
      facts.application = String(decoding: name, as: UTF8.self)
    }
    facts.address = address(index)
    facts.isEncrypted = clients[index].tls != nil
    facts.state = state(index)
    facts.nanoseconds = age(since)
    // Of a client that has a backend: when it sent what is under way, or else when its last answer was complete.
    facts.stateNanoseconds =
      facts.state == .running || facts.state == .idleInTransaction || facts.state == .betweenTransactions
      ? min(facts.nanoseconds, age(clients[index].sentAt)) : facts.nanoseconds
    if keepsBackend(index) {
      facts.pinnedNanoseconds = age(pinnedSince(index))
      facts.pinReasons =
        clients[index].phase == .replicating
        ? [PinReason.replication.name]
        : PinReason.allCases.filter { sessions.clients[index].pins.contains($0) }.map(\.name)
    }
    if clients[index].backend != BackendID.none.index {
      facts.serverProcess = backends[Int(clients[index].backend)].processID
    }
    return facts
  }

  private func age(_ since: UInt64) -> UInt64 { now.nanoseconds(since: Instant(nanoseconds: since)) }

  private func state(_ index: Int) -> ClientFacts.State {
    switch clients[index].phase {
    case .replicating: return .replicating
    case .checking: return .loggingIn
    case .active: break
    case .waiting, .absent, .startup, .authenticating, .idle, .console, .closing: return .waiting
    }
    let backend = Int(clients[index].backend)
    if sessions.isSettled(backend) { return .betweenTransactions }
    return sessions.owesNothing(backend) ? .idleInTransaction : .running
  }

  private func address(_ index: Int) -> String {
    if let told = proxied[index] { return told.description }
    if clients[index].isUnix { return "unix" }
    return Socket(fd: clients[index].fd).peerAddress?.description ?? "unknown"
  }
}
