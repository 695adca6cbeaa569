import DatabaseTools
import Foundation
import LibPQ
import Synchronization
import TestSupport
import Testing

@Suite("A session over libpq")
struct LibPQSessionTests {
  private static func withSession<Answer>(_ body: (Connection) throws -> Answer) throws -> Answer {
    let connection = try SharedPostgres.server.target.connect(applicationName: "libpq tests")
    defer { connection.close() }
    return try body(connection)
  }

  @Test("values go in as text and come back as text, NULL as nil")
  func query() throws {
    try Self.withSession { session in
      let rows = try session.query(
        "SELECT $1::text AS a, $2::int + 1 AS b, $3::text AS c", ["ä'\\", "41", nil])
      #expect(rows.columns == ["a", "b", "c"])
      #expect(rows.types == [25, 23, 25])
      #expect(rows.count == 1)
      #expect(rows[0, 0] == "ä'\\")
      #expect(rows[0, 1] == "42")
      #expect(rows[0, 2] == nil)
      #expect(try session.query("SELECT 1 WHERE false").first == nil)
    }
  }

  @Test("a statement's outcome has its command tag, and rows only when it is of a kind that has some")
  func outcomes() throws {
    try Self.withSession { session in
      #expect(try session.execute(Array("CREATE TEMP TABLE t (i int)".utf8)).commandTag == "CREATE TABLE")
      let insert = try session.execute(Array("INSERT INTO t SELECT generate_series(1, 3)".utf8))
      #expect(insert.commandTag == "INSERT 0 3")
      #expect(insert.rows == nil)
      let select = try session.execute(Array("SELECT i FROM t ORDER BY i".utf8))
      #expect(select.rows?.count == 3)
      #expect(try session.execute(Array("-- nothing".utf8)).commandTag == "")
      #expect(try session.execute(Array("COPY t TO STDOUT".utf8)).commandTag == "COPY 3")
    }
  }

