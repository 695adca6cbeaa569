import Logging
import PoolCore
import PostgresWire

// What a backend's messages mean, beyond that its client gets them.

extension PoolLoop {
  /// What the client must be told of its parameters in front of the ReadyForQuery that has just come.
  @inline(__always)
  mutating func unreported(_ index: Int) -> [UInt8] {
    let client = backends[index].client
    guard client != ClientID.none.index, clients[Int(client)].phase == .active,
      sessions.mayHaveUnreported(ClientID(client))
    else { return [] }
    let identity = Int(clients[Int(client)].identity)
    return sessions.unreported(
      ClientID(client), BackendID(index), common: identities.entries[identity].common ?? [])
  }

  /// True when the client must be told.
  mutating func reported(_ index: Int, _ bytes: Span<UInt8>, _ offset: Int, _ length: Int) -> Bool {
    guard let view = ParameterStatusView.read(in: bytes, at: offset, length: length) else { return false }
    let own = Int(pool.identity(of: BackendID(index)).index)
    sessions.reported(BackendID(index), view, in: bytes, common: identities.entries[own].common ?? [])
    let client = backends[index].client
    guard client != ClientID.none.index, clients[Int(client)].phase == .active else { return false }
    let identity = Int(clients[Int(client)].identity)
    return sessions.parameterReported(
      ClientID(client), view, in: bytes, common: identities.entries[identity].common ?? [])
  }

  /// A command has ended. Two of them take all prepared statements along, the pool's own, too; one takes back what
  /// the transaction has set.
  @inline(__always)
  mutating func completed(_ index: Int, _ bytes: Span<UInt8>, _ offset: Int, _ length: Int) {
    counters.queries += 1
    let client = backends[index].client
    guard client != ClientID.none.index else { return }
    work[clients[Int(client)].identity].queries &+= 1
    if clients[Int(client)].tls != nil { counters.encryptedQueries += 1 }
    guard length > 10, bytes[offset + 5] == UInt8(ascii: "D") || bytes[offset + 5] == UInt8(ascii: "R"),
      let view = CommandTagView.read(in: bytes, at: offset, length: length)
    else { return }
    if view.says("ROLLBACK", in: bytes) {
      sessions.rolledBack(ClientID(client))
    } else if view.says("DISCARD ALL", in: bytes) {
      sessions.statementsDropped(ClientID(client), BackendID(index), discardsAll: true)
    } else if view.says("DEALLOCATE ALL", in: bytes) {
      sessions.statementsDropped(ClientID(client), BackendID(index), discardsAll: false)
    }
  }

  mutating func looked(
    _ index: Int, _ number: UInt32, _ tag: UInt8, _ bytes: Span<UInt8>, _ offset: Int, _ length: Int
  ) {
    guard tag == BackendTag.dataRow, let row = DataRowView.read(in: bytes, at: offset, length: length) else {
      return
    }
    var columns: [[UInt8]?] = []
    var at = row.columnsStart
    while columns.count < row.columnCount, let column = row.column(in: bytes, at: at) {
      columns.append(
        column.isNull ? nil : copiedBytes(in: bytes, from: column.valueStart, to: column.valueEnd))
      at = column.valueEnd
    }
    sessions.looked(number, columns, on: BackendID(index))
  }

  mutating func meetsStalePlan(
    _ index: Int, _ bytes: Span<UInt8>, _ offset: Int, _ length: Int
  ) -> Bool {
    guard backends[index].phase == .serving, backends[index].client != ClientID.none.index,
      sessions.bindAhead(index) != nil
    else { return false }
    return sessions.meetsStalePlan(
      ErrorFields.read(in: bytes, at: offset, length: length), BackendID(index))
  }

  /// The server is ready after a stale plan's error: the client's batch is sent once more.
  mutating func repeatBatch(_ index: Int) {
    let client = Int(backends[index].client)
    let batch = sessions.takeKept(on: BackendID(index))
    guard backends[index].client != ClientID.none.index, clients[client].phase == .active else {
      return backendReady(index)
    }
    counters.stalePlans += 1
    out.removeAll()
    batch.withUnsafeBytes { raw in
      if let base = raw.baseAddress { _ = relay(client, base, raw.count, isRepeated: true) }
    }
    // What has come meanwhile was not read.
    guard clients[client].phase == .active, !clients[client].incoming.isEmpty else { return }
    processIncoming(client)
    if clients[client].phase != .absent { readLater(client: client) }
  }

  /// The server has answered a batch: what its client sends next is certain by now.
  @inline(__always)
  mutating func endStall(_ client: Int) {
    if clients[client].isStalled { lookAgain(client) }
  }

  /// What the client has sent before is looked at once more, soon.
  mutating func lookAgain(_ client: Int) {
    clients[client].isStalled = false
    clients[client].mustResume = true
    readLater(client: client)
  }

  /// FATAL and PANIC end the connection: its end of file follows.
  mutating func noteEnding(
    _ index: Int, _ bytes: Span<UInt8>, _ offset: Int, _ length: Int, isUnasked: Bool = false
  ) {
    guard let error = ErrorFields.read(in: bytes, at: offset, length: length) else { return }
    if error.isFatal || isUnasked {
      backends[index].isDying = true
      server.lastError = error.message
    }
  }

  /// ReadyForQuery, with all before it delivered.
  mutating func backendReady(_ index: Int) {
    switch backends[index].phase {
    case .serving:
      guard backends[index].client != ClientID.none.index else { return }
      let client = Int(backends[index].client)
      if clients[client].phase == .checking {
        if sessions.isSettled(index) { settingsChecked(client, index) }
        return
      }
      if sessions.isLookedUp(ClientID(client), BackendID(index)) {
        sessions.settingsLookedUp(ClientID(client), BackendID(index))
      }
      if sessions.clients[client].hasNewChannels { channelsChanged(client) }
      if clients[client].phase == .active { transactionMayHaveEnded(index) }
    case .recovering: recoverFurther(index)
    case .listening: listenerAnswered(index)
    case .cleaning:
      guard sessions.isSettled(index) else { return }
      backendTimers.cancel(index)
      backends[index].phase = .serving
      giveBack(index)
    case .preparing: backendPrepared(index)
    case .absent, .connecting, .encrypting, .login, .lookingUp, .replicating, .closing: break
    }
  }

  /// The server sent what cannot be understood. Nothing is "resynced": the connection is closed.
  mutating func backendBroke(_ index: Int, _ what: String) {
    if backends[index].phase == .preparing {
      return backendLoginFailed(index, nil, "the server sent \(what)")
    }
    logger.error("backend \(backends[index].processID) sent \(what); its connection is closed")
    loseBackend(index)
  }
}
