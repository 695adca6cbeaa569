import PoolCore
import PostgresWire
import Testing

@Suite("What a backend owes around COPY")
struct ReplyLedgerCopyTests {
  private typealias Tag = BackendTag
  private static let answered = ReplyVerdict.ready(forward: true)
  private static let began = LedgerEvent.came(Tag.copyInResponse, .forward)
  private static let done = LedgerEvent.came(Tag.commandComplete, .completed)

  static let cases: [LedgerCase] = [
    LedgerCase(
      claim: "COPY TO sends its data behind the query",
      events: [
        .sent(.query), .came(Tag.copyOutResponse, .forward), .came(Tag.copyData, .forward),
        .came(Tag.copyDone, .forward), done, .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "COPY FROM in a simple query",
      events: [
        .sent(.query), began, .settled(false), .sent(.copyEnd), done, .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "COPY FROM in a simple query that fails: what the client still sends is ignored",
      events: [
        .sent(.query), began, .came(Tag.errorResponse, .failed), .sent(.copyEnd), .ready(.idle, answered),
        .settled(true), .sent(.query), done, .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "a Sync in the data of a simple COPY is ignored by the server",
      events: [
        .sent(.query), .sent(.sync), began, .sent(.sync), .sent(.copyEnd), done, .ready(.idle, answered),
        .settled(true),
      ]),
    LedgerCase(
      claim: "two COPYs in one text, all sent blindly, and a Sync behind them that counts",
      events: [
        .sent(.query), .sent(.copyEnd), .sent(.copyEnd), .sent(.sync), began, done, began, done,
        .ready(.idle, answered), .settled(false), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "COPY FROM by Execute, its Sync behind the data",
      events: [
        .sent(.execute), began, .settled(false), .sent(.copyEnd), .sent(.sync), done, .ready(.idle, answered),
        .settled(true),
      ]),
    LedgerCase(
      claim: "a Sync that came along with the Execute is ignored, the one behind the data counts",
      events: [
        .sent(.execute), .sent(.sync), began, .settled(false), .sent(.copyEnd), .settled(false), done,
        .settled(false), .sent(.sync), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "the same, with everything sent before the server has answered",
      events: [
        .sent(.execute), .sent(.sync), .sent(.copyEnd), .sent(.sync), began, done, .ready(.idle, answered),
        .settled(true),
      ]),
    LedgerCase(
      claim: "an ignored Sync leaves the batch open, even when COPY has ended",
      events: [
        .sent(.execute), began, .sent(.sync), .sent(.copyEnd), done, .settled(false), .sent(.sync),
        .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim: "a COPY that fails before its data answers the Sync that came along",
      events: [
        .sent(.execute), .sent(.sync), .came(Tag.errorResponse, .failed), .sent(.copyEnd),
        .ready(.idle, answered),
        .settled(true),
      ]),
    LedgerCase(
      claim: "a failing COPY by Execute skips its data up to the Sync behind it",
      events: [
        .sent(.execute), began, .sent(.copyEnd), .came(Tag.errorResponse, .failed), .settled(false),
        .sent(.copyEnd),
        .sent(.sync), .ready(.idle, answered), .settled(true),
      ]),
    LedgerCase(
      claim:
        "a COPY that fails after a Sync in its data leaves in doubt how many answers come: never settled",
      events: [
        .sent(.execute), .sent(.sync), began, .came(Tag.errorResponse, .failed), .doubtful, .sent(.sync),
        .ready(.idle, answered), .doubtful, .ready(.idle, .violation),
      ]),
    LedgerCase(
      claim: "two COPYs in a pipeline",
      events: [
        .sent(.execute), .sent(.copyEnd), .sent(.bind), .sent(.execute), .sent(.copyEnd), .sent(.sync), began,
        done,
        .came(Tag.bindComplete, .forward), began, done, .ready(.idle, answered), .settled(true),
      ]),
  ]

  @Test("in the order of the messages", arguments: cases)
  func copy(row: LedgerCase) { #expect(row.faults() == []) }
}
