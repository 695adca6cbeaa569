import PoolCore
import PostgresWire
import Testing

@Suite("Users who are looked up") struct RoleLookupTests {
  private let shop = Array("shop".utf8)
  private func subject(_ user: String, _ database: String = "shop") -> RoleLookups.Subject {
    RoleLookups.Subject(user: Array(user.utf8), database: Array(database.utf8))
  }
  private let found = LookupAnswer.found(StoredPassword("secret"), expires: nil)

  @Test("many clients that come as one user wait for one question")
  func shared() {
    var lookups = RoleLookups()
    for number in 0..<3 { #expect(lookups.ask(subject("app"), client(number), at: at(0)) == nil) }
    #expect(lookups.next(in: shop) == subject("app"))
    #expect(lookups.next(in: shop) == nil)
    #expect(lookups.ask(subject("app"), client(3), at: at(1)) == nil, "while it is on its way, too")
    let answered = lookups.answered(found, at: at(2))
    #expect(answered?.waiters == [client(0), client(1), client(2), client(3)])
    #expect(lookups.answered(found, at: at(2)) == nil)
  }

  @Test("what was found, and that nobody was, is known for a moment; a failure is not")
  func memory() {
    for answer in [found, .nobody("no row")] {
      var lookups = RoleLookups()
      _ = lookups.ask(subject("app"), client(0), at: at(0))
      _ = lookups.next(in: shop)
      _ = lookups.answered(answer, at: at(10))
      #expect(lookups.ask(subject("app"), client(1), at: at(10 + RoleLookups.memory - 1)) == answer)
      #expect(lookups.ask(subject("app"), client(1), at: at(10 + RoleLookups.memory)) == nil)
    }
    var lookups = RoleLookups()
    _ = lookups.ask(subject("app"), client(0), at: at(0))
    _ = lookups.next(in: shop)
    _ = lookups.answered(.failed("no such table"), at: at(1))
    #expect(lookups.ask(subject("app"), client(1), at: at(1)) == nil)
  }

  @Test("it is forgotten when a login fails with it")
  func forgotten() {
    var lookups = RoleLookups()
    _ = lookups.ask(subject("app"), client(0), at: at(0))
    _ = lookups.next(in: shop)
    _ = lookups.answered(found, at: at(1))
    lookups.forget(subject("app"))
    #expect(lookups.ask(subject("app"), client(1), at: at(2)) == nil)
    #expect(lookups.next(in: shop) == subject("app"))
  }

  @Test("answers belong to questions in their order, and a client that has left gets none")
  func order() {
    var lookups = RoleLookups()
    _ = lookups.ask(subject("a"), client(0), at: at(0))
    _ = lookups.ask(subject("b"), client(1), at: at(0))
    _ = lookups.ask(subject("b"), client(2), at: at(0))
    lookups.left(client(1), subject("b"))
    #expect([lookups.next(in: shop), lookups.next(in: shop)] == [subject("a"), subject("b")])
    #expect(lookups.answered(found, at: at(1))?.subject == subject("a"))
    #expect(lookups.answered(found, at: at(1))?.waiters == [client(2)])
  }

  @Test("a lost connection's questions are asked once more, and not a third time")
  func lost() {
    var lookups = RoleLookups()
    _ = lookups.ask(subject("app"), client(0), at: at(0))
    _ = lookups.next(in: shop)
    #expect(lookups.connectionLost().isEmpty)
    #expect(lookups.next(in: shop) == subject("app"))
    let hopeless = lookups.connectionLost()
    #expect(hopeless.map(\.waiters) == [[client(0)]])
    #expect(lookups.next(in: shop) == nil)
    #expect(lookups.openCount == 0)
  }

  @Test("databases take turns: the one that is open goes first while it has questions")
  func databases() {
    var lookups = RoleLookups()
    let stock = Array("stock".utf8)
    _ = lookups.ask(subject("a", "stock"), client(0), at: at(0))
    _ = lookups.ask(subject("a"), client(1), at: at(0))
    #expect(lookups.nextDatabase(after: nil) == stock)
    #expect(lookups.nextDatabase(after: shop) == shop)
    #expect(lookups.next(in: shop) == subject("a"))
    #expect(lookups.next(in: shop) == nil)
    #expect(lookups.nextDatabase(after: shop) == stock)
    #expect(lookups.next(in: stock) == subject("a", "stock"))
    #expect(lookups.nextDatabase(after: stock) == nil)
  }

  @Test("nobody waits for ever: those who have waited since a moment, or all, are given up")
  func givenUp() {
    var lookups = RoleLookups()
    _ = lookups.ask(subject("a"), client(0), at: at(0))
    _ = lookups.ask(subject("b"), client(1), at: at(50))
    #expect(lookups.giveUp(since: at(10)).map(\.waiters) == [[client(0)]])
    #expect(lookups.next(in: shop) == subject("b"))
    #expect(lookups.giveUp().map(\.waiters) == [[client(1)]])
    #expect(lookups.openCount == 0)
  }

  @Test("the answers that are kept are bounded: clients choose the names")
  func bounded() {
    var lookups = RoleLookups()
    for number in 0..<25_000 {
      _ = lookups.ask(subject("user \(number)"), client(0), at: at(0))
      _ = lookups.next(in: shop)
      _ = lookups.answered(.nobody("no row"), at: at(0))
    }
    let remembered = (0..<25_000).count { lookups.ask(subject("user \($0)"), client(1), at: at(1)) != nil }
    #expect((1...10_000).contains(remembered))
  }
}

@Suite("The answer of auth_query") struct LookupReplyTests {
  /// Feeds an answer with these rows, and what ends it.
  private func answer(_ rows: [[String?]], error: ErrorFields? = nil) -> LookupReply.Step {
    var messages = MessageWriter()
    messages.parseComplete()
    messages.bindComplete()
    for row in rows { messages.dataRow(row) }
    if let error {
      messages.errorResponse(error)
    } else {
      messages.commandComplete(tag: "SELECT \(rows.count)")
    }
    messages.readyForQuery(.idle)
    var reply = LookupReply()
    var offset = 0
    var step = LookupReply.Step.more
    let bytes = messages.bytes.span
    while step == .more, case .frame(let header) = FrameHeader.read(in: bytes, at: offset) {
      step = reply.received(header.tag, in: bytes, at: offset, length: header.length)
      offset += header.length
    }
    #expect(offset == bytes.count || step != .more)
    return step
  }

