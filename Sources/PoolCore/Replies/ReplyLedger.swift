package import PostgresWire

/// What a backend owes: one entry for every message sent to it that will be answered, in order.
///
/// It answers, for each message that comes back, whether the client gets it, and proves the one rule above all: a
/// backend goes back to the pool only when nothing is owed (``isSettled``). Source: PostgreSQL manual, "Message
/// Flow"; where the manual is silent, what `PostgresMain` does is written beside the rule.
@usableFromInline
package struct ReplyLedger: Sendable {
  /// Invariant: a ring; `count` entries from `head`; the capacity is a power of two.
  @usableFromInline var entries: [Expectation]
  @usableFromInline var head = 0
  @usableFromInline var count = 0

  /// An extended-protocol error: the server reads and drops everything up to the next Sync.
  @usableFromInline package private(set) var isSkipping = false
  /// The server reads COPY data of an extended-protocol COPY: a Sync that comes before the end of the data is
  /// ignored by it, and so not owed an answer (`CopyGetData`: "for the convenience of client libraries").
  @usableFromInline package private(set) var isCopyingIn = false
  /// A Parse, Bind, … has been sent and no Sync behind it: the backend's transaction is open at the wire.
  @usableFromInline package private(set) var isBatchOpen = false
  /// A COPY failed after Syncs had been sent into its data: whether the server read them as data (and ignored
  /// them) or after its error (and will answer them) cannot be known. Never settled again: to be closed.
  @usableFromInline package private(set) var isDoubtful = false
  /// Syncs that the COPY under way is thought to ignore.
  private var ignoredSyncs = 0
  /// As the last ReadyForQuery said.
  package private(set) var status = TransactionStatus.idle {
    didSet { isIdle = status == .idle }
  }
  @usableFromInline private(set) var isIdle = true

  package init() {
    entries = [Expectation](repeating: Expectation(.sync), count: 16)
  }

  /// Nothing is owed, no batch is open, no transaction either: the backend may change hands.
  @inlinable package var isSettled: Bool { isQuiet && isIdle && !isDoubtful }

  /// Nothing is owed and no batch is open; a transaction may be.
  @inlinable package var isQuiet: Bool { count == 0 && !isBatchOpen && !isCopyingIn }

  /// Nothing is owed, though a batch may be open (a client that thinks after Flush).
  @inlinable package var owesNothing: Bool { count == 0 }

  /// Nothing of the client's has been carried out: what was put in front of it is still being answered.
  package var isInFront: Bool { headKind == .front }

  /// The next answer is that of a statement: its rows, and data that it copies out, are the client's.
  @inlinable package var isRunning: Bool {
    count > 0 && (entries[head].kind == .query || entries[head].kind == .execute)
  }

  /// The next answer is the client's: what it has asked for is not all answered.
  package var isNextForClient: Bool { headKind.map { !$0.isHidden } ?? false }

  /// The next answer is a value that was asked for.
  @inlinable package var isLooking: Bool { headKind == .look }

  /// The client waits for an answer of its own.
  package var owesClient: Bool {
    if skippedQueries > 0, count > 0 { return true }
    for offset in 0..<count where !entries[(head &+ offset) & (entries.count &- 1)].kind.isHidden {
      return true
    }
    return false
  }

  /// The client has nothing under way, nor has the server a transaction: what comes next begins a batch. At most
  /// the front runs ahead of it.
  @inlinable package var isAtBatchStart: Bool {
    guard isIdle, !isCopyingIn, !isSkipping, !isDoubtful else { return false }
    return count == 0 ? !isBatchOpen : owesOnlyFront
  }

  @usableFromInline var owesOnlyFront: Bool {
    for offset in 0..<count where entries[(head &+ offset) & (entries.count &- 1)].kind != .front {
      return false
    }
    return true
  }

  /// A batch of the client's is open: an error in it would make the server skip what comes next.
  package var isWithinBatch: Bool {
    guard isBatchOpen else { return false }
    // The front alone begins none.
    return count == 0 || !isAtBatchStart
  }

  /// How many of the client's messages are still to be answered.
  package var clientAnswersOwed: Int {
    var owed = 0
    for offset in 0..<count where !entries[(head &+ offset) & (entries.count &- 1)].kind.isHidden {
      owed += 1
    }
    return owed
  }

  /// The next answer tells what a named statement returns.
  @inlinable package var isDescribing: Bool {
    headKind == .hiddenDescribe || (headKind == .describe && entries[head].payload != StatementID.none.index)
  }

  /// The statement of the Bind that the next answer is for; `nil` when it is for something else.
  @inlinable package var bindAhead: StatementID? {
    headKind == .bind ? StatementID(entries[head].payload) : nil
  }

  /// Values that were asked for, or the ReadyForQuery behind them, are still to come.
  package var owesLooks: Bool {
    for offset in 0..<count {
      let kind = entries[(head &+ offset) & (entries.count &- 1)].kind
      if kind == .look || kind == .ownSync { return true }
    }
    return false
  }

  /// How many ReadyForQuery the client still waits for, those of skipped queries included.
  package var clientReadiesOwed: Int {
    var owed = skippedQueries
    for offset in 0..<count {
      switch entries[(head &+ offset) & (entries.count &- 1)].kind {
      case .query, .functionCall, .sync: owed += 1
      case .parse, .bind, .describe, .execute, .close, .copyEnd, .duplicateParse, .probeParse, .unreadable,
        .refusal, .hiddenParse,
        .hiddenClose, .hiddenDescribe,
        .front, .look, .ownSync, .ownQuery:
        break
      }
    }
    return owed
  }

  /// A batch before this one is not answered yet: whether a transaction is open, or has failed, is not known.
  package var owesReady: Bool {
    for offset in 0..<count {
      switch entries[(head &+ offset) & (entries.count &- 1)].kind {
      case .query, .functionCall, .sync: return true
      default: break  // all others are answered within their batch
      }
    }
    return false
  }

  /// Simple queries that the server dropped with the last error's batch.
  private var skippedQueries = 0

  // MARK: Sent

  /// A message was sent that will be answered.
  package mutating func sent(_ expectation: Expectation) {
    switch expectation.kind {
    case .sync, .ownSync:
      // Ignored by the server in the middle of COPY data: the batch stays open.
      if isCopyingIn {
        ignoredSyncs += 1
        return
      }
      isBatchOpen = false
      isSkipping = false
    case .query, .ownQuery, .functionCall:
      if isSkipping { return }
      // Its end ends what an unsynced batch before it began (finish_xact_command), or its ReadyForQuery says 'T'.
      isBatchOpen = false
    case .copyEnd:
      isCopyingIn = false
      if count == 0 { return }
    case .parse, .bind, .describe, .execute, .close, .duplicateParse, .probeParse, .unreadable, .refusal,
      .hiddenParse, .hiddenClose, .hiddenDescribe,
      .front,
      .look:
      isBatchOpen = true
      if isSkipping { return }
    }
    if count == entries.count { grow() }
    entries[(head &+ count) & (entries.count &- 1)] = expectation
    count &+= 1
  }

  // MARK: Received

  /// A message came from the backend. `status` is a ReadyForQuery's, else ignored.
  package mutating func received(_ tag: UInt8, status newStatus: TransactionStatus?) -> ReplyVerdict {
    switch tag {
    case BackendTag.dataRow, BackendTag.rowDescription, BackendTag.noData, BackendTag.parameterDescription:
      return receivedContent(tag)
    case BackendTag.readyForQuery:
      return receivedReady(newStatus)
    case BackendTag.parseComplete, BackendTag.bindComplete, BackendTag.closeComplete,
      BackendTag.commandComplete, BackendTag.emptyQueryResponse, BackendTag.portalSuspended:
      return receivedCompletion(tag)
    case BackendTag.errorResponse:
      return receivedError()
    case BackendTag.copyInResponse:
      return copyInStarted() ? .forward : .violation
    case BackendTag.noticeResponse:
      // What our own set-up has to say (a WARNING of COMMIT, say) is not for the client.
      return headKind.map { $0.isHidden } == true ? .swallow : .forward
    case BackendTag.copyOutResponse, BackendTag.copyBothResponse, BackendTag.copyData, BackendTag.copyDone:
      return headKind == .query || headKind == .execute ? .forward : .violation
    case BackendTag.functionCallResponse:
      return headKind == .functionCall ? .forward : .violation
    default:
      return .violation
    }
  }

  @inlinable var headKind: Expectation.Kind? { count == 0 ? nil : entries[head].kind }

  private mutating func receivedContent(_ tag: UInt8) -> ReplyVerdict {
    guard let kind = headKind else { return .violation }
    switch kind {
    case .query, .execute:
      return tag == BackendTag.dataRow || tag == BackendTag.rowDescription ? .forward : .violation
    case .describe:
      if tag == BackendTag.dataRow { return .violation }
      let statement = StatementID(entries[head].payload)
      if tag != BackendTag.parameterDescription { pop() }
      return statement == .none ? .forward : .described(statement, forward: true)
    case .hiddenDescribe:
      if tag == BackendTag.dataRow { return .violation }
      let statement = StatementID(entries[head].payload)
      if tag != BackendTag.parameterDescription { pop() }
      return .described(statement, forward: false)
    case .front, .ownQuery: return .swallow
    case .look: return tag == BackendTag.dataRow ? .looked(entries[head].payload) : .violation
    case .functionCall, .sync, .ownSync, .parse, .bind, .close, .duplicateParse, .probeParse, .unreadable,
      .refusal, .hiddenParse,
      .hiddenClose,
      .copyEnd:
      return .violation
    }
  }

  private mutating func receivedCompletion(_ tag: UInt8) -> ReplyVerdict {
    guard let kind = headKind else { return .violation }
    let payload = entries[head].payload
    switch kind {
    case .query:
      if tag == BackendTag.commandComplete {
        ignoredSyncs = 0
        return .completed
      }
      return tag == BackendTag.emptyQueryResponse ? .forward : .violation
    case .execute:
      switch tag {
      case BackendTag.commandComplete, BackendTag.emptyQueryResponse, BackendTag.portalSuspended: break
      default: return .violation  // tags are an open set
      }
      pop()
      return tag == BackendTag.commandComplete ? .completed : .forward
    case .bind:
      guard tag == BackendTag.bindComplete else { return .violation }
      pop()
      return .forward
    case .parse, .hiddenParse:
      guard tag == BackendTag.parseComplete else { return .violation }
      pop()
      return .prepared(StatementID(payload), forward: kind == .parse)
    case .duplicateParse, .probeParse:
      guard tag == BackendTag.parseComplete else { return .violation }
      pop()
      return kind == .probeParse ? .named : .forward
    case .close, .hiddenClose:
      guard tag == BackendTag.closeComplete else { return .violation }
      pop()
      if kind == .hiddenClose { return .unprepared(StatementID(payload)) }
      switch payload {
      case ClosePayload.named: return .named
      case ClosePayload.unnamed: return .unnamedClosed
      default: return .forward  // a portal, or what is not there
      }
    case .refusal: return tag == BackendTag.bindComplete ? .swallow : .violation
    case .front, .look:
      // Bind and Execute count as one, Parse and Close as one each.
      if tag == BackendTag.bindComplete { return .swallow }
      if payload > 1, kind == .front {
        entries[head].payload = payload - 1
        return .swallow
      }
      pop()
      return kind == .front ? .frontDone : .swallow
    case .ownQuery: return .swallow
    case .functionCall, .sync, .ownSync, .describe, .hiddenDescribe, .copyEnd, .unreadable:
      return .violation
    }
  }

  /// All answers to the front have come, and nothing else.
  package mutating func frontAnswered() {
    if headKind == .front { pop() }
  }

  private mutating func receivedReady(_ newStatus: TransactionStatus?) -> ReplyVerdict {
    guard let newStatus, let kind = headKind else { return .violation }
    switch kind {
    case .query, .sync, .functionCall:
      status = newStatus
      isCopyingIn = false
      endsQueryInBatch = kind == .query && entries[head].payload == 1
      pop()
      return .ready(forward: true)
    case .ownSync, .ownQuery:
      status = newStatus
      isCopyingIn = false
      pop()
      return .ready(forward: false)
    case .parse, .bind, .describe, .execute, .close, .duplicateParse, .probeParse, .unreadable, .refusal,
      .hiddenParse, .hiddenClose, .hiddenDescribe,
      .front,
      .look,
      .copyEnd:
      return .violation
    }
  }

  /// A simple Query's or Sync's error is followed by its ReadyForQuery. Any other makes the server skip to the
  /// next Sync (`ignore_till_sync`), a simple Query in between included.
  private mutating func receivedError() -> ReplyVerdict {
    guard let kind = headKind else { return .unasked }
    switch kind {
    case .query, .functionCall, .sync:
      copyInFailed()
      return .failed
    case .ownQuery, .ownSync: return .swallow
    case .front:
      skip()
      return .frontFailed
    case .look:
      skip()
      return .swallow
    case .parse, .bind, .describe, .execute, .close, .duplicateParse, .probeParse, .unreadable, .refusal,
      .hiddenParse, .hiddenClose, .hiddenDescribe,
      .copyEnd:
      hasFailedParse = kind == .parse
      skip()
      return .failed
    }
  }

  /// Drops what the server will not answer; `dropped` of the statements among it are told by ``takeDropped()``.
  private mutating func skip() {
    copyInFailed()
    skippedQueries = 0
    while count > 0 {
      switch entries[head].kind {
      case .sync, .ownSync: return
      case .query, .functionCall:
        skippedQueries += 1
        if entries[head].payload == 1 { dropped.append(entries[head]) }
      case .parse, .probeParse, .hiddenParse, .hiddenClose: dropped.append(entries[head])
      case .close:
        if entries[head].payload != ClosePayload.nothing { dropped.append(entries[head]) }
      case .front: hasDroppedFront = true
      case .ownQuery, .bind, .describe, .execute, .duplicateParse, .unreadable, .refusal,
        .hiddenDescribe,
        .look,
        .copyEnd:
        break
      }
      count &-= 1
      head = (head &+ 1) & (entries.count &- 1)
    }
    isSkipping = true
    isBatchOpen = true
  }

  private var dropped: [Expectation] = []
  private var hasDroppedFront = false
  private var endsQueryInBatch = false

  /// Something of the pool's own was among what the server skipped.
  package mutating func takeDroppedFront() -> Bool {
    defer { hasDroppedFront = false }
    return hasDroppedFront
  }

  /// The last ReadyForQuery was that of a Query within a batch.
  package mutating func takeQueryInBatch() -> Bool {
    defer { endsQueryInBatch = false }
    return endsQueryInBatch
  }

  /// The first of the dropped is a Parse that failed itself; the others were skipped.
  package private(set) var hasFailedParse = false

  /// The connection is gone, and with it all that is owed: Parses among it are for ``takeDropped()``.
  package mutating func abandon() {
    for offset in 0..<count {
      let entry = entries[(head &+ offset) & (entries.count &- 1)]
      switch entry.kind {
      case .parse, .probeParse, .hiddenParse, .hiddenClose: dropped.append(entry)
      case .query, .functionCall, .sync, .bind, .describe, .execute, .close, .copyEnd, .duplicateParse,
        .unreadable, .refusal, .hiddenDescribe, .front, .look, .ownSync, .ownQuery:
        break
      }
    }
    hasFailedParse = false
    count = 0
    skippedQueries = 0
  }

  /// The Parses and Closes that the server skipped after an error, so that what it has prepared stays known.
  package mutating func takeDropped() -> [Expectation] {
    if dropped.isEmpty { return dropped }
    defer { dropped = [] }
    return dropped
  }

  /// COPY FROM STDIN begins. Syncs that were sent before the end of its data are read and ignored by the server.
  private mutating func copyInStarted() -> Bool {
    guard let kind = headKind, kind == .query || kind == .execute else { return false }
    var kept = [entries[head]]
    var ended = false
    var endsBatch = false
    ignoredSyncs = 0
    for offset in 1..<count {
      let entry = entries[(head &+ offset) & (entries.count &- 1)]
      switch entry.kind {
      case .copyEnd where !ended:
        ended = true
        continue
      case .sync, .ownSync:
        if !ended {
          ignoredSyncs += 1
          continue
        }
        endsBatch = true
      case .query, .ownQuery, .functionCall: endsBatch = true
      case .parse, .bind, .describe, .execute, .close, .copyEnd, .duplicateParse, .probeParse, .unreadable,
        .refusal, .hiddenParse,
        .hiddenClose, .hiddenDescribe,
        .front, .look:
        break
      }
      kept.append(entry)
    }
    isCopyingIn = !ended
    if kind == .execute, !endsBatch { isBatchOpen = true }
    count = 0
    for entry in kept {
      entries[(head &+ count) & (entries.count &- 1)] = entry
      count &+= 1
    }
    return true
  }

  /// An error ends the COPY under way, if any is.
  private mutating func copyInFailed() {
    isCopyingIn = false
    if ignoredSyncs > 0 { isDoubtful = true }
    ignoredSyncs = 0
  }

  // MARK: Ring

  private mutating func pop() {
    ignoredSyncs = 0
    count &-= 1
    head = (head &+ 1) & (entries.count &- 1)
    // The end of COPY data is a mark, not a question.
    while count > 0, entries[head].kind == .copyEnd {
      count &-= 1
      head = (head &+ 1) & (entries.count &- 1)
    }
  }

  private mutating func grow() {
    var larger: [Expectation] = []
    larger.reserveCapacity(entries.count * 2)
    for offset in 0..<count { larger.append(entries[(head &+ offset) & (entries.count &- 1)]) }
    larger.append(contentsOf: repeatElement(Expectation(.sync), count: entries.count * 2 - count))
    entries = larger
    head = 0
  }
}
