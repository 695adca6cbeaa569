import Logging
import PoolCore
import PostgresWire

// From a client's first bytes to a backend, and back.

extension PoolLoop {
  /// The client needs a backend for these bytes. Returns how many are dealt with: all that is complete when it got
  /// one, none when it must wait.
  mutating func borrow(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    let client = ClientID(index)
    clientTimers.cancel(index)
    clients[index].since = now.nanoseconds
    clients[index].askedAt = now.nanoseconds
    switch pool.borrow(
      client, IdentityID(clients[index].identity), preferring: sessions.preferredImage(of: client), at: now)
    {
    case .lend(let backend):
      counters.borrowWait.record(0)
      activate(index, Int(backend.index))
      return relay(index, base, count)
    case .wait where waitsInVain(index):
      let error = vainWaitError(index)
      pool.waitEnded(client)
      counters.borrowTimeouts += 1
      watchIdle(index)
      failBatch(index, base, count, error)
      return failedBytes
    case .wait:
      clients[index].phase = .waiting
      clients[index].knowsItWaits = false
      // A first timer sees whether it waits only to prepare.
      let first = UnsafeRawBufferPointer(start: base, count: count).first
      clients[index].mayBeAnswered = first == FrontendTag.parse
      if clients[index].mayBeAnswered {
        clientTimers.set(index, now.advanced(byMilliseconds: Self.prepareWait))
      } else {
        limitWait(index, since: now)
      }
      openForWaiters()
      if !subscriptions.isEmpty { yieldListener() }
      return 0
    case .refuse:
      counters.queueRefusals += 1
      watchIdle(index)
      failBatch(
        index, base, count,
        borrowError(
          "too many clients wait for a database connection already",
          hint: "Try again, or raise max_borrow_queue (now \(settings.maxBorrowQueue))."))
      return failedBytes
    }
  }

  /// How long a client waits that only prepares, before it is answered from memory. Milliseconds.
  private static var prepareWait: UInt64 { 5 }

