import PoolCore
import PostgresWire
import Testing

@Suite("What a backend owes")
struct ReplyLedgerTests {
  private typealias Tag = BackendTag
  private static let answered = ReplyVerdict.ready(forward: true)

  private static func step(_ kind: Owed.Kind, _ tag: UInt8, _ verdict: ReplyVerdict = .forward)
    -> [LedgerEvent]
  {
    [.sent(kind), .came(tag, verdict)]
  }

  static let simple: [LedgerCase] = [
    LedgerCase(
      claim: "a simple query is owed rows, a command tag and ReadyForQuery",
      events: [
        .settled(true), .sent(.query), .settled(false), .came(Tag.rowDescription, .forward),
        .came(Tag.dataRow, .forward), .came(Tag.commandComplete, .completed), .settled(false),
        .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "an empty query is answered with EmptyQueryResponse",
      events: [
        .sent(.query), .came(Tag.emptyQueryResponse, .forward), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "a failed query is followed by its own ReadyForQuery",
      events: [.sent(.query), .came(Tag.errorResponse, .failed), .ready(.idle, answered), .settled(true)]),
    LedgerCase(
      claim: "an open transaction is not settled, a failed one neither",
      events: [
        .sent(.query), .came(Tag.commandComplete, .completed), .ready(.inTransaction, answered),
        .settled(false),
        .sent(.query), .came(Tag.errorResponse, .failed), .ready(.failed, answered), .settled(false),
        .sent(.query), .came(Tag.commandComplete, .completed), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "pipelined queries are owed one ReadyForQuery each",
      events: [
        .sent(.query), .sent(.query), .came(Tag.commandComplete, .completed), .ready(.idle, answered),
        .settled(false), .came(Tag.errorResponse, .failed), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "a function call is answered with its value and ReadyForQuery",
      events: [
        .sent(.functionCall), .came(Tag.functionCallResponse, .forward), .ready(.idle, answered),
        .settled(true),
      ]),
    LedgerCase(
      claim: "a failed function call too has its ReadyForQuery",
      events: [
        .sent(.functionCall), .came(Tag.errorResponse, .failed), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "notices are for whoever waits for the answer",
      events: [
        .came(Tag.noticeResponse, .forward), .sent(.front, 1), .came(Tag.noticeResponse, .swallow),
        .sent(.query),
        .came(Tag.commandComplete, .frontDone), .came(Tag.noticeResponse, .forward),
      ]),
  ]

  static let extended: [LedgerCase] = [
    LedgerCase(
      claim: "each message has its own answer, and Sync ends the batch",
      events: [
        .sent(.parse, 7), .sent(.bind), .sent(.describe, UInt32.max), .sent(.execute), .sent(.close),
        .sent(.sync),
        .came(Tag.parseComplete, .prepared(StatementID(7), forward: true)), .came(Tag.bindComplete, .forward),
        .came(Tag.rowDescription, .forward), .came(Tag.dataRow, .forward),
        .came(Tag.commandComplete, .completed), .came(Tag.closeComplete, .forward), .settled(false),
        .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "a statement's Describe is two messages",
      events: [
        .sent(.describe, UInt32.max), .sent(.sync), .came(Tag.parameterDescription, .forward),
        .came(Tag.noData, .forward),
        .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "a suspended portal has answered its Execute",
      events: [
        .sent(.bind), .sent(.execute), .sent(.execute), .sent(.sync), .came(Tag.bindComplete, .forward),
        .came(Tag.dataRow, .forward), .came(Tag.portalSuspended, .forward), .came(Tag.dataRow, .forward),
        .came(Tag.commandComplete, .completed), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "an Execute of nothing is answered with EmptyQueryResponse",
      events: [
        .sent(.execute), .sent(.sync), .came(Tag.emptyQueryResponse, .forward), .ready(.idle, answered),
      ]),
    LedgerCase(
      claim: "a batch without Sync is open, though nothing is owed: the client thinks after Flush",
      events: step(.bind, Tag.bindComplete) + [
        .settled(false), .sent(.sync), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "a Query behind an unsynced batch ends what the batch began",
      events: step(.bind, Tag.bindComplete) + [
        .sent(.query), .came(Tag.commandComplete, .completed), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "an error skips to the next Sync, and tells which Parses and Closes were skipped",
      events: [
        .sent(.bind), .sent(.execute), .sent(.parse, 3), .sent(.hiddenClose, 4), .sent(.hiddenParse, 5),
        .sent(.sync),
        .sent(.parse, 6), .sent(.sync), .came(Tag.bindComplete, .forward), .came(Tag.errorResponse, .failed),
        .skipped([Owed(.parse, 3), Owed(.hiddenClose, 4), Owed(.hiddenParse, 5)]),
        .ready(.idle, answered), .settled(false),
        .came(Tag.parseComplete, .prepared(StatementID(6), forward: true)), .ready(.idle, answered),
        .settled(true),
      ]),
    LedgerCase(
      claim: "what comes behind the error is skipped too, a Query included, until a Sync that may come late",
      events: [
        .sent(.bind), .sent(.execute), .sent(.query), .came(Tag.errorResponse, .failed), .settled(false),
        .sent(.query), .sent(.bind), .settled(false), .sent(.sync), .settled(false), .ready(.idle, answered),
        .settled(true),
      ]),
    LedgerCase(
      claim: "a Sync alone is owed ReadyForQuery, two are owed two",
      events: [
        .sent(.sync), .sent(.sync), .ready(.idle, answered), .settled(false), .ready(.idle, answered),
        .settled(true),
      ]),
    LedgerCase(
      claim: "a deferred constraint may fail a Sync, which still has its ReadyForQuery",
      events: [.sent(.sync), .came(Tag.errorResponse, .failed), .ready(.idle, answered), .settled(true)]),
    LedgerCase(
      claim: "a second Parse of a name that is refused keeps no books",
      events: [
        .sent(.duplicateParse), .sent(.sync), .came(Tag.errorResponse, .failed), .skipped([]),
        .ready(.idle, answered),
      ]),
    LedgerCase(
      claim: "many messages in flight make the ring grow, and keep their order",
      events: (0..<100).map { .sent(.parse, $0) } + [.sent(.sync)]
        + (0..<100).map { .came(Tag.parseComplete, .prepared(StatementID($0), forward: true)) }
        + [.ready(.idle, answered), .settled(true)]),
  ]

  static let hidden: [LedgerCase] = [
    LedgerCase(
      claim: "a hidden Parse and Close are answered to nobody",
      events: [
        .sent(.hiddenClose, 1), .sent(.hiddenParse, 2), .sent(.bind), .sent(.sync),
        .came(Tag.closeComplete, .unprepared(StatementID(1))),
        .came(Tag.parseComplete, .prepared(StatementID(2), forward: false)),
        .came(Tag.bindComplete, .forward),
        .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "a hidden Parse that fails is the client's error: its Bind has failed",
      events: [
        .sent(.hiddenParse, 2), .sent(.bind), .sent(.sync), .came(Tag.errorResponse, .failed),
        .skipped([Owed(.hiddenParse, 2)]), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "a front that goes through says so with its last answer, then the client's own follow",
      events: [
        .sent(.front, 3), .sent(.query), .came(Tag.bindComplete, .swallow),
        .came(Tag.commandComplete, .swallow),
        .came(Tag.bindComplete, .swallow), .came(Tag.dataRow, .swallow), .came(Tag.commandComplete, .swallow),
        .came(Tag.bindComplete, .swallow), .came(Tag.commandComplete, .frontDone),
        .came(Tag.commandComplete, .completed), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "a front that fails lets nothing of the client's run, and needs a Sync",
      events: [
        .sent(.front, 3), .sent(.query), .came(Tag.bindComplete, .swallow),
        .came(Tag.errorResponse, .frontFailed),
        .settled(false), .sent(.ownSync), .ready(.idle, .ready(forward: false)), .settled(true),
      ]),
    LedgerCase(
      claim: "what was asked for is told by number; the client hears nothing",
      events: [
        .sent(.look, 0), .sent(.look, 1), .sent(.ownSync), .came(Tag.bindComplete, .swallow),
        .came(Tag.dataRow, .looked(0)), .came(Tag.commandComplete, .swallow),
        .came(Tag.bindComplete, .swallow),
        .came(Tag.dataRow, .looked(1)), .came(Tag.commandComplete, .swallow),
        .ready(.idle, .ready(forward: false)), .settled(true),
      ]),
    LedgerCase(
      claim: "the pool's own query is answered to nobody",
      events: [
        .sent(.ownQuery), .came(Tag.rowDescription, .swallow), .came(Tag.commandComplete, .swallow),
        .ready(.idle, .ready(forward: false)), .sent(.ownQuery), .came(Tag.errorResponse, .swallow),
        .ready(.idle, .ready(forward: false)), .settled(true),
      ]),
  ]

  static let broken: [LedgerCase] = [
    LedgerCase(
      claim: "an error that nobody asked for ends the connection",
      events: [.came(Tag.errorResponse, .unasked)]),
    LedgerCase(claim: "ReadyForQuery out of turn", events: [.ready(.idle, .violation)]),
    LedgerCase(
      claim: "ReadyForQuery before a batch is answered",
      events: [.sent(.bind), .sent(.sync), .ready(.idle, .violation)]),
    LedgerCase(claim: "a row for nobody", events: [.came(Tag.dataRow, .violation)]),
    LedgerCase(claim: "a row for a Bind", events: [.sent(.bind), .came(Tag.dataRow, .violation)]),
    LedgerCase(
      claim: "what a named statement returns is told message by message",
      events: [
        .sent(.describe, 7),
        .came(Tag.parameterDescription, .described(StatementID(UInt32(7)), forward: true)),
        .came(Tag.rowDescription, .described(StatementID(UInt32(7)), forward: true)),
        .sent(.hiddenDescribe, 8),
        .came(Tag.parameterDescription, .described(StatementID(UInt32(8)), forward: false)),
        .came(Tag.noData, .described(StatementID(UInt32(8)), forward: false)),
      ]),
    LedgerCase(
      claim: "a row for a Describe", events: [.sent(.describe, UInt32.max), .came(Tag.dataRow, .violation)]),
    LedgerCase(
      claim: "a row for a look would not be told twice",
      events: [.sent(.look), .came(Tag.rowDescription, .violation)]),
    LedgerCase(
      claim: "ParseComplete for a Query", events: [.sent(.query), .came(Tag.parseComplete, .violation)]),
    LedgerCase(
      claim: "CloseComplete for an Execute", events: [.sent(.execute), .came(Tag.closeComplete, .violation)]),
    LedgerCase(
      claim: "BindComplete for a Parse", events: [.sent(.parse), .came(Tag.bindComplete, .violation)]),
    LedgerCase(claim: "COPY for a Bind", events: [.sent(.bind), .came(Tag.copyInResponse, .violation)]),
    LedgerCase(claim: "COPY data in a front", events: [.sent(.front, 2), .came(Tag.copyData, .violation)]),
    LedgerCase(
      claim: "a function's value for a Query",
      events: [.sent(.query), .came(Tag.functionCallResponse, .violation)]),
    LedgerCase(claim: "a login message", events: [.sent(.query), .came(Tag.authentication, .violation)]),
  ]

  @Test("simple protocol", arguments: simple)
  func simpleProtocol(row: LedgerCase) { #expect(row.faults() == []) }

  @Test("extended protocol", arguments: extended)
  func extendedProtocol(row: LedgerCase) { #expect(row.faults() == []) }

  @Test("what the pool sends of its own", arguments: hidden)
  func ownMessages(row: LedgerCase) { #expect(row.faults() == []) }

  @Test("what cannot be understood is never guessed at", arguments: broken)
  func violations(row: LedgerCase) { #expect(row.faults() == []) }
}