  @Test("several statements in one text are one transaction, and the first error is the one thrown")
  func script() throws {
    try Self.withSession { session in
      try session.execute("CREATE TEMP TABLE t (i int)")
      let error = try #require(throws: ServerError.self) {
        try session.execute("INSERT INTO t VALUES (1); SELECT 1/0; SELECT nothing_here")
      }
      #expect(error.sqlState == "22012")
      #expect(try session.query("SELECT count(*) FROM t").first == "0")
    }
  }

  @Test("an error carries SQLSTATE, message, place and names")
  func errors() throws {
    try Self.withSession { session in
      let missing = try #require(throws: ServerError.self) {
        try session.execute("SELECT 'ä', nö FROM pg_class")
      }
      #expect(missing.sqlState == "42703")
      #expect(missing.severity == "ERROR")
      #expect(missing.position == 13)
      try session.execute("CREATE TEMP TABLE t (i int CONSTRAINT positive CHECK (i > 0))")
      let check = try #require(throws: ServerError.self) {
        try session.query("INSERT INTO t VALUES ($1)", ["-1"])
      }
      #expect(check.constraint == "positive")
      #expect(check.table == "t")
      #expect(check.detail == "Failing row contains (-1).")
      let inner = try #require(throws: ServerError.self) {
        try session.execute("DO $$ BEGIN EXECUTE 'SELECT nothing_here'; END $$")
      }
      #expect(inner.internalQuery == "SELECT nothing_here")
      #expect(inner.internalPosition == 8)
      #expect(inner.context?.contains("PL/pgSQL function") == true)
    }
  }

  @Test("a zero byte is refused instead of cutting the text short")
  func zeroByte() throws {
    try Self.withSession { session in
      #expect(throws: ServerError.self) { try session.execute("SELECT 1\0; DROP TABLE x") }
      #expect(throws: ServerError.self) { try session.query("SELECT $1::text", ["a\0b"]) }
      let answer = try session.query("SELECT 1").first
      #expect(answer == "1")
    }
  }

  @Test("the transaction status follows the session")
  func transactionStatus() throws {
    try Self.withSession { session in
      #expect(session.transactionStatus == .idle)
      try session.execute("BEGIN")
      #expect(session.transactionStatus == .inTransaction)
      #expect(throws: ServerError.self) { try session.execute("SELECT 1/0") }
      #expect(session.transactionStatus == .failed)
      try session.execute("ROLLBACK")
      #expect(session.transactionStatus == .idle)
      #expect(session.isUsable)
    }
  }

  @Test("notices come while the statement runs")
  func notices() throws {
    try Self.withSession { session in
      var seen: [Notice] = []
      session.notices = { seen.append($0) }
      try session.execute("DO $$ BEGIN RAISE NOTICE 'one' USING HINT = 'h'; RAISE WARNING 'two'; END $$")
      #expect(seen.map(\.message) == ["one", "two"])
      #expect(seen.map(\.severity) == ["NOTICE", "WARNING"])
      #expect(seen.first?.hint == "h")
    }
  }

  @Test("COPY takes pieces cut anywhere and counts the rows")
  func copy() throws {
    try Self.withSession { session in
      try session.execute("CREATE TEMP TABLE t (i int, s text)")
      let copy = try session.copyIn(Array("COPY t FROM STDIN".utf8))
      for piece in ["1\tei", "ns\n2\t", "\\N\n"] { try copy.write(Array(piece.utf8)) }
      #expect(try copy.finish() == 2)
      #expect(
        try session.query("SELECT string_agg(coalesce(s, '-'), ',' ORDER BY i) FROM t").first == "eins,-")
    }
  }

  @Test("a bad row is an error with its line, and the session goes on")
  func badCopy() throws {
    try Self.withSession { session in
      try session.execute("CREATE TEMP TABLE t (i int)")
      let copy = try session.copyIn(Array("COPY t FROM STDIN".utf8))
      let error = try #require(throws: ServerError.self) {
        try copy.write(Array("1\nx\n".utf8))
        _ = try copy.finish()
      }
      #expect(error.sqlState == "22P02")
      #expect(error.context?.hasPrefix("COPY t, line 2, column i") == true)
      #expect(try session.query("SELECT count(*) FROM t").first == "0")
    }
  }

  @Test("a COPY that is given up or dropped leaves no row and a usable session")
  func abandonedCopy() throws {
    try Self.withSession { session in
      try session.execute("CREATE TEMP TABLE t (i int)")
      let copy = try session.copyIn(Array("COPY t FROM STDIN".utf8))
      try copy.write(Array("1\n".utf8))
      copy.fail(reason: "no more")
      #expect(throws: ServerError.self) { try copy.write(Array("2\n".utf8)) }
      do {
        let dropped = try session.copyIn(Array("COPY t FROM STDIN".utf8))
        try dropped.write(Array("3\n".utf8))
      }
      #expect(try session.query("SELECT count(*) FROM t").first == "0")
      #expect(session.transactionStatus == .idle)
    }
  }

  @Test("a statement that is no COPY, and a COPY through execute, are errors and not a hang")
  func mistakenCopy() throws {
    try Self.withSession { session in
      #expect(throws: ServerError.self) { try session.copyIn(Array("SELECT 1".utf8)) }
      #expect(throws: ServerError.self) { try session.copyIn(Array("COPY no_such_table FROM STDIN".utf8)) }
      try session.execute("CREATE TEMP TABLE t (i int)")
      #expect(throws: ServerError.self) { try session.execute("COPY t FROM STDIN") }
      #expect(try session.query("SELECT 1").first == "1")
    }
  }

  @Test("another thread cancels what runs")
  func cancel() throws {
    let session = try SharedPostgres.server.target.connect()
    let canceller = try #require(session.canceller())
    let pid = session.backendPID
    let outcome = CancelOutcome()
    // A thread of its own: all that run tests may be waiting, as this one will.
    Thread.detachNewThread {
      let other = try? SharedPostgres.server.target.connect()
      let runs = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"
      let isRunning = eventually { (try? other?.query(runs, [String(pid)]).first) == "1" }
      outcome.wasSent.withLock { $0 = isRunning && canceller.cancel() }
    }
    let error = try #require(throws: ServerError.self) { try session.execute("SELECT pg_sleep(600)") }
    #expect(error.sqlState == "57014")
    #expect(eventually { outcome.wasSent.withLock { $0 } == true })
    #expect(try session.query("SELECT 1").first == "1")
  }

  @Test("a session whose backend is gone says so with a SQLSTATE, and keeps saying so")
  func lost() throws {
    try Self.withSession { session in
      let other = try SharedPostgres.server.target.connect()
      _ = try other.query("SELECT pg_terminate_backend($1, 10000)", [String(session.backendPID)])
      let first = try #require(throws: ServerError.self) { try session.execute("SELECT 1") }
      #expect(first.isConnectionLost, "\(first)")
      #expect(!session.isUsable)
      let second = try #require(throws: ServerError.self) { try session.query("SELECT 1") }
      #expect(second.sqlState == "08006")
    }
  }

  @Test("a refused connection carries the server's SQLSTATE and never the password")
  func refused() throws {
    var target = try SharedPostgres.server.target
    target.password = Secret("s3cret")
    let wrong = try #require(throws: Failure.self) { try target.connect() }
    #expect(wrong.sqlState == "28P01")
    #expect(!wrong.text().contains("s3cret"))
    target = try SharedPostgres.server.target
    target.database = "nothing_here"
    #expect(try #require(throws: Failure.self) { try target.connect() }.sqlState == "3D000")
    target.port = "1"
    let absent = try #require(throws: Failure.self) { try target.connect() }
    #expect(absent.sqlState == nil)
    #expect(absent.text().contains("127.0.0.1:1"))
  }

  @Test("several hosts are tried in turn")
  func hosts() throws {
    var target = try SharedPostgres.server.target
    target.host = "127.0.0.1,127.0.0.1"
    target.parameters["hostaddr"] = nil
    target.port = "1,\(target.port ?? "")"
    #expect(try target.connect().query("SELECT 1").first == "1")
  }

  @Test("names and texts are quoted by the server's rules")
  func quoting() throws {
    try Self.withSession { session in
      #expect(try session.identifier(#"we"ird"#) == #""we""ird""#)
      let literal = try session.literal(#"it's \ here"#)
      #expect(try session.query("SELECT \(literal)").first == #"it's \ here"#)
    }
  }
}

/// What came of a cancel that another thread sent.
private final class CancelOutcome: Sendable {
  let wasSent = Mutex<Bool?>(nil)
}
