package import PostgresWire

// "cached plan must not change result type": DDL has given a prepared statement other columns. Parsed anew it is well,
// which a client alone on its connection would have to do itself. So the batch that met the error is sent once more,
// if that can change nothing: it begins with the Bind, outside a transaction, and nothing of it has been answered.
// Source: PostgreSQL 15, `RevalidateCachedQuery`.

extension Sessions {
  /// Bytes of a batch that are kept at most.
  package static let mostKept = 16_384

  /// The client's batch that has just been sent, from this place of its flight, may be sent again: a Bind in front, one
  /// Sync at its end, outside a transaction.
  package mutating func keeps(on backend: BackendID, from start: Int) {
    let index = Int(backend.index)
    backends[index].flight.batchStart = start
    backends[index].keptAnswers = backends[index].ledger.clientAnswersOwed
  }

  /// An ErrorResponse has come and is not on the books yet. True when the client need not see it: its batch is sent
  /// again behind the next ReadyForQuery. In any case a stale statement is parsed anew where it is bound next.
  package mutating func meetsStalePlan(_ error: ErrorFields?, _ backend: BackendID) -> Bool {
    let index = Int(backend.index)
    guard let error, error.sqlState == "0A000", error.routine == "RevalidateCachedQuery",
      let statement = backends[index].ledger.bindAhead
    else { return false }
    if statement == .none {
      backends[index].statements.unnamedOwner = .none
    } else {
      // It is stale on all backends that have it.
      for other in backends.indices { backends[other].statements.outdated(statement) }
    }
    // It reads the rows by what it was told: it must know.
    let owner = backends[index].owner
    if owner != .none, names.isTold(owner, statement) { return false }
    let isUnanswered =
      backends[index].flight.batchStart >= 0
      && backends[index].keptAnswers == backends[index].ledger.clientAnswersOwed
    guard isUnanswered, backends[index].owner != .none else { return false }
    backends[index].mustRepeat = true
    return true
  }

  /// The batch to send again; it is not kept any more.
  package mutating func takeKept(on backend: BackendID) -> [UInt8] {
    defer { dropKept(on: backend) }
    let flight = backends[Int(backend.index)].flight
    return flight.batchStart < 0 ? [] : Array(flight.bytes[flight.batchStart...])
  }

  /// More has been sent, or all is answered.
  @inlinable package mutating func dropKept(on backend: BackendID) {
    if backends[Int(backend.index)].flight.batchStart >= 0 { forgetKept(backend) }
  }

  @usableFromInline mutating func forgetKept(_ backend: BackendID) {
    backends[Int(backend.index)].flight.batchStart = -1
    backends[Int(backend.index)].mustRepeat = false
  }
}
