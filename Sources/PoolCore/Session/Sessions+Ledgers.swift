// What a backend's ledger says, asked from another module without a copy of it.

extension Sessions {
  /// See ``ReplyLedger/isSettled``.
  @inlinable package func isSettled(_ backend: Int) -> Bool { backends[backend].ledger.isSettled }
  /// See ``ReplyLedger/isQuiet``.
  @inlinable package func isQuiet(_ backend: Int) -> Bool { backends[backend].ledger.isQuiet }
  /// See ``ReplyLedger/owesNothing``.
  @inlinable package func owesNothing(_ backend: Int) -> Bool { backends[backend].ledger.owesNothing }
  /// See ``ReplyLedger/isAtBatchStart``.
  @inlinable package func isAtBatchStart(_ backend: Int) -> Bool { backends[backend].ledger.isAtBatchStart }
  /// See ``ReplyLedger/bindAhead``.
  @inlinable package func bindAhead(_ backend: Int) -> StatementID? { backends[backend].ledger.bindAhead }
  /// See ``ReplyLedger/isDescribing``.
  @inlinable package func isDescribing(_ backend: Int) -> Bool { backends[backend].ledger.isDescribing }
  /// See ``ReplyLedger/isLooking``.
  @inlinable package func isLooking(_ backend: Int) -> Bool { backends[backend].ledger.isLooking }
  /// See ``ReplyLedger/isNextForClient``.
  package func isNextForClient(_ backend: Int) -> Bool { backends[backend].ledger.isNextForClient }
  /// See ``ReplyLedger/isRunning``.
  @inlinable package func isRunning(_ backend: Int) -> Bool { backends[backend].ledger.isRunning }
  /// CopyData of the client's goes to the backend as it is.
  @inlinable package func passesData(_ client: ClientID, to backend: BackendID) -> Bool {
    !clients[Int(client.index)].isSkipping && !backends[Int(backend.index)].ledger.isSkipping
      && !backends[Int(backend.index)].ledger.owesNothing
  }

  /// The client may have something of what most clients have nothing of; see ``ClientSession``.
  @inlinable package func hasDetails(_ client: Int) -> Bool { clients[client].hasDetails }
}
