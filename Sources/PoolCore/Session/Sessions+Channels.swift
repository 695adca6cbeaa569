import PostgresWire

// LISTEN and UNLISTEN run on the client's backend, for the server's own words, and count if they are committed. Then
// the backend says what it listens to, and stops: the database's listener goes on.

extension Sessions {
  /// Something of the client's transaction has failed or was rolled back, and what it has unlistened with it.
  package mutating func rolledBack(_ client: ClientID) {
    clients[Int(client.index)].unlistened = []
    clients[Int(client.index)].hasFailed = true
  }

  /// The backend has told what it listens to.
  mutating func adoptChannels(_ client: ClientID, _ backend: BackendID) {
    let index = Int(client.index)
    var channels = clients[index].channels
    for unlistened in clients[index].unlistened {
      if unlistened.isEmpty { channels = [] } else { channels.subtract(unlistened) }
    }
    clients[index].unlistened = []
    for row in backends[Int(backend.index)].lookedRows where row.kind == .channels {
      if let channel = row.columns.first ?? nil { channels.insert(channel) }
    }
    guard channels != clients[index].channels else { return }
    clients[index].channels = channels
    clients[index].hasNewChannels = true
  }

  /// The client asks what it listens to: for as long as that takes, its backend does. Committed before its statement
  /// begins; within a transaction it is too late for that.
  mutating func listenAgain(_ client: ClientID, on backend: BackendID) {
    let index = Int(client.index)
    guard !clients[index].channels.isEmpty, backends[Int(backend.index)].ledger.isAtBatchStart else { return }
    var count = appendPreparation(on: backend)
    var writer = MessageWriter(reservingCapacity: 256)
    count += Front.appendListens(
      clients[index].channels.sorted { $0.lexicographicallyPrecedes($1) }, to: &writer)
    rewritten.append(contentsOf: writer.bytes)
    backends[Int(backend.index)].ledger.sent(Expectation(.front, UInt32(count)))
    clients[index].marks.insert(.channels)
  }

  /// The same for a statement that asks so; its Parse may begin the batch in which it is executed.
  mutating func listenAgain(_ client: ClientID, for statement: StatementID, on backend: BackendID) {
    guard statements.hasEffects(statement), statements.effects(of: statement).listsChannels else { return }
    listenAgain(client, on: backend)
  }

  /// Whether the client's ReadyForQuery that has just come must wait for the database's listener: for a LISTEN
  /// until it listens, for a NOTIFY until it has said all that came before.
  @inlinable
  package func mustHoldReady(_ client: ClientID, _ backend: BackendID) -> Bool {
    clients[Int(client.index)].marks.rawValue != 0 && listensOrNotifies(client, backend)
  }

  @usableFromInline
  func listensOrNotifies(_ client: ClientID, _ backend: BackendID) -> Bool {
    let marks = clients[Int(client.index)].marks
    if marks.isDisjoint(with: [.channels, .notifies]) { return false }
    return backends[Int(backend.index)].ledger.isSettled
      && (marks.contains(.channels) || !clients[Int(client.index)].channels.isEmpty)
  }
}
