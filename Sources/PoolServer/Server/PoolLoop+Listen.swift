import Logging
import PoolCore
import PostgresWire

// One backend per database listens for all its clients. To the pool it is lent to a borrower of its own, who stands
// behind all clients' numbers.

extension PoolLoop {
  /// The listener that a borrower's number stands for.
  func listenerNumber(_ client: ClientID) -> Int? {
    client == .none || Int(client.index) < clients.capacity ? nil : Int(client.index) - clients.capacity
  }

  // MARK: The clients' side

  /// The client's ReadyForQuery has come: must it wait for the listener?
  @inline(__always)
  mutating func holdsReady(_ backend: Int) -> Bool {
    let client = backends[backend].client
    guard client != ClientID.none.index, clients[Int(client)].phase == .active,
      sessions.mustHoldReady(ClientID(client), BackendID(backend))
    else { return false }
    clients[Int(client)].holdsReady = true
    return true
  }

  /// What the client listens to has changed with its transaction.
  mutating func channelsChanged(_ client: Int) {
    sessions.clients[client].hasNewChannels = false
    let number = subscriptions.listener(of: identities.entries[Int(clients[client].identity)].database)
    subscriptions.changed(ClientID(client), number, to: sessions.clients[client].channels)
    listenerIdentities[number] = IdentityID(clients[client].identity)
    if !clients[client].holdsReady { runListeners() }
  }

  /// Its ReadyForQuery follows what the listener answers from now on; at once when it listens to nothing.
  mutating func waitForListener(_ client: Int) {
    if let listener = subscriptions.listener(of: ClientID(client)) {
      subscriptions.wait(ClientID(client), for: listener)
      runListeners()
    } else {
      releaseReady(client)
    }
  }

  /// The client is told what it was notified of, and that it may go on.
  private mutating func releaseReady(_ client: Int) {
    guard clients[client].phase != .absent, clients[client].holdsReady else { return }
    clients[client].holdsReady = false
    deliverNotices(client)
    sendToClient(client, [BackendTag.readyForQuery, 0, 0, 0, 5, TransactionStatus.idle.rawValue])
    guard clients[client].phase != .absent else { return }
    if !clients[client].incoming.isEmpty, clients[client].phase == .idle { processIncoming(client) }
    if clients[client].phase != .absent { readLater(client: client) }
  }

  /// Between the client's queries, in the order in which they came.
  mutating func deliverNotices(_ client: Int) {
    guard let bytes = notices.removeValue(forKey: client) else { return }
    sendToClient(client, bytes)
  }

  /// The client has gone.
  mutating func stopListening(_ client: Int) {
    notices[client] = nil
    subscriptions.stopsWaiting(ClientID(client))
    guard subscriptions.isListening(ClientID(client)) else { return }
    subscriptions.left(ClientID(client))
    runListeners()
  }

  // MARK: The listener's side

  /// Carries out what the listeners must do next.
  mutating func runListeners() {
    for number in 0..<listenerIdentities.count {
      while let action = subscriptions.next(number) {
        switch action {
        case .borrow: borrowForListener(number)
        case .giveBack(let backend): startCleaning(Int(backend.index))
        case .run(let backend, let text):
          sessions.runOwn(text, on: backend)
          sendToBackend(Int(backend.index), sessions.rewritten)
        }
      }
    }
  }

  private mutating func borrowForListener(_ number: Int) {
    let borrower = ClientID(clients.capacity + number)
    guard !drain.isDraining, let identity = listenerIdentities[number] else { return }
    switch pool.borrow(borrower, identity, at: now) {
    case .lend(let backend): listen(number, on: Int(backend.index))
    case .wait: openForWaiters()
    case .refuse: listenerFailed(number)
    }
  }

  /// It has a backend, which is cleaned first.
  mutating func listen(_ number: Int, on backend: Int) {
    subscriptions.lent(BackendID(backend), to: number)
    backends[backend].phase = .listening
    sessions.clean(BackendID(backend))
    sendToBackend(backend, sessions.rewritten)
  }

  /// A ReadyForQuery of the listener's backend.
  mutating func listenerAnswered(_ backend: Int) {
    guard sessions.isSettled(backend),
      let number = subscriptions.listener(on: BackendID(backend))
    else { return }
    for client in subscriptions.answered(number) { releaseReady(Int(client.index)) }
    runListeners()
    if pool.waitingCount + elsewhere.waiting > 0 { yieldListener() }
  }

