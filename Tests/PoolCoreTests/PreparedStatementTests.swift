import PoolCore
import PostgresWire
import Testing

@Suite("Prepared statements across backends") struct PreparedStatementTests {
  private let sync = frame { $0.sync() }
  private let execute = frame { $0.execute() }
  private func parse(_ name: String, _ text: String) -> [UInt8] {
    frame { $0.parse(name: name, query: text) }
  }
  private func bind(_ name: String) -> [UInt8] { frame { $0.bind(statement: name) } }
  private func query(_ text: String) -> [UInt8] { frame { $0.query(text) } }

  @Test("a statement parsed on one backend can be bound on another: a hidden Parse goes in front")
  func follows() {
    var pool = ModelPool(backends: 2)
    let one = pool.arrive()
    #expect(pool.ask(one, on: backend(0), parse("a", "SELECT 7"), sync) == ["1", "Z:I"])
    #expect(pool.ask(one, on: backend(1), bind("a"), execute, sync) == ["2", "D:7", "C:SELECT 1", "Z:I"])
    #expect(pool.ask(one, on: backend(1), frame { $0.describe(statement: "a") }, sync) == ["t", "n", "Z:I"])
    #expect(pool.faults == [])
  }

  @Test("two clients may call different texts by one name, on one backend")
  func namesApart() {
    var pool = ModelPool(backends: 1)
    let (one, two) = (pool.arrive(), pool.arrive())
    _ = pool.ask(one, parse("a", "SELECT 1"), sync)
    _ = pool.ask(two, parse("a", "SELECT 2"), sync)
    #expect(pool.ask(one, bind("a"), execute, sync).contains("D:1"))
    #expect(pool.ask(two, bind("a"), execute, sync).contains("D:2"))
  }

  @Test("a second Parse of a name is refused with 42P05, on a backend that has never seen the first too")
  func duplicate() {
    var pool = ModelPool(backends: 2)
    let one = pool.arrive()
    _ = pool.ask(one, on: backend(0), parse("a", "SELECT 1"), sync)
    #expect(pool.ask(one, on: backend(0), parse("a", "SELECT 2"), sync) == ["E:42P05", "Z:I"])
    #expect(pool.ask(one, on: backend(1), parse("a", "SELECT 2"), sync) == ["E:42P05", "Z:I"])
    #expect(pool.ask(one, on: backend(1), parse("a", "bad"), sync) == ["E:42601", "Z:I"])
    #expect(pool.ask(one, on: backend(1), bind("a"), execute, sync).contains("D:1"))
  }

