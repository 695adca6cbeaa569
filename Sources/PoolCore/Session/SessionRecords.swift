/// A row that answers what was asked.
package struct LookedRow: Sendable {
  package enum Kind: Sendable { case settings, names, pins, channels, functions }
  var kind: Kind
  var columns: [[UInt8]?]
}

/// A ParameterStatus: name and value as the server reports them.
package struct ReportedParameter: Equatable, Sendable {
  package var name: [UInt8]
  package var value: [UInt8]

  package init(name: [UInt8], value: [UInt8]) {
    self.name = name
    self.value = value
  }
}

/// What the pool knows of a backend's session.
@usableFromInline
package struct BackendSession: Sendable {
  @usableFromInline package var ledger = ReplyLedger()
  package var statements = BackendStatements()
  /// Whose session state is on it; `.none` when it is clean.
  package var owner: ClientID = .none
  /// Which image it has; `nil` when that is not known, so that the next borrow cleans it.
  @usableFromInline package var image: ImageID?
  /// What comes next is the answer to a front and nothing else; see ``Sessions/knownFrontAnswer(on:)``.
  package var awaitsFront = false
  /// The front's own statements were dropped with all others (DISCARD ALL): prepare them again.
  package var needsPreparation = false
  /// How many answers the client's last batch is owed, while it may be sent again; see ``Flight/batchStart``.
  var keptAnswers = 0
  /// Its Bind met a plan that DDL has made stale: once the server is ready, it is sent again.
  package internal(set) var mustRepeat = false
  /// What its client has sent since nothing was owed, as far as that is short; see ``Sessions/lose(_:on:_:)``.
  @usableFromInline package var flight = Flight()
  /// What `look` has answered so far, in the order asked; `nil` for a setting that does not exist.
  package var looked: [[UInt8]?] = []
  /// What the other questions have answered so far.
  var lookedRows: [LookedRow] = []
  /// A question has failed, and so have all behind it.
  var lookFailed = false
  /// Statements that stand under a client's own names, by SQL-level PREPARE or for its sake.
  var guests: [[UInt8]] = []
  /// Those that may stand there: an error has made the server skip something of the pool's own.
  var doubtfulGuests: [[UInt8]] = []
  /// More than one client has had it.
  var hadOthers = false
  /// Parameters that it has reported with other values than its identity's common ones. At its ReadyForQuery these are
  /// what it has: the server reports before it, and only what it has not reported so already.
  package var view: [ReportedParameter] = []
  /// What the statement that is being described takes, once that part of the answer has come.
  var describing: UInt64?
  /// Since it was cleaned last, more has run on it than provably leaves nothing; see ``Sessions/trustsTokens``.
  var isDirty = false
  /// The database has sequences that cache values, which DISCARD SEQUENCES would throw away.
  @usableFromInline package var keepsSequences = false

  package init() {}
}

/// How a client's frame goes to its backend.
package enum FrameTreatment: Equatable, Sendable {
  /// As it is.
  case forward
  /// ``Sessions/rewritten`` in its place.
  case replace
  /// ``Sessions/rewritten`` in place of its first bytes, so many; the others as they are.
  case replaceHead(Int)
  /// Not before the backend has answered what ``Sessions/rewritten`` asks.
  case hold
  /// Not before more of it has come.
  case incomplete
  /// Not before the server is ready: what it means depends on how a batch before it ends.
  case stall
  /// Not at all.
  case drop
  /// No client message has this tag: the client broke the protocol.
  case malformed
}

/// What to do once a backend is ready for the next query and nothing is owed.
package enum AfterReady: Equatable, Sendable {
  /// The client keeps it: a transaction is open, a reply is owed, or the client is pinned.
  case keep
  /// The client keeps it for a moment (``SequenceHabits/lease``), unless it asks for something before.
  case lease
  /// ``Sessions/rewritten`` asks for the settings that were touched; send it, then ask again.
  case look
  /// The backend may go back.
  case release
}