  /// Its connection has ended: another takes its place.
  mutating func listenerLost(_ backend: Int) {
    guard let number = subscriptions.listener(on: BackendID(backend)) else { return }
    if !drain.isDraining {
      logger.warning(
        "the connection that listens for \(subscriptions.subscribers(of: number).count) clients was lost",
        metadata: ["pid": "\(backends[backend].processID)"])
    }
    subscriptions.lost(number)
    listenersDue = true
  }

  /// No backend can be had for it: those who listen are told, since they would wait for nothing.
  mutating func listenerFailed(_ number: Int) {
    let listening = subscriptions.subscribers(of: number)
    for client in listening { subscriptions.left(client) }
    subscriptions.lost(number)
    for client in listening {
      refuse(
        Int(client.index),
        ErrorFields(
          severity: .fatal, sqlState: "57P01",
          message: "terminating connection: the pool cannot listen for it",
          hint: "Connect again and LISTEN; notifications sent meanwhile are lost."))
    }
  }

  /// Where there are not more backends than listeners, a client that waits must not wait for ever: the listener
  /// queues up behind it.
  mutating func yieldListener() {
    guard subscriptions.backendCount + elsewhere.listening >= cap else { return }
    for backend in 0..<backends.used
    where backends[backend].phase == .listening && sessions.isSettled(backend) {
      guard let number = subscriptions.listener(on: BackendID(backend)) else { continue }
      subscriptions.lost(number)
      pool.borrowerLeft(BackendID(backend))
      startCleaning(backend)
      return runListeners()
    }
  }

  /// A NotificationResponse: to all that listen to its channel, with the number by which clients know the sender.
  mutating func notified(_ backend: Int, _ bytes: Span<UInt8>, _ offset: Int, _ length: Int) {
    guard let number = subscriptions.listener(on: BackendID(backend)), length > 10,
      let sender = readUInt32(in: bytes, at: offset + 5)
    else { return }
    var end = offset + 9
    while end < offset + length, bytes[end] != 0 { end += 1 }
    let receivers = subscriptions.receivers(number, copiedBytes(in: bytes, from: offset + 9, to: end))
    guard !receivers.isEmpty else { return }
    var message = copiedBytes(in: bytes, from: offset, to: offset + length)
    let known = clientNumber(ofProcess: sender)
    for place in 0..<4 { message[5 + place] = UInt8(truncatingIfNeeded: known >> UInt32(24 - 8 * place)) }
    for receiver in receivers { tell(Int(receiver.index), message) }
  }

  /// Of the client whose session the server's process runs, or ran last.
  private func clientNumber(ofProcess process: UInt32) -> UInt32 {
    for index in 0..<min(backends.used, sessions.backends.count)
    where backends[index].processID == process && backends[index].phase != .absent {
      let client = backends[index].client
      if client != ClientID.none.index, sessions.clients[Int(client)].marks.contains(.notifies) {
        return clients[Int(client)].number
      }
      if backends[index].notifiedAt > 0, now.nanoseconds &- backends[index].notifiedAt < Self.newsTravels {
        return backends[index].notifier
      }
      let owner = sessions.backends[index].owner
      return owner == .none ? process : clients[Int(owner.index)].number
    }
    let since = now.nanoseconds < Self.newsTravels ? 0 : now.nanoseconds - Self.newsTravels
    return isShared ? team.notifier(on: process, since: since) ?? process : process
  }

  /// How long a notification is under way at most, as a rule: nanoseconds.
  private static var newsTravels: UInt64 { 1_000_000_000 }

  private mutating func tell(_ client: Int, _ message: [UInt8]) {
    let isBetween = clients[client].phase == .idle && !clients[client].holdsReady
    if isBetween, clients[client].outgoing.isEmpty { return sendToClient(client, message) }
    notices[client, default: []] += message
    guard (notices[client]?.count ?? 0) > Self.mostNotices else { return }
    notices[client] = nil
    refuse(
      client,
      ErrorFields(
        severity: .fatal, sqlState: "57P01",
        message: "terminating connection: too many notifications wait to be read",
        hint: "Read notifications more often, or keep transactions short."))
  }

  /// Bytes of notifications that wait for one client.
  private static var mostNotices: Int { 1 << 20 }
}
