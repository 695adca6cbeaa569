/// What the pool remembers of a client's session between its transactions.
package struct ClientSession: Sendable {
  /// What it has set, by startup and by SET.
  package var image = ImageID.empty
  /// What its startup packet asked for: where RESET goes back to.
  package var startupImage = ImageID.empty
  /// How its texts are read, by the settings that decide that; see ``ReadingTable``.
  package internal(set) var reading: UInt64 = 0
  /// Which user and database it is.
  package var identity = IdentityID(UInt32.max)
  /// It keeps its backend until it leaves, pinned or not (`pool_mode = "session"`).
  package var keepsBackend = false
  /// Why it keeps its backend.
  package internal(set) var pins = PinSet()
  /// The beginning of the statement that pinned it first.
  package internal(set) var pinnedBy = ""
  /// What must be asked for once the transaction has ended.
  package internal(set) var marks: SessionMarks = []
  /// What is being asked for; meaningful while ``isAsking``.
  var asked: SessionMarks = []
  /// Answers to what was asked once a transaction had ended are on their way.
  package internal(set) var isAsking = false
  /// Functions that it has called and of which nothing is known.
  var unknownFunctions: [[UInt8]] = []
  /// Those of them that the catalogue is being asked for.
  var askedFunctions: [[UInt8]] = []
  /// Functions were made or changed by its transaction.
  var changesFunctions = false
  /// Something of its transaction has failed or was rolled back: what it touched may be as before.
  var hasFailed = false
  /// How often in a row an answer was an error.
  var failedLooks = 0
  /// What the unnamed portal was bound to, if a Describe is behind the Bind: the client will be told what it returns.
  var bound: StatementID = .none
  var boundName: UInt32 = 0
  /// Names of its statements that it will be told of, in the order of its Describes.
  var toTell: [UInt32] = []
  /// A statement that was parsed anew for its Bind, so that what it returns is what it returns now.
  var verified: StatementID = .none
  /// It keeps its backend for a moment: it may be about to ask for `lastval` or `currval`. See ``SequenceHabits``.
  package internal(set) var isLeased = false
  /// Its transaction may have taken from a sequence.
  var usesSequences = false
  /// By user, database and application_name at startup.
  package var habit = 0
  /// What it listens to.
  package internal(set) var channels: Set<[UInt8]> = []
  /// The transaction's UNLISTENs; no channel for UNLISTEN *.
  var unlistened: [[[UInt8]]] = []
  /// ``channels`` is another than before.
  package var hasNewChannels = false
  /// What its last answered Parse of the unnamed statement made of that.
  var unnamedParsed = StatementID.none
  /// Those that are on their way; none for what drops it: Close, and a Query within a batch.
  var unnamedSent: [StatementID] = []
  /// What its Parses and Closes on their way do to its names, oldest first.
  var naming: [NameChange] = []
  /// Statements of SQL-level PREPARE by name.
  var prepared: [[UInt8]: PreparedBySQL] = [:]
  /// What protocol-level names stood for that DEALLOCATE has named, until it is known that they are gone.
  var deallocated: [(name: [UInt8], statement: StatementID)] = []
  /// Settings to ask for once the transaction has ended.
  package var touched: [String] = []
  /// Those among them that a RESET named.
  package var reset: [String] = []
  /// Settings that are being asked for. What the client touches meanwhile is asked for afterwards.
  package var looking: [String] = []
  /// Reads the long text that is going through.
  package internal(set) var watch: LongTextWatch?
  /// An error ended its extended-protocol batch: what comes up to the next Sync is dropped.
  package var isSkipping = false
  /// Its transaction has no backend any more.
  package var lost: LostTransaction?
  /// Reported parameters that it was told and that differ from its identity's common ones.
  package var told: [ReportedParameter] = []

  package init() {}

  /// One of the reasons why it keeps its backend; `nil` when it does not, or would without any.
  package var pin: PinReason? { keepsBackend ? nil : pins.first }
}

/// A statement of SQL-level PREPARE.
struct PreparedBySQL: Sendable {
  /// The PREPARE itself.
  var text: [UInt8]
  /// What executing it touches.
  var effects: SessionEffects
}

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
package struct BackendSession: Sendable {
  package var ledger = ReplyLedger()
  package var statements = BackendStatements()
  /// Whose session state is on it; `.none` when it is clean.
  package var owner: ClientID = .none
  /// Which image it has; `nil` when that is not known, so that the next borrow cleans it.
  package var image: ImageID?
  /// The front's own statements were dropped with all others (DISCARD ALL): prepare them again.
  package var needsPreparation = false
  /// The client's last batch, while nothing of it is answered and it may be sent again; see ``Sessions/keeps(on:)``.
  package var kept: [UInt8] = []
  /// How many answers it is owed.
  var keptAnswers = 0
  /// Its Bind met a plan that DDL has made stale: once the server is ready, it is sent again.
  package internal(set) var mustRepeat = false
  /// What its client has sent since nothing was owed, as far as that is short; see ``Sessions/lose(_:on:_:)``.
  package var flight = Flight()
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
  package var keepsSequences = false

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
