/// What the pool remembers of a client's session between its transactions.
@usableFromInline
package struct ClientSession: Sendable {
  /// What it has set, by startup and by SET.
  @usableFromInline package var image = ImageID.empty
  /// What its startup packet asked for: where RESET goes back to.
  package var startupImage = ImageID.empty
  /// Which user and database it is.
  package var identity = IdentityID(UInt32.max)
  /// By user, database and application_name at startup.
  package var habit: Int32 = 0
  /// How its texts are read, by the settings that decide that; see ``ReadingTable``.
  package internal(set) var reading: UInt64 = 0
  /// What its last answered Parse of the unnamed statement made of that.
  var unnamedParsed = StatementID.none
  /// A statement that was parsed anew for its Bind, so that what it returns is what it returns now.
  var verified: StatementID = .none
  /// What the unnamed portal was bound to, if a Describe is behind the Bind: the client will be told what it returns.
  var bound: StatementID = .none
  var boundName: UInt32 = 0
  /// Names of its statements that it will be told of, in the order of its Describes.
  var toTell: [UInt32] = []
  /// Those that are on their way; none for what drops it: Close, and a Query within a batch.
  var unnamedSent: [StatementID] = []
  /// Why it keeps its backend.
  package internal(set) var pins = PinSet()
  /// What must be asked for once the transaction has ended.
  @usableFromInline package internal(set) var marks: SessionMarks = []
  /// What is being asked for; meaningful while ``isAsking``.
  var asked: SessionMarks = []
  /// How often in a row an answer was an error.
  var failedLooks: UInt8 = 0
  /// It keeps its backend until it leaves, pinned or not (`pool_mode = "session"`).
  package var keepsBackend = false
  /// Answers to what was asked once a transaction had ended are on their way.
  @usableFromInline package internal(set) var isAsking = false
  /// Functions were made or changed by its transaction.
  var changesFunctions = false
  /// Something of its transaction has failed or was rolled back: what it touched may be as before.
  var hasFailed = false
  /// It keeps its backend for a moment: it may be about to ask for `lastval` or `currval`. See ``SequenceHabits``.
  @usableFromInline package internal(set) var isLeased = false
  /// Its transaction may have taken from a sequence.
  var usesSequences = false
  /// ``channels`` is another than before.
  package var hasNewChannels = false
  /// An error ended its extended-protocol batch: what comes up to the next Sync is dropped.
  @usableFromInline package var isSkipping = false

  /// What most clients have nothing of. Invariant: one element, with something in it, or none.
  @usableFromInline var details: [ClientDetails] = []

  /// It has something of that.
  @inlinable package var hasDetails: Bool { !details.isEmpty }

  package init() {}

  /// One of the reasons why it keeps its backend; `nil` when it does not, or would without any.
  package var pin: PinReason? { keepsBackend ? nil : pins.first }

  /// The beginning of the statement that pinned it first.
  package internal(set) var pinnedBy: String {
    get { details.isEmpty ? "" : details[0].pinnedBy }
    set { change(isNothing: newValue.isEmpty) { $0.pinnedBy = newValue } }
  }

  /// Functions that it has called and of which nothing is known.
  var unknownFunctions: [[UInt8]] {
    get { details.isEmpty ? [] : details[0].unknownFunctions }
    set { change(isNothing: newValue.isEmpty) { $0.unknownFunctions = newValue } }
  }

  /// Those of them that the catalogue is being asked for.
  var askedFunctions: [[UInt8]] {
    get { details.isEmpty ? [] : details[0].askedFunctions }
    set { change(isNothing: newValue.isEmpty) { $0.askedFunctions = newValue } }
  }

  /// What it listens to.
  package internal(set) var channels: Set<[UInt8]> {
    get { details.isEmpty ? [] : details[0].channels }
    set { change(isNothing: newValue.isEmpty) { $0.channels = newValue } }
  }

  /// The transaction's UNLISTENs; no channel for UNLISTEN *.
  var unlistened: [[[UInt8]]] {
    get { details.isEmpty ? [] : details[0].unlistened }
    set { change(isNothing: newValue.isEmpty) { $0.unlistened = newValue } }
  }

  /// What its Parses and Closes on their way do to its names, oldest first.
  var naming: [NameChange] {
    get { details.isEmpty ? [] : details[0].naming }
    set { change(isNothing: newValue.isEmpty) { $0.naming = newValue } }
  }

  /// Statements of SQL-level PREPARE by name.
  var prepared: [[UInt8]: PreparedBySQL] {
    get { details.isEmpty ? [:] : details[0].prepared }
    set { change(isNothing: newValue.isEmpty) { $0.prepared = newValue } }
  }

  /// What protocol-level names stood for that DEALLOCATE has named, until it is known that they are gone.
  var deallocated: [DeallocatedName] {
    get { details.isEmpty ? [] : details[0].deallocated }
    set { change(isNothing: newValue.isEmpty) { $0.deallocated = newValue } }
  }

  /// Settings to ask for once the transaction has ended.
  package var touched: [String] {
    get { details.isEmpty ? [] : details[0].touched }
    set { change(isNothing: newValue.isEmpty) { $0.touched = newValue } }
  }

  /// Those among them that a RESET named.
  package var reset: [String] {
    get { details.isEmpty ? [] : details[0].reset }
    set { change(isNothing: newValue.isEmpty) { $0.reset = newValue } }
  }

  /// Settings that are being asked for. What the client touches meanwhile is asked for afterwards.
  package var looking: [String] {
    get { details.isEmpty ? [] : details[0].looking }
    set { change(isNothing: newValue.isEmpty) { $0.looking = newValue } }
  }

  /// Reported parameters that it was told and that differ from its identity's common ones.
  package var told: [ReportedParameter] {
    get { details.isEmpty ? [] : details[0].told }
    set { change(isNothing: newValue.isEmpty) { $0.told = newValue } }
  }

  /// Reads the long text that is going through.
  package internal(set) var watch: LongTextWatch? {
    get { details.isEmpty ? nil : details[0].watch }
    set { change(isNothing: newValue == nil) { $0.watch = newValue } }
  }

  /// Its transaction has no backend any more.
  package var lost: LostTransaction? {
    get { details.isEmpty ? nil : details[0].lost }
    set { change(isNothing: newValue == nil) { $0.lost = newValue } }
  }

  private mutating func change(isNothing: Bool, _ change: (inout ClientDetails) -> Void) {
    if details.isEmpty {
      if isNothing { return }
      details = [ClientDetails()]
    }
    change(&details[0])
    if isNothing, details[0].isEmpty { details = [] }
  }
}

