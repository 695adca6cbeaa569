import DatabaseTools
import LibPQ
import TestSupport
import Testing

@Suite("Statements in a pipeline")
struct PipelineTests {
  /// Sends the statements, then answers what came of each, by a letter, and the server's complaint.
  private func send(
    _ statements: [String], on session: Connection, window: Pipeline.Window = Pipeline.Window()
  ) throws -> (answers: String, rows: [String?], failure: ServerError?) {
    var answers = ""
    var rows: [String?] = []
    let pipeline = try Pipeline(session, window: window) { answer in
      switch answer {
      case .done(let outcome):
        answers += "d"
        if let found = outcome.rows { rows.append(found.first) }
      case .failed: answers += "f"
      case .skipped: answers += "s"
      }
    }
    for statement in statements { try pipeline.send(Array(statement.utf8)) }
    try pipeline.finish()
    return (answers, rows, pipeline.failure)
  }

  private func session() throws -> Connection {
    try SharedPostgres.server.target.connect(applicationName: "pipeline tests")
  }

  @Test("run in order, each seeing what the one before it did, and answer in order")
  func order() throws {
    let session = try session()
    let (answers, rows, failure) = try send(
      [
        "CREATE TEMP TABLE t (i int)", "INSERT INTO t VALUES (1)", "SELECT i FROM t", "", "DROP TABLE t",
        "SELECT 'x'",
      ],
      on: session)
    #expect(answers == "dddddd")
    #expect(rows == ["1", "x"])
    #expect(failure == nil)
    #expect(session.transactionStatus == .idle)
  }

  @Test("after the first failure are skipped, and the session goes on")
  func failure() throws {
    let session = try session()
    let (answers, _, failure) = try send(["BEGIN", "SELECT nosuch", "SELECT 1", "SELECT 2"], on: session)
    #expect(answers == "dfss")
    #expect(failure?.sqlState == "42703")
    #expect(failure?.position == 8)
    #expect(session.transactionStatus == .failed)
    try session.execute("ROLLBACK")
    #expect(try session.query("SELECT 3").first == "3")
  }

  @Test("of any number and size pass through a small window, with much coming back")
  func window() throws {
    var window = Pipeline.Window()
    window.statements = 7
    window.bytes = 10_000
    let long = String(repeating: "x", count: 300_000)
    var statements = ["BEGIN", "CREATE TEMP TABLE t (i int, s text)"]
    for number in 1...300 {
      statements.append("INSERT INTO t VALUES (\(number), '\(number % 50 == 0 ? long : "short")')")
      if number % 60 == 0 { statements.append("SELECT repeat('y', 2000000)") }
    }
    statements += ["SELECT sum(i) || ' ' || sum(length(s)) FROM t", "COMMIT"]
    let (answers, rows, _) = try send(statements, on: session(), window: window)
    #expect(answers == String(repeating: "d", count: statements.count))
    #expect(rows.count == 6)
    #expect(rows[0]?.utf8.count == 2_000_000)
    #expect(rows[5] == "45150 1801470")
  }

  @Test("tell their notices while they run")
  func notices() throws {
    let session = try session()
    var heard: [String] = []
    session.notices = { heard.append($0.message) }
    _ = try send(
      ["DO $$ BEGIN RAISE NOTICE 'one'; END $$", "DO $$ BEGIN RAISE NOTICE 'two'; END $$"], on: session)
    #expect(heard == ["one", "two"])
  }

  @Test("are waited for by whatever else is asked of the session, which then says what failed in them")
  func interrupted() throws {
    let session = try session()
    var count = 0
    let pipeline = try Pipeline(session) { _ in count += 1 }
    try pipeline.send(Array("SELECT 1".utf8))
    #expect(try session.query("SELECT 2").first == "2")
    #expect(count == 1)
    let failing = try Pipeline(session) { _ in }
    try failing.send(Array("SELECT 1/0".utf8))
    let error = try #require(throws: ServerError.self) { try session.execute("SELECT 1") }
    #expect(error.sqlState == "22012")
    #expect(try session.query("SELECT 3").first == "3")
  }

  @Test("that end the session are answered with that, and nothing hangs")
  func lost() throws {
    let session = try session()
    var failures: [String] = []
    let pipeline = try Pipeline(session) {
      if case .failed(let error) = $0 { failures.append(error.sqlState) }
    }
    try pipeline.send(Array("SELECT pg_terminate_backend(pg_backend_pid())".utf8))
    try pipeline.send(Array("SELECT 1".utf8))
    let error = try #require(throws: ServerError.self) { try pipeline.finish() }
    #expect(error.isConnectionLost)
    #expect(failures == ["57P01"])
    #expect(!session.isUsable)
  }
}
