import PoolCore
import PostgresWire
import Testing

@Suite("A transaction whose backend is gone") struct LostTransactionTests {
  private let sync = frame { $0.sync() }
  private let execute = frame { $0.execute() }
  private func query(_ text: String) -> [UInt8] { frame { $0.query(text) } }
  private func parse(_ name: String, _ text: String) -> [UInt8] {
    frame { $0.parse(name: name, query: text) }
  }
  private func bind(_ name: String) -> [UInt8] { frame { $0.bind(statement: name) } }
  private let news = frame {
    $0.errorResponse(ErrorFields(severity: .error, sqlState: "08006", message: "gone"))
  }

  /// A client in a lost transaction.
  private struct Lost {
    var sessions = Sessions(seed: 1, maxStatements: 10)
    let client = ClientID(0)

    init(_ lost: LostTransaction) {
      sessions.clientArrived(client, startup: .empty)
      sessions.clients[0].lost = lost
    }

    var isOver: Bool { sessions.clients[0].lost == nil }

    mutating func answer(_ frames: [UInt8]...) -> LostAnswer {
      sessions.answerLost(client, in: Array(frames.joined()).span)
    }

    mutating func ask(_ frames: [UInt8]...) -> [String] {
      said(sessions.answerLost(client, in: Array(frames.joined()).span).answer)
    }
  }

  @Test("the client is told once; then all it asks is refused until ROLLBACK or COMMIT, which end it")
  func once() {
    for end in ["ROLLBACK", "COMMIT", "END", "ABORT"] {
      var lost = Lost(LostTransaction(news: news))
      #expect(lost.ask(query("INSERT INTO t VALUES (1)")) == ["E:08006", "Z:E"])
      #expect(lost.ask(query("INSERT INTO t VALUES (2)")) == ["E:25P02", "Z:E"])
      #expect(lost.ask(query("INSERT INTO t VALUES (3); COMMIT")) == ["E:25P02", "Z:E"])
      #expect(lost.ask(query("ROLLBACK TO SAVEPOINT a")) == ["E:25P02", "Z:E"])
      #expect(lost.ask(query("")) == ["I", "Z:E"])
      #expect(!lost.isOver)
      #expect(lost.ask(query(end)) == ["C:ROLLBACK", "Z:I"])
      #expect(lost.isOver)
    }
  }

  @Test("a ROLLBACK that comes first needs no error; a COMMIT gets it, and has ended the transaction")
  func first() {
    var rolledBack = Lost(LostTransaction(news: news))
    #expect(rolledBack.ask(query("ROLLBACK")) == ["C:ROLLBACK", "Z:I"])
    var committed = Lost(LostTransaction(news: news))
    #expect(committed.ask(query("COMMIT")) == ["E:08006", "Z:I"])
    #expect(committed.isOver)
    var batch = Lost(LostTransaction(news: news))
    #expect(batch.ask(parse("", "COMMIT"), bind(""), execute, sync) == ["1", "2", "E:08006", "Z:I"])
    #expect(batch.isOver)
  }

  @Test("a batch is skipped up to its Sync; one that rolls back is answered message by message")
  func batches() {
    var lost = Lost(LostTransaction())
    #expect(lost.ask(parse("", "SELECT 1"), bind(""), execute, sync) == ["E:25P02", "Z:E"])
    #expect(
      lost.ask(parse("end", "ROLLBACK"), frame { $0.describe(statement: "end") }, sync) == [
        "1", "t", "n", "Z:E",
      ])
    #expect(lost.ask(parse("end", "COMMIT"), sync) == ["E:42P05", "Z:E"])
    #expect(lost.ask(bind("none"), sync) == ["E:26000", "Z:E"])
    #expect(lost.ask(execute, sync) == ["E:34000", "Z:E"])
    #expect(
      lost.ask(bind("end"), frame { $0.describe(portal: "") }, execute, sync) == [
        "2", "n", "C:ROLLBACK", "Z:I",
      ])
    #expect(lost.isOver)
    // The name is the client's from then on.
    #expect(lost.sessions.names.statement(lost.client, named: "end".utf8.span) != nil)
  }

  @Test("what stands behind the end is for a backend")
  func behind() {
    var batch = Lost(LostTransaction())
    let end = parse("", "ROLLBACK") + bind("") + execute
    let answer = batch.answer(end, parse("", "SELECT 1"), sync)
    #expect(said(answer.answer) == ["1", "2", "C:ROLLBACK"])
    #expect(answer.consumed == end.count)
    #expect(answer.next == .over)

    var text = Lost(LostTransaction())
    let both = text.answer(query("ROLLBACK; SELECT 1"))
    #expect(both.answer == [])
    #expect(both.consumed == 0)
    #expect(both.next == .over)

    var queries = Lost(LostTransaction())
    let next = queries.answer(query("ROLLBACK"), query("SELECT 1"))
    #expect(said(next.answer) == ["C:ROLLBACK", "Z:I"])
    #expect(next.consumed == query("ROLLBACK").count)
  }

  @Test("only a transaction that was lost with its BEGIN may be begun anew")
  func anew() {
    var strict = Lost(LostTransaction())
    #expect(strict.ask(query("BEGIN")) == ["E:25P02", "Z:E"])
    var begun = Lost(LostTransaction(mayBeginAnew: true))
    #expect(begun.ask(query("INSERT INTO t VALUES (1)")) == ["E:25P02", "Z:E"])
    #expect(begun.answer(query("BEGIN")).consumed == 0)
    #expect(begun.isOver)
    var batch = Lost(LostTransaction(mayBeginAnew: true))
    #expect(batch.answer(parse("", "BEGIN"), bind(""), execute, sync).consumed == 0)
    #expect(batch.isOver)
  }

  @Test("half a message is waited for, a long one dropped as it comes, late COPY data nobody's")
  func pieces() {
    var lost = Lost(LostTransaction())
    let text = query("SELECT 1")
    #expect(lost.answer(Array(text.dropLast())).consumed == 0)
    let long = query("SELECT '" + String(repeating: "x", count: 100_000) + "'")
    let part = lost.answer(Array(long.prefix(1_000)))
    #expect(said(part.answer) == ["E:25P02", "Z:E"])
    #expect(part.consumed == 1_000)
    #expect(part.next == .skip(long.count - 1_000))
    #expect(lost.ask(frame { $0.copyData([1]) }, frame { $0.copyDone() }) == [])
    #expect(lost.answer(frame { $0.terminate() }).next == .terminate)
    #expect(lost.answer([UInt8(ascii: "?"), 0, 0, 0, 4]).next == .malformed)
  }
}
