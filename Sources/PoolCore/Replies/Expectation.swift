/// One message whose answer a backend owes.
@usableFromInline
package struct Expectation: Equatable, Sendable {
  @usableFromInline
  package enum Kind: UInt8, Sendable {
    // The client's own.
    case functionCall, sync, parse, execute
    /// Payload: 1 within a batch, whose error would make the server skip it.
    case query
    /// Payload: what it closes, see ``ClosePayload``.
    case close
    /// Payload: the statement; none for a portal, the unnamed one and one of SQL's PREPARE.
    case describe
    /// Payload: the statement; none for the unnamed one and for one of SQL's PREPARE.
    case bind
    /// CopyDone or CopyFail: no answer of its own, but a Sync behind it counts again.
    case copyEnd
    /// A Parse of a name that the client has given already: the server will refuse it.
    case duplicateParse
    /// A Parse under the client's own name, where SQL's PREPARE may have the name: the server decides. Payload: the
    /// statement, which the client has if it goes through and the backend has not.
    case probeParse
    /// A message that cannot be read: the server has no answer to it but an error.
    case unreadable
    /// Bind and Execute of what fails in the place of a statement that must not run.
    case refusal
    // The pool's, between the client's messages.
    case hiddenParse, hiddenClose
    /// What a statement returns is asked for. Payload: the statement.
    case hiddenDescribe
    /// What is put in front of a client's first bytes. Payload: how many answers are still to come.
    case front
    /// A value that is asked for once a transaction has ended. Payload: which.
    case look
    case ownSync, ownQuery

    /// The client must not see what comes back for it.
    var isHidden: Bool {
      switch self {
      case .hiddenParse, .hiddenClose, .hiddenDescribe, .front, .look, .ownSync, .ownQuery: true
      case .query, .functionCall, .sync, .parse, .bind, .describe, .execute, .close, .copyEnd,
        .duplicateParse, .probeParse, .unreadable, .refusal:
        false
      }
    }
  }

  @usableFromInline package var kind: Kind
  @usableFromInline package var payload: UInt32

  @inlinable package init(_ kind: Kind, _ payload: UInt32 = 0) {
    self.kind = kind
    self.payload = payload
  }
}

/// What becomes of a message from a backend.
package enum ReplyVerdict: Equatable, Sendable {
  /// The client gets it.
  case forward
  /// It answers something of the pool's own.
  case swallow
  /// A CommandComplete for the client.
  case completed
  /// ReadyForQuery. Look at ``ReplyLedger/isSettled``.
  case ready(forward: Bool)
  /// The backend has the statement now.
  case prepared(StatementID, forward: Bool)
  /// The client has got or closed a name of its own.
  case named
  /// It has closed its unnamed statement.
  case unnamedClosed
  /// The backend has the statement no more.
  case unprepared(StatementID)
  /// The front went through: the client's own answers follow.
  case frontDone
  /// The front failed; the server skips up to the next Sync, so nothing of the client's has run.
  case frontFailed
  /// An error for the client.
  case failed
  /// Part of what a statement returns.
  case described(StatementID, forward: Bool)
  /// A value that was asked for, by its number.
  case looked(UInt32)
  /// An error that nobody asked for: the server is ending the connection.
  case unasked
  /// The server said something that cannot be here: the connection is not understood any more and must be closed.
  case violation
}