  /// A waiting client's first timer: if all it asks for is to prepare what the server has parsed already, it is
  /// answered and leaves the queue.
  mutating func answerFromMemory(_ index: Int) {
    clients[index].mayBeAnswered = false
    let bytes = clients[index].incoming.bytes
    guard let base = bytes.baseAddress else { return }
    let span = UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: bytes.count).span
    guard let answer = sessions.answerParses(ClientID(index), in: span) else {
      return limitWait(index, since: pool.waitingSince(ClientID(index)))
    }
    pool.waitEnded(ClientID(index))
    clients[index].phase = .idle
    watchIdle(index)
    clients[index].askedAt = 0
    clients[index].incoming.consume(answer.end)
    var writer = MessageWriter(reservingCapacity: 5 * answer.count + 6)
    for _ in 0..<answer.count { writer.parseComplete() }
    writer.readyForQuery(.idle)
    let generation = clients[index].generation
    sendToClient(index, writer.bytes)
    if !clients[index].incoming.isEmpty { processIncoming(index) }
    guard clients[index].phase != .absent, clients[index].generation == generation else { return }
    if clients[index].mayRead || clients[index].hungUp { readLater(client: index) }
  }

  /// The backend is the client's. What must go in front of its bytes is in `out`.
  mutating func activate(_ index: Int, _ backend: Int) {
    clients[index].phase = .active
    clients[index].awaitsDescription = false
    clients[index].isStalled = false
    clients[index].backend = UInt32(backend)
    clients[index].since = now.nanoseconds
    // What goes in front is owed first, so that the query itself is not seen to begin.
    clients[index].sentAt = now.nanoseconds
    backends[backend].client = UInt32(index)
    backends[backend].readPaused = false
    counters.borrows += 1
    work[clients[index].identity].borrows &+= 1
    out.removeAll()
    sessions.backends[backend].flight.begin()
    sessions.attach(ClientID(index), to: BackendID(backend))
    if !sessions.rewritten.isEmpty {
      counters.cleanings += 1
      out.append(sessions.rewritten)
    }
  }

  /// A backend has come back and goes to the client that waited longest.
  mutating func serveWaiter(_ client: ClientID, _ backend: Int) {
    let index = Int(client.index)
    if let listener = listenerNumber(client) { return listen(listener, on: backend) }
    clientTimers.cancel(index)
    if !holderSearches.isEmpty { holderSearches[index] = nil }
    if clients[index].phase == .checking { return checkSettings(index, on: backend) }
    counters.borrowWait.record(now.nanoseconds &- clients[index].since)
    work[clients[index].identity].waitTime &+= now.nanoseconds &- clients[index].since
    if logsSlowTransactions { slow.waited(index, now.nanoseconds &- clients[index].since) }
    activate(index, backend)
    let bytes = clients[index].incoming.bytes
    let generation = clients[index].generation
    if let base = bytes.baseAddress {
      let consumed = relay(index, base, bytes.count)
      guard clients[index].phase != .absent, clients[index].generation == generation else { return }
      clients[index].incoming.consume(consumed, to: &spareBlocks)
    }
    if clients[index].mayRead || clients[index].hungUp { readLater(client: index) }
  }

  /// A ReadyForQuery has come for the backend's client, or its last message is complete: is it done?
  mutating func transactionMayHaveEnded(_ backend: Int) {
    let client = Int(backends[backend].client)
    guard backends[backend].client != ClientID.none.index, !backends[backend].hasHalfFrame,
      backends[backend].outgoing.isEmpty
    else { return }
    if sessions.backends[backend].ledger.isDoubtful, sessions.backends[backend].ledger.status == .idle {
      return partFromDoubtful(client, backend)
    }
    if sessions.clients[client].marks.contains(.notifies) {
      backends[backend].notifier = clients[client].number
      backends[backend].notifiedAt = now.nanoseconds
    }
    switch sessions.afterReady(ClientID(client), BackendID(backend)) {
    case .keep:
      if !clients[client].isPinned, let reason = sessions.clients[client].pin { pinned(client, reason) }
      if sessions.isSettled(backend) {
        transactionEnded(client)
        if drain.hasStoppedListening { return sayGoodbye(client) }
      }
      if clients[client].holdsReady { return waitForListener(client) }
      watchOpenTransaction(client, backend)
    case .lease:
      transactionEnded(client)
      if drain.hasStoppedListening {
        guard passesTo != nil, !clients[client].holdsReady else { return sayGoodbye(client) }
        // What it might have asked of this backend, it cannot ask in the process that takes over.
        sessions.leaseEnded(ClientID(client))
        return release(client, backend)
      }
      if clients[client].holdsReady { return waitForListener(client) }
      clientTimers.set(client, now.advanced(byMilliseconds: SequenceHabits.lease))
    case .look:
      sendToBackend(backend, sessions.rewritten)
    case .release:
      if clients[client].phase == .checking { return }
      transactionEnded(client)
      let isHeld = clients[client].holdsReady
      if isHeld { waitForListener(client) }
      release(client, backend)
      if isHeld { runListeners() }
    }
  }

  /// Counts it once: a client that keeps its backend may be looked at again before its next one.
  private mutating func transactionEnded(_ client: Int) {
    guard clients[client].since != 0 else { return }
    counters.transactions += 1
    counters.transactionTime.record(now.nanoseconds &- clients[client].since)
    work[clients[client].identity].transactions &+= 1
    work[clients[client].identity].transactionTime &+= now.nanoseconds &- clients[client].since
    if logsSlowTransactions { noteEnd(client) }
    clients[client].since = 0
  }

  /// How many answers the backend still owes cannot be known (a COPY failed behind Syncs of its own batch): the client
  /// has all of its own, and the backend is closed.
  private mutating func partFromDoubtful(_ client: Int, _ backend: Int) {
    sessions.backendLost(ClientID(client))
    clients[client].backend = BackendID.none.index
    closeBackend(backend)
    becomeIdle(client)
    if clients[client].phase != .absent { lookAgain(client) }
  }

  private mutating func pinned(_ client: Int, _ reason: PinReason) {
    clients[client].isPinned = true
    clients[client].pinnedAt = now.nanoseconds
    counters.pins.add(reason)
    let identity = identities.entries[Int(clients[client].identity)]
    logger.info(
      "a client keeps its backend: \(reason.name)",
      metadata: [
        "user": "\(identity.user)", "database": "\(identity.database)",
        "statement": "\(sessions.clients[client].pinnedBy)",
      ])
  }

  private mutating func unpinned(_ client: Int) {
    clients[client].isPinned = false
    let age = now.nanoseconds(since: Instant(nanoseconds: clients[client].pinnedAt)) / 1_000_000
    logger.info("a client shares its backend again", metadata: ["pinned_ms": "\(age)"])
  }

  /// The client holds nothing and waits for nothing. It may be gone afterwards: a pool that ends says goodbye.
  mutating func becomeIdle(_ client: Int) {
    clients[client].phase = .idle
    watchIdle(client)
    if !notices.isEmpty { deliverNotices(client) }
    if drain.isDraining { sayGoodbye(client) }
  }

  mutating func watchIdle(_ client: Int) {
    if settings.idleClientTimeout > 0 {
      clientTimers.set(client, now.advanced(byMilliseconds: settings.idleClientTimeout))
    } else {
      clientTimers.cancel(client)
    }
  }

  /// The release rule holds: client and backend part.
  mutating func release(_ client: Int, _ backend: Int) {
    clients[client].backend = BackendID.none.index
    if clients[client].isPinned { unpinned(client) }
    backends[backend].client = ClientID.none.index
    backends[backend].readPaused = false
    if backends[backend].mayRead { readLater(backend: backend) }
    pool.borrowerLeft(BackendID(backend))
    becomeIdle(client)
    if backends[backend].cancelsInFlight > 0 {
      // A cancel that is on its way must not hit the next client's query.
      backends[backend].phase = .recovering
      return
    }
    giveBack(backend)
  }

  /// A clean backend, or one whose owner is known, returns to the pool.
  mutating func giveBack(_ backend: Int) {
    let isGoing = pool.isRetired(BackendID(backend)) || pool.isPaused(pool.identity(of: BackendID(backend)))
    if isShared, !isGoing, servesOthers(backend) { return }
    switch pool.returned(
      BackendID(backend), with: sessions.backends[backend].image, at: now)
    {
    case .lend(let client): serveWaiter(client, backend)
    // The process that takes over needs its place.
    case .keep where passesTo != nil: closeBackend(backend)
    case .keep: break
    case .close: closeBackend(backend)
    }
    if pool.hasLanes { serveLanes() }
  }

  /// Idle backends for those whom their lane held back until now.
  private mutating func serveLanes() {
    while let (backend, client) = pool.nextToServe(at: now) { serveWaiter(client, Int(backend.index)) }
  }

  /// Opens what the waiting clients need, as far as the cap allows.
  mutating func openForWaiters() {
    if lookups.backend == nil, lookups.table.openCount > 0 { runLookups() }
    if pool.hasLanes { serveLanes() }
    while let action = pool.nextToOpen(at: now) {
      switch action {
      case .connect(let backend, let identity):
        guard mayOpen(identity) else {
          pool.closed(backend)
          continue
        }
        connectBackend(Int(backend.index), identity, isReserved: isShared && pool.limit(of: identity) > 0)
      case .close(let backend): closeBackend(Int(backend.index))
      case .ask(let identity):
        // Whoever gives a place back from now on sees that somebody waits.
        tellWait()
        if takePlace() { continue }
        askOthers()
        // Nobody has one to spare: the place of an idle one of ours will do.
        if asked == 0, let victim = pool.idleToGiveUp(for: identity) { closeBackend(Int(victim.index)) }
        return
      }
    }
    if isShared {
      giveBackSurplus()
      if pool.waitingCount > 0 { askOthers() }
    }
  }

  // MARK: Refusals that keep the connection

  /// The client waited in vain. It keeps its connection for the next query.
  mutating func borrowTimedOut(_ index: Int) {
    if asksForHolder(index) { return }
    counters.borrowTimeouts += 1
    let waited = now.milliseconds(since: pool.waitingSince(ClientID(index)))
    let error = borrowError(
      "timed out after \(borrowTimeout(index)) ms waiting for a database connection",
      hint:
        "All backends are busy. Shorten transactions, look at the longest holder, or raise max_connections"
        + " (now \(cap)) if the server has room.",
      holder: holderSearches.removeValue(forKey: index)?.longest, client: index)
    logger.warning("client waited \(waited) ms for a backend in vain; \(pool.waitingCount) wait")
    failWaiting(index, settings.errorWords.say(error, .borrowTimeout))
  }

  /// Ends a wait with an error; the client's batch is answered as PostgreSQL would answer a failed one.
  mutating func failWaiting(_ index: Int, _ error: ErrorFields) {
    if let listener = listenerNumber(ClientID(index)) {
      pool.waitEnded(ClientID(index))
      return listenerFailed(listener)
    }
    clientTimers.cancel(index)
    if !holderSearches.isEmpty { holderSearches[index] = nil }
    pool.waitEnded(ClientID(index))
    if clients[index].phase == .checking {
      var fatal = error
      fatal.becomeFatal()
      return refuse(index, fatal)
    }
    // In the words of a pooler that parts from its client then.
    if error.isFatal { return refuse(index, error) }
    clients[index].phase = .idle
    watchIdle(index)
    let bytes = clients[index].incoming.bytes
    guard let base = bytes.baseAddress else { return }
    failBatch(index, base, bytes.count, error)
    guard clients[index].phase != .absent else { return }
    clients[index].incoming.consume(failedBytes)
    if !clients[index].incoming.isEmpty { processIncoming(index) }
    guard clients[index].phase != .absent else { return }
    if clients[index].mayRead || clients[index].hungUp { readLater(client: index) }
  }

  /// Answers the first unit of work in the bytes (a Query, or a batch up to its Sync) with the error. How many bytes
  /// that was is in `failedBytes`; a batch whose Sync has not come is skipped up to it.
  private mutating func failBatch(
    _ index: Int, _ base: UnsafeRawPointer, _ count: Int, _ error: ErrorFields
  ) {
    if error.isFatal {
      failedBytes = count
      return refuse(index, error)
    }
    let bytes = UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count).span
    var writer = MessageWriter(reservingCapacity: 512)
    writer.errorResponse(error)
    var offset = 0
    var isReady = false
    while !isReady, case .frame(let header) = FrameHeader.read(in: bytes, at: offset) {
      let isWhole = count - offset >= header.length
      switch header.tag {
      case FrontendTag.query, FrontendTag.functionCall:
        // Behind a failed batch it would be skipped like the rest.
        if !sessions.clients[index].isSkipping { isReady = true }
      case FrontendTag.sync:
        sessions.clients[index].isSkipping = false
        isReady = true
      default:
        sessions.clients[index].isSkipping = true
      }
      guard isWhole else {
        clients[index].passthrough = header.length - (count - offset)
        clients[index].dropsRest = true
        offset = count
        break
      }
      offset += header.length
    }
    // What it was to begin must not go on by itself.
    if sessions.step(of: ClientID(index), bytes.extracting(0..<offset)) == .begins {
      sessions.clients[index].lost = LostTransaction(mayBeginAnew: true)
    }
    if isReady { writer.readyForQuery(sessions.clients[index].lost == nil ? .idle : .failed) }
    failedBytes = offset
    sendToClient(index, writer.bytes)
  }

  /// SQLSTATE 53300 with everything that the person who reads it needs.
  func borrowError(
    _ message: String, hint: String, holder: Holder? = nil, client: Int? = nil
  ) -> ErrorFields {
    var detail =
      "\(pool.lentCount + elsewhere.lent) of \(cap) backends are busy,"
      + " \(pool.waitingCount + elsewhere.waiting) clients wait."
    if let holder = holder ?? longestHolder {
      let held = now.milliseconds(since: holder.since)
      detail +=
        " The longest holder has had one for \(held) ms (user \(holder.user), database \(holder.database),"
        + " server process \(holder.processID))."
    }
    if let state = client.flatMap({ pool.lane(of: ClientID($0)) }) {
      detail += " Lane \(state.lane.name) has \(state.lent)"
      if state.lane.maxBackends > 0 { detail += " of at most \(state.lane.maxBackends)" }
      detail += ", and \(state.waiting) of its clients wait."
    }
    if let client, pool.isPaused(IdentityID(clients[client].identity)) {
      detail += " The database is paused (PAUSE or KILL at the pool's console)."
    }
    if server.downSince != nil { detail += " The server cannot be reached: \(server.lastError)." }
    return ErrorFields(severity: .error, sqlState: "53300", message: message, detail: detail, hint: hint)
  }
}