  @Test("user and password are what counts; further columns that are no time say nothing")
  func columns() {
    let md5 = "md5" + String(repeating: "a", count: 32)
    #expect(answer([["app", md5]]) == .done(.found(StoredPassword(md5), expires: nil)))
    #expect(answer([["app", "x", nil]]) == .done(.found(.plain("x"), expires: nil)))
    #expect(answer([["app", "x", "t", "16384"]]) == .done(.found(.plain("x"), expires: nil)))
    #expect(answer([["app", "x", "infinity"]]) == .done(.found(.plain("x"), expires: nil)))
  }

  @Test("no row, no user and no password are nobody; too few columns and too many rows a mistake")
  func nobody() {
    for rows in [[], [["app", nil]], [["app", ""]], [[nil, "x"]], [["app", "x", "-infinity"]]] {
      guard case .done(.nobody) = answer(rows) else {
        Issue.record("\(rows) is somebody")
        continue
      }
    }
    for rows in [[["app"]], [["app", "x"], ["app", "y"]]] {
      guard case .done(.failed) = answer(rows) else {
        Issue.record("\(rows) is an answer")
        continue
      }
    }
  }

  @Test("an error is one of the question; a FATAL ends the connection")
  func errors() {
    let error = ErrorFields(
      severity: .error, sqlState: "42501", message: "permission denied for view pg_shadow")
    #expect(
      answer([], error: error) == .done(.failed("permission denied for view pg_shadow (SQLSTATE 42501)")))
    let fatal = ErrorFields(severity: .fatal, sqlState: "57P01", message: "terminating connection")
    #expect(answer([], error: fatal) == .broken("terminating connection"))
  }

  @Test(
    "the end of a password is read as the server writes it",
    arguments: [
      // From: SELECT extract(epoch FROM '…'::timestamptz)::bigint, PostgreSQL 15.
      ("2026-11-21 19:24:36+00", PasswordEnd.at(1_795_289_076)),
      ("2026-11-21 19:24:36.987654+00", .at(1_795_289_076)), ("2000-02-29 00:00:00+00", .at(951_782_400)),
      ("1999-12-31 23:59:59-05:30", .at(946_704_599)), ("1970-01-01", .at(0)),
      ("20000-01-01 00:00:00+00", .at(568_971_820_800)), ("infinity", .never), ("-infinity", .past),
      ("0044-03-15 12:00:00+00 BC", .past),
    ])
  func times(text: String, end: PasswordEnd) { #expect(PasswordEnd(Array(text.utf8)) == end) }

  @Test(
    "what is no time is none",
    arguments: [
      "", " ", "t", "16384", "2026-11-21 ", "2026-11-21 +00", "2026-13-01", "2026-11-21 19:24", "21/11/2026",
      "2026-11-21 19:24:36+00 AD", "2026-11-21 19:24:36+", "2026-11-21 .", "--", "2026-11-21 ::",
    ])
  func noTimes(text: String) { #expect(PasswordEnd(Array(text.utf8)) == nil) }
}
