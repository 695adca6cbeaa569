// What a backend's ledger says, asked from another module without a copy of it.

extension Sessions {
  /// See ``ReplyLedger/isSettled``.
  package func isSettled(_ backend: Int) -> Bool { backends[backend].ledger.isSettled }
  /// See ``ReplyLedger/isQuiet``.
  package func isQuiet(_ backend: Int) -> Bool { backends[backend].ledger.isQuiet }
  /// See ``ReplyLedger/owesNothing``.
  package func owesNothing(_ backend: Int) -> Bool { backends[backend].ledger.owesNothing }
  /// See ``ReplyLedger/isAtBatchStart``.
  package func isAtBatchStart(_ backend: Int) -> Bool { backends[backend].ledger.isAtBatchStart }
  /// See ``ReplyLedger/bindAhead``.
  package func bindAhead(_ backend: Int) -> StatementID? { backends[backend].ledger.bindAhead }
  /// See ``ReplyLedger/isDescribing``.
  package func isDescribing(_ backend: Int) -> Bool { backends[backend].ledger.isDescribing }
  /// See ``ReplyLedger/isLooking``.
  package func isLooking(_ backend: Int) -> Bool { backends[backend].ledger.isLooking }
}