/// See ``ClientSession``, whose properties these are: kept apart, since they would be most of an idle client's memory.
@usableFromInline
struct ClientDetails: Sendable {
  var pinnedBy: String = ""
  var unknownFunctions: [[UInt8]] = []
  var askedFunctions: [[UInt8]] = []
  var channels: Set<[UInt8]> = []
  var unlistened: [[[UInt8]]] = []
  var naming: [NameChange] = []
  var prepared: [[UInt8]: PreparedBySQL] = [:]
  var deallocated: [DeallocatedName] = []
  var touched: [String] = []
  var reset: [String] = []
  var looking: [String] = []
  var told: [ReportedParameter] = []
  var watch: LongTextWatch?
  var lost: LostTransaction?

  var isEmpty: Bool {
    pinnedBy.isEmpty && unknownFunctions.isEmpty && askedFunctions.isEmpty
      && channels.isEmpty
      && unlistened.isEmpty && naming.isEmpty && prepared.isEmpty && deallocated.isEmpty && touched.isEmpty
      && reset.isEmpty && looking.isEmpty && told.isEmpty && watch == nil && lost == nil
  }
}

/// A statement of SQL-level PREPARE.
struct PreparedBySQL: Sendable {
  /// The PREPARE itself.
  var text: [UInt8]
  /// What executing it touches.
  var effects: SessionEffects
}

/// What a protocol-level name stood for that DEALLOCATE has named.
struct DeallocatedName: Sendable {
  var name: [UInt8]
  var statement: StatementID
}
