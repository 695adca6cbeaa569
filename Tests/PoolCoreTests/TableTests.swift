import PoolCore
import PostgresWire
import Testing

@Suite("Images") struct ImageTableTests {
  private func image(_ settings: KeyValuePairs<String, String>) -> SettingsImage {
    var image = SettingsImage()
    for (name, value) in settings { image.set(name, Array(value.utf8)) }
    return image
  }

  @Test("equal settings are one image, in whatever order and case they were named")
  func equal() {
    var table = ImageTable()
    let first = table.retain(image(["TimeZone": "UTC", "datestyle": "ISO"]))
    let second = table.retain(image(["DateStyle": "ISO", "timezone": "UTC"]))
    #expect(first == second)
    #expect(table.settingCount(first) == 2)
    #expect(table.retain(image(["datestyle": "iso", "timezone": "UTC"])) != first, "values are bytes")
  }

  @Test("the empty image is always there, however often it is let go")
  func empty() {
    var table = ImageTable()
    for _ in 0..<3 { table.release(.empty) }
    #expect(table.retain(SettingsImage()) == .empty)
    #expect(table[.empty].isEmpty)
    #expect(!table.front(.empty).isEmpty, "cleaning needs no setting")
  }

  @Test("an image goes with its last user, and its number serves another then")
  func released() {
    var table = ImageTable()
    let first = table.retain(image(["a": "1"]))
    table.retain(first)
    table.release(first)
    #expect(table.count == 2)
    table.release(first)
    #expect(table.count == 1)
    let second = table.retain(image(["b": "2"]))
    #expect(second == first)
    #expect(table[second]["b"] == Array("2".utf8))
    #expect(table[second]["a"] == nil)
  }

  @Test("the front sets the encoding last: values travel as the server's own bytes until then")
  func encodingLast() {
    var table = ImageTable()
    let id = table.retain(image(["client_encoding": "LATIN1", "datestyle": "ISO"]))
    let text = String(decoding: table.front(id), as: UTF8.self)
    let names = text.split(whereSeparator: { $0 < " " || $0 == "\u{7F}" }).map(String.init)
    let encoding = names.firstIndex { $0.contains("client_encoding") }
    let style = names.firstIndex { $0.contains("datestyle") }
    #expect(encoding != nil && style != nil && (encoding ?? 0) > (style ?? 0))
  }
}

@Suite("Clients' names for statements") struct ClientStatementsTests {
  private let a = Array("a".utf8)
  private let b = Array("b".utf8)

  @Test("a name belongs to one client")
  func apart() {
    var names = ClientStatements(seed: 1)
    #expect(names.define(client(1), name: a.span, StatementID(5)) == nil)
    #expect(names.statement(client(1), named: a.span) == StatementID(5))
    #expect(names.statement(client(2), named: a.span) == nil)
    #expect(names.close(client(2), name: a.span) == nil)
  }

  @Test("closing answers what the name stood for, once")
  func close() {
    var names = ClientStatements(seed: 1)
    _ = names.define(client(1), name: a.span, StatementID(5))
    #expect(names.define(client(1), name: a.span, StatementID(6)) == StatementID(5))
    #expect(names.close(client(1), name: a.span) == StatementID(6))
    #expect(names.close(client(1), name: a.span) == nil)
  }

  @Test("at its end a client's names go, all others stay")
  func closeAll() {
    var names = ClientStatements(seed: 1)
    _ = names.define(client(1), name: a.span, StatementID(5))
    _ = names.define(client(1), name: b.span, StatementID(6))
    _ = names.define(client(2), name: a.span, StatementID(7))
    #expect(names.closeAll(client(1), except: { $0 == StatementID(6) }) == [StatementID(5)])
    #expect(names.closeAll(client(1)) == [StatementID(6)])
    #expect(names.closeAll(client(1)) == [])
    #expect(names.statement(client(2), named: a.span) == StatementID(7))
  }

  @Test("the unnamed statement is a client's own too")
  func unnamed() {
    var names = ClientStatements(seed: 1)
    #expect(names.setUnnamed(client(3), StatementID(1)) == .none)
    #expect(names.unnamed(client(2)) == .none)
    #expect(names.unnamed(client(900)) == .none)
    #expect(names.setUnnamed(client(3), .none) == StatementID(1))
  }
}

@Suite("A backend's statements") struct BackendStatementsTests {
  private let s = StatementID(1)

  @Test("a Bind may rely on a hidden Parse of its own batch, or on one that was answered")
  func reliance() {
    var books = BackendStatements()
    books.parseSent(s)
    #expect(books.use(s) == true)
    books.batchEnded()
    #expect(books.use(s) == false, "an error before it in its batch may yet skip it")
    books.prepared(s)
    #expect(books.use(s) == true)
  }

  @Test("once its Close is sent a statement is not there, unless the Close was skipped")
  func closing() {
    var books = BackendStatements()
    books.parseSent(s)
    books.prepared(s)
    books.closeSent(s)
    #expect(books.use(s) == false)
    #expect(books.has(s), "a second Parse could be an error")
    books.parseEnded(s)
    #expect(books.use(s) == true)
    books.closeSent(s)
    books.closed(s)
    #expect(books.takeGone(s) == true)
    #expect(books.count == 0)
  }

  @Test("evicted is what was not used for longest, never what is on its way")
  func eviction() {
    var books = BackendStatements()
    for number in 1...3 {
      books.parseSent(StatementID(UInt32(number)))
      if number < 3 { books.prepared(StatementID(UInt32(number))) }
    }
    _ = books.use(StatementID(1))
    #expect(books.toEvict(limit: 3) == nil)
    #expect(books.toEvict(limit: 2) == StatementID(2))
    books.closeSent(StatementID(2))
    #expect(books.toEvict(limit: 2) == nil, "one is enough")
  }

  @Test("answers for statements that are not on the books change nothing")
  func unknown() {
    var books = BackendStatements()
    books.prepared(s)
    books.closed(s)
    #expect(books.count == 0)
    #expect(books.takeGone(s) == false)
  }

  @Test("when the server drops all, what is on its way still comes")
  func dropAll() {
    var books = BackendStatements()
    books.parseSent(s)
    books.prepared(s)
    books.parseSent(StatementID(2))
    #expect(books.dropAll() == [s])
    books.prepared(StatementID(2))
    #expect(books.use(StatementID(2)) == true)
  }
}
