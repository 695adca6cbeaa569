import Logging
import PoolCore
import PostgresWire

// Replication connections: each client has a backend of its own for its whole life, opened with its own startup
// parameters, and all bytes pass through as they come. Both slots are in the phase `replicating`.

extension PoolLoop {
  // MARK: Beginning

  /// A client that replicates has shown who it is. It waits for a slot as others do.
  mutating func replicate(
    _ index: Int, _ request: StartupRequest, _ account: [UInt8], _ mode: ReplicationMode
  ) {
    var database = request.database
    if mode == .logical {
      guard let target = identities.targetDatabase(database) else {
        counters.databaseRefusals += 1
        return loginFailed(index, "3D000", "database \"\(database)\" does not exist")
      }
      database = target
    }
    guard
      let identity = identities.ownIdentity(
        user: request.user, database: database, account: account, parameters: request.parameters,
        in: &pool)
    else {
      return loginFailed(index, "28P01", "password authentication failed for user \"\(request.user)\"")
    }
    clients[index].identity = identity.index
    applyPauses()
    sessions.clientArrived(ClientID(index), startup: .empty)
    clients[index].phase = .checking
    clients[index].since = now.nanoseconds
    clientTimers.cancel(index)
    // Until the server has told its limit the cap is one, and a walsender cannot be asked.
    if limitIsFromServer, !(server.wasReached || team.isReached) { capBecame(cap + 1) }
    switch pool.borrow(ClientID(index), identity, at: now) {
    case .lend(let backend): closeBackend(Int(backend.index))
    case .wait:
      if settings.borrowTimeout > 0 {
        clientTimers.set(index, now.advanced(byMilliseconds: settings.borrowTimeout))
      }
      openForWaiters()
    case .refuse:
      counters.queueRefusals += 1
      loginFailed(index, "53300", "too many clients wait for a database connection already")
    }
  }

  /// Its backend is logged in. Whoever it was opened for may have gone; then it is of no use to anybody.
  mutating func replicationOpened(_ backend: Int, _ login: BackendLogin) {
    backendLogins[backend] = nil
    backendTimers.cancel(backend)
    counters.backendConnectsSucceeded += 1
    counters.backendConnectTime.record(now.nanoseconds &- login.begunAt)
    server.downSince = nil
    server.complaints = [:]
    guard case .lend(let client) = pool.connected(BackendID(backend), at: now) else {
      closeBackend(backend)
      return openForWaiters()
    }
    beginReplicating(Int(client.index), backend, login.reported)
    openForWaiters()
  }

  private mutating func beginReplicating(_ client: Int, _ backend: Int, _ reported: [ReportedParameter]) {
    clientTimers.cancel(client)
    clients[client].phase = .replicating
    clients[client].backend = UInt32(backend)
    backends[backend].client = UInt32(client)
    backends[backend].phase = .replicating
    replications[backend] = ReplicationStream()
    counters.borrowWait.record(now.nanoseconds &- clients[client].since)
    counters.borrows += 1
    counters.pins.add(.replication)
    counters.clientSetupsSucceeded += 1
    counters.loginTime.record(now.nanoseconds &- clients[client].acceptedAt)
    let identity = identities.entries[Int(clients[client].identity)]
    logger.info(
      "a client keeps its backend: \(PinReason.replication.name)",
      metadata: [
        "user": "\(identity.user)", "database": "\(identity.database)",
        "pid": "\(backends[backend].processID)",
      ])
    var writer = MessageWriter(reservingCapacity: 512)
    for parameter in reported {
      writer.parameterStatus(
        name: String(decoding: parameter.name, as: UTF8.self), value: parameter.value)
    }
    writer.backendKeyData(processID: clients[client].number, key: cancelSecret(of: client))
    writer.readyForQuery(.idle)
    sendToClient(client, writer.bytes)
    guard clients[client].phase == .replicating else { return }
    if drain.hasStoppedListening { return sayGoodbye(client) }
    // It was not read meanwhile.
    processIncoming(client)
    if clients[client].phase != .absent { readLater(client: client) }
  }

  // MARK: Passing through

  /// Returns how many bytes are dealt with: all.
  mutating func replicateToServer(_ client: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    let backend = Int(clients[client].backend)
    // Invariant: `base` covers `count` bytes until this returns.
    replications[backend]?.clientSent(
      UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count).span)
    sendToBackend(backend, base, count)
    return count
  }

  /// Returns how many bytes are dealt with: all.
  mutating func replicateToClient(_ backend: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int {
    // Invariant: `base` covers `count` bytes until this returns.
    replications[backend]?.serverSent(
      UnsafeBufferPointer(start: base.assumingMemoryBound(to: UInt8.self), count: count).span)
    let client = Int(backends[backend].client)
    sendToClient(client, base, count)
    if drain.hasStoppedListening, backends[backend].phase == .replicating { endReplication(client) }
    return count
  }

  // MARK: Ending

  /// The pool drains. What streams goes on elsewhere; a base backup may end first.
  mutating func endReplication(_ client: Int) {
    guard let stream = replications[Int(clients[client].backend)], stream.mayEnd else { return }
    sayGoodbye(client)
  }

  /// The client has gone, or is told its last: nobody else can use its backend.
  mutating func replicationLeft(_ backend: Int) {
    let stream = replications.removeValue(forKey: backend) ?? ReplicationStream()
    backends[backend].client = ClientID.none.index
    if !stream.takesTerminate { backends[backend].hasHalfFrame = true }
    closeBackend(backend)
    // A walsender that reads a backup's files does not look at its socket.
    if stream.isRunning, !stream.hasTerminated { cancelQuery(backend) }
  }

  /// The server has closed the connection, and the client has all that it said.
  mutating func replicationEnded(_ backend: Int) {
    let client = Int(backends[backend].client)
    replications[backend] = nil
    backends[backend].client = ClientID.none.index
    clients[client].backend = BackendID.none.index
    finish(client, [])
    pool.closing(BackendID(backend))
    counters.backendsClosed += 1
    backendGone(backend)
  }
}