  @Test("texts take no more memory than they may: a Parse beyond it fails, and a Close makes room")
  func memory() {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    let long = "SELECT " + String(repeating: "1", count: 400)
    _ = pool.ask(one, parse("a", long), sync)
    pool.sessions.mostStatementBytes = pool.sessions.statements.byteCount + 100
    #expect(pool.ask(one, parse("small", "SELECT 1"), sync) == ["1", "Z:I"])
    // The same text again takes nothing.
    #expect(pool.ask(one, parse("b", long), sync) == ["1", "Z:I"])

    pool.sessions.attach(one, to: backend(0))
    let other = parse("c", long + "0")
    let header = FrameHeader(tag: other[0], length: other.count)
    var full = pool.sessions
    #expect(full.clientSends(one, to: backend(0), header, in: other.span, at: 0) == .replace)
    #expect(String(decoding: full.rewritten, as: UTF8.self).contains("ERRCODE = '53200'"))
    #expect(full.names.statement(one, named: "c".utf8.span) == nil)

    #expect(
      pool.ask(one, frame { $0.close(statement: "a") }, frame { $0.close(statement: "b") }, sync).last
        == "Z:I")
    // The backend keeps it for whoever prepares it next; gone with that, it takes nothing.
    pool.sessions.mostStatementBytes += other.count
    #expect(pool.ask(one, other, sync) == ["1", "Z:I"])
  }

  @Test("what a batch means that is sent before the one ahead of it has failed is decided by that failure")
  func pipelined() {
    var pool = ModelPool(backends: 1)
    let (one, two) = (pool.arrive(), pool.arrive())
    _ = pool.ask(two, parse("", "SELECT 2"), parse("b", "SELECT 22"), sync)
    _ = pool.ask(one, parse("", "SELECT 1"), sync)
    let failing = [bind("nothing"), parse("a", "SELECT 7"), parse("b", "SELECT 22"), parse("", "SELECT 8")]
    let answers = pool.ask(
      one, failing[0], failing[1], failing[2], failing[3], sync, bind("b"), sync, parse("a", "SELECT 9"),
      bind("a"), execute, sync, bind(""), execute, sync)
    // The unnamed statement is the one before, since its Parse was skipped: not the other client's.
    #expect(
      answers == [
        "E:26000", "Z:I", "E:26000", "Z:I", "1", "2", "D:9", "C:SELECT 1", "Z:I", "2", "D:1", "C:SELECT 1",
        "Z:I",
      ])
    #expect(pool.clients[0].received == pool.clients[0].expected)
    #expect(pool.faults == [])
  }

  @Test("errors name statements as their client does")
  func words() {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    _ = pool.ask(one, parse("mine", "SELECT 7"), sync)
    func inWords(_ text: String) -> String? {
      let frame = frame { $0.errorResponse(ErrorFields(severity: .error, sqlState: "08P01", message: text)) }
      return pool.sessions.inWords(of: one, frame.span).map { bytes in
        ErrorFields.read(in: bytes.span, at: 0, length: bytes.count)?.message ?? ""
      }
    }
    #expect(inWords("statement \"dbtool_00000000\" requires 0") == "statement \"mine\" requires 0")
    #expect(inWords("\"dbtool_00000000\" \"dbtool_00000000\"") == "\"mine\" \"mine\"")
    #expect(inWords("\".dbtool_set\" does not exist") == "\"dbtool_set\" does not exist")
    for other in ["statement \"dbtool_00000009\"", "dbtool_00000000", "\"dbtool_", "\"", "\"mine\"", ""] {
      #expect(inWords(other) == nil)
    }
  }

  @Test("a Parse that failed, or was skipped, has named nothing")
  func failed() {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    #expect(pool.ask(one, parse("a", "bad"), bind("a"), sync) == ["E:42601", "Z:I"])
    #expect(pool.ask(one, bind("nothing"), parse("b", "SELECT 1"), sync) == ["E:26000", "Z:I"])
    #expect(pool.ask(one, bind("a"), sync) == ["E:26000", "Z:I"])
    #expect(pool.ask(one, bind("b"), sync) == ["E:26000", "Z:I"])
    #expect(pool.ask(one, parse("a", "SELECT 1"), sync) == ["1", "Z:I"])
  }

  @Test("what a client sends after an error and before its Sync is on no books")
  func afterError() {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    #expect(pool.ask(one, bind("nothing")) == ["E:26000"])
    #expect(pool.ask(one, parse("a", "SELECT 1")) == [])
    #expect(pool.ask(one, sync) == ["Z:I"])
    #expect(pool.ask(one, bind("a"), sync) == ["E:26000", "Z:I"])
  }

  @Test("a closed name is free again, for the client; other clients keep the statement")
  func close() {
    var pool = ModelPool(backends: 1)
    let (one, two) = (pool.arrive(), pool.arrive())
    for who in [one, two] { _ = pool.ask(who, parse("a", "SELECT 1"), sync) }
    #expect(pool.ask(one, frame { $0.close(statement: "a") }, sync) == ["3", "Z:I"])
    #expect(pool.ask(one, bind("a"), sync) == ["E:26000", "Z:I"])
    #expect(pool.ask(one, parse("a", "SELECT 3"), sync) == ["1", "Z:I"])
    #expect(pool.ask(two, bind("a"), execute, sync).contains("D:1"))
  }

  @Test("a backend keeps no more than its limit; an evicted statement comes back when it is needed")
  func eviction() {
    var pool = ModelPool(backends: 1, maxStatements: 2)
    let one = pool.arrive()
    for number in 1...5 { _ = pool.ask(one, parse("s\(number)", "SELECT \(number)"), sync) }
    let kept = pool.servers[0].prepared.keys.count { $0.hasPrefix("dbtool_0") }
    #expect(kept == 2)
    for number in 1...5 { #expect(pool.ask(one, bind("s\(number)"), execute, sync).contains("D:\(number)")) }
    let both = pool.ask(one, bind("s1"), execute, bind("s2"), execute, bind("s1"), execute, sync)
    #expect(both.filter { $0.hasPrefix("D") } == ["D:1", "D:2", "D:1"])
    #expect(pool.faults == [])
  }

  @Test("evicting and failing in one pipeline leaves the books as the server has it")
  func evictionFails() {
    var pool = ModelPool(backends: 1, maxStatements: 1)
    let one = pool.arrive()
    _ = pool.ask(one, parse("a", "SELECT 1"), sync)
    #expect(
      pool.ask(one, bind("none"), parse("b", "SELECT 2"), sync, bind("a"), execute, sync)
        == ["E:26000", "Z:I", "2", "D:1", "C:SELECT 1", "Z:I"])
  }

  @Test("the pool's own names are out of a client's reach: neither another's statement nor the front's")
  func reserved() {
    var pool = ModelPool(backends: 1)
    let (one, two) = (pool.arrive(), pool.arrive())
    _ = pool.ask(one, parse("a", "SELECT 1"), sync)
    for name in ["dbtool_00000000", "dbtool_begin", "dbtool_set"] {
      #expect(pool.ask(two, bind(name), sync) == ["E:26000", "Z:I"])
      #expect(pool.ask(two, frame { $0.describe(statement: name) }, sync) == ["E:26000", "Z:I"])
      #expect(pool.ask(two, frame { $0.close(statement: name) }, sync) == ["3", "Z:I"])
    }
    #expect(pool.ask(one, bind("a"), execute, sync).contains("D:1"))
    #expect(pool.ask(two, query("SELECT 2")).contains("D:2"))
    #expect(pool.faults == [])
  }

  @Test(
    "DEALLOCATE ALL and DISCARD ALL drop the client's names, and the front is prepared again",
    arguments: ["DEALLOCATE ALL", "DISCARD ALL"])
  func dropped(text: String) {
    var pool = ModelPool(backends: 1)
    let (one, two) = (pool.arrive(["work_mem": "1MB"]), pool.arrive())
    for who in [one, two] { _ = pool.ask(who, parse("a", "SELECT 1"), sync) }
    #expect(pool.ask(one, query(text)) == ["C:\(text)", "Z:I"])
    #expect(pool.ask(one, bind("a"), sync) == ["E:26000", "Z:I"])
    #expect(pool.ask(two, bind("a"), execute, sync).contains("D:1"))
    #expect(pool.ask(one, query("SHOW work_mem")).contains("D:1MB"))
    #expect(pool.faults == [])
  }

  // MARK: The unnamed statement

  @Test("the unnamed statement is each client's own, on whatever backend it finds itself")
  func unnamed() {
    var pool = ModelPool(backends: 2)
    let (one, two) = (pool.arrive(), pool.arrive())
    _ = pool.ask(one, on: backend(0), parse("", "SELECT 1"), sync)
    _ = pool.ask(two, on: backend(0), parse("", "SELECT 2"), sync)
    #expect(pool.ask(one, on: backend(0), bind(""), execute, sync).contains("D:1"))
    #expect(pool.ask(two, on: backend(1), bind(""), execute, sync).contains("D:2"))
  }

  @Test("a client without one is told so, though another's stands on the backend, even half-failed")
  func noneOfItsOwn() {
    var pool = ModelPool(backends: 1)
    let (one, two) = (pool.arrive(), pool.arrive())
    _ = pool.ask(one, parse("", "SELECT 1"), sync)
    #expect(pool.ask(two, bind(""), sync) == ["E:26000", "Z:I"])
    _ = pool.ask(one, parse("", "SELECT 1"), sync)
    // Skipped: the first one still stands there.
    _ = pool.ask(one, bind("nothing"), parse("", "SELECT 5"), sync)
    #expect(pool.ask(two, bind(""), sync) == ["E:26000", "Z:I"])
  }

  @Test("a number that came to mean another text is not taken for what stands on a backend")
  func numberReuse() {
    var pool = ModelPool(backends: 2)
    let one = pool.arrive()
    _ = pool.ask(one, on: backend(0), parse("", "SELECT 1"), sync)
    _ = pool.ask(one, on: backend(1), query("SELECT 0"))
    _ = pool.ask(one, on: backend(1), parse("", "SELECT 9"), sync)
    #expect(pool.ask(one, on: backend(0), bind(""), execute, sync).contains("D:9"))
  }

  @Test(
    "a failed Parse of one batch does not take the unnamed statement of the next, sent before it was answered"
  )
  func pipelinedFailure() {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    pool.write(one, [parse("", "bad"), sync, parse("", "SELECT 4")])
    while pool.forward(one) {}
    pool.settleAll()
    #expect(pool.ask(one, bind(""), execute, sync).contains("D:4"))
  }

  @Test("a Query drops the unnamed statement")
  func droppedByQuery() {
    var pool = ModelPool(backends: 2)
    let one = pool.arrive()
    _ = pool.ask(one, on: backend(0), parse("", "SELECT 1"), sync)
    _ = pool.ask(one, on: backend(1), query("SELECT 2"))
    #expect(pool.ask(one, on: backend(0), bind(""), sync) == ["E:26000", "Z:I"])
  }

  @Test("when all clients and backends have gone, no statement, name or image is left")
  func nothingLeft() {
    var pool = ModelPool(backends: 2, maxStatements: 2)
    for number in 0..<4 {
      let who = pool.arrive(["work_mem": "\(number)MB"])
      for text in 0..<4 {
        _ = pool.ask(
          who, on: backend(text % 2), parse("s\(text)", "SELECT \(text)"), parse("", "SELECT 1"), sync)
      }
      _ = pool.ask(who, query("SET datestyle = 'German'"))
    }
    for number in 0..<4 { pool.leave(client(number)) }
    for number in 0..<2 { pool.sessions.backendGone(backend(number)) }
    #expect(pool.sessions.statements.count == 0)
    #expect(pool.sessions.images.count == 1, "the empty one")
    #expect(pool.faults == [])
  }
}
