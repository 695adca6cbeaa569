import Logging
import PoolCore
import PostgresWire

// How long a query, a transaction and the silence within one may take. A client has one timer, which is set for the
// nearest of its limits.

extension PoolLoop {
  /// The client has asked its backend for something: the clock of its query runs, and that of its transaction.
  @inline(__always)
  mutating func watchRunning(_ client: Int) {
    if settings.queryTimeout == 0, settings.transactionTimeout == 0 { return clientTimers.cancel(client) }
    setRunningTimer(client)
  }

  private mutating func setRunningTimer(_ client: Int) {
    clients[client].timesSilence = false
    let sent = Instant(nanoseconds: clients[client].sentAt)
    let query = settings.queryTimeout > 0 ? sent.advanced(byMilliseconds: settings.queryTimeout) : nil
    guard let deadline = [query, transactionDeadline(client)].compactMap(\.self).min() else { return }
    clientTimers.set(client, max(deadline, now))
  }

  private func transactionDeadline(_ client: Int) -> Instant? {
    guard settings.transactionTimeout > 0 else { return nil }
    let since = clients[client].since
    return (since == 0 ? now : Instant(nanoseconds: since))
      .advanced(byMilliseconds: settings.transactionTimeout)
  }

  /// Every answer is in, and yet the client has its backend: how long may it think?
  mutating func watchOpenTransaction(_ client: Int, _ backend: Int) {
    guard clients[client].phase == .active, sessions.owesNothing(backend) else { return }
    // Pinned, but between its transactions: idle as any other.
    if sessions.isSettled(backend) { return watchIdle(client) }
    let silence =
      settings.idleTransactionTimeout > 0
      ? now.advanced(byMilliseconds: settings.idleTransactionTimeout) : nil
    guard let deadline = [silence, transactionDeadline(client)].compactMap(\.self).min() else { return }
    clients[client].timesSilence = true
    clientTimers.set(client, max(deadline, now))
  }

  /// The timer of a client that has a backend.
  mutating func activeTimerFired(_ client: Int) {
    let backend = Int(clients[client].backend)
    let ledger = sessions.backends[backend].ledger
    // Pinned, but between its transactions.
    if sessions.clients[client].isLeased, ledger.isSettled {
      sessions.leaseEnded(ClientID(client))
      return transactionMayHaveEnded(backend)
    }
    if ledger.isSettled {
      if settings.idleClientTimeout > 0 { idleTooLong(client) }
      return
    }
    if let deadline = transactionDeadline(client), deadline <= now {
      counters.transactionTimeouts += 1
      return endTransaction(client, "25P04", "transaction timeout", "transaction_timeout")
    }
    if ledger.owesNothing {
      guard clients[client].timesSilence else { return watchOpenTransaction(client, backend) }
      counters.idleTransactionTimeouts += 1
      return endTransaction(client, "25P03", "idle-in-transaction timeout", "idle_transaction_timeout")
    }
    let sent = Instant(nanoseconds: clients[client].sentAt)
    guard settings.queryTimeout > 0, sent.advanced(byMilliseconds: settings.queryTimeout) <= now else {
      return setRunningTimer(client)
    }
    guard !backends[backend].isOverdue else {
      // The server has not heeded the cancel.
      return endTransaction(client, "57014", "query timeout", "query_timeout")
    }
    counters.queryTimeouts += 1
    backends[backend].isOverdue = true
    cancelQuery(backend)
    clientTimers.set(client, now.advanced(byMilliseconds: Self.cancelPatience))
  }

  /// How long a query may take to be cancelled before its client is told that it is over.
  private static var cancelPatience: UInt64 { 10_000 }

  private mutating func endTransaction(_ client: Int, _ sqlState: String, _ what: String, _ key: String) {
    let identity = identities.entries[Int(clients[client].identity)]
    logger.info(
      "a client is disconnected: \(what)",
      metadata: ["user": "\(identity.user)", "database": "\(identity.database)"])
    refuse(
      client,
      ErrorFields(
        severity: .fatal, sqlState: sqlState, message: "terminating connection due to \(what)",
        hint: "\(key) of the pool sets this limit."))
  }

  /// The server's words for a cancelled query, with who had it cancelled; `nil` for any other error.
  func overdueAnswer(_ bytes: Span<UInt8>, _ offset: Int, _ length: Int) -> [UInt8]? {
    guard let error = ErrorFields.read(in: bytes, at: offset, length: length), error.sqlState == "57014"
    else {
      return nil
    }
    var writer = MessageWriter(reservingCapacity: 256)
    writer.errorResponse(
      ErrorFields(
        severity: .error, sqlState: "57014",
        message: "canceling statement due to query_timeout (\(settings.queryTimeout) ms)",
        hint: "query_timeout of the pool sets this limit."))
    return writer.bytes
  }
}
