import DatabaseTools
import LibPQ
import Testing

@Suite("A failure's text")
struct FailureTests {
  @Test("what, SQLSTATE, place, line with caret, details with the context last, and hint stand in this order")
  func everything() {
    let failure = Failure(
      #"relation "categories" does not exist"#, sqlState: "42P01",
      place: .init(file: "migrations/V2__products.sql", line: 14, column: 14),
      excerpt: .init(text: "  REFERENCES categories (id)", caretColumn: 14),
      detail: "first\nsecond", hint: "V3 creates it", related: ["COPY t, line 3"])
    #expect(
      failure.text() == """
        error: relation "categories" does not exist (SQLSTATE 42P01)
          at migrations/V2__products.sql:14:14
            14 |   REFERENCES categories (id)
               |              ^
          detail: first
                  second
                  COPY t, line 3
          hint: V3 creates it

        """)
  }

  @Test("one line is enough when there is nothing more to say")
  func short() {
    #expect(Failure("no such file").text() == "error: no such file\n")
  }

  @Test("the first line stays one line, and control characters never reach a terminal")
  func hostile() {
    #expect(Failure("a\nb\u{1B}[2J").text() == "error: a; b\u{FFFD}[2J\n")
    let tab = Failure("x", excerpt: .init(text: "\tSELECT", caretColumn: 2)).text()
    #expect(tab == "error: x\n     |  SELECT\n     |  ^\n")
  }

  @Test("a very long line is shown as a window around the caret")
  func window() {
    let line = String(repeating: "a", count: 500) + "X" + String(repeating: "b", count: 500)
    let lines = Failure("x", place: .init(file: "f", line: 1), excerpt: .init(text: line, caretColumn: 501))
      .text().split(separator: "\n").map { String($0) }
    #expect(lines[2].count < 120)
    #expect(Array(lines[2])[lines[3].count - 1] == "X")
    #expect(lines[3].hasSuffix("^"))
  }

  @Test("a caret beyond the line stands at its end", arguments: [0, 4, 99])
  func beyond(_ column: Int) {
    let text = Failure("x", excerpt: .init(text: "abc", caretColumn: column)).text()
    #expect(text.hasSuffix("^\n"))
    #expect(text.split(separator: "\n")[2].count <= "     | ".count + 4)
  }

  @Test("a server's error brings its detail, hint and context")
  func server() {
    var error = ServerError(sqlState: "23505", message: "duplicate key")
    error.detail = "Key (id)=(1) already exists."
    error.context = "COPY t, line 1"
    let failure = Failure(error)
    #expect(failure.what == "duplicate key")
    #expect(failure.sqlState == "23505")
    #expect(failure.detail == "Key (id)=(1) already exists.")
    #expect(failure.related == ["COPY t, line 1"])
    #expect(failure.exitCode == 1)
  }

  @Test("what libpq adds to its reason is a detail, and other hosts have lines of their own")
  func noConnection() {
    let words = "host a failed: Connection refused\n\tIs it running?\nhost b failed: No route to host"
    let failure = Failure(ConnectionFailure(verbose: words, hiding: []), to: DatabaseTarget())
    #expect(failure.what.hasSuffix("host a failed: Connection refused"))
    #expect(failure.detail == "Is it running?")
    #expect(failure.related == ["host b failed: No route to host"])
  }
}

@Suite("JSON values")
struct JSONValueTests {
  @Test(
    "what is read is written again, members in their order",
    arguments: [
      #"{"b":1,"a":[true,false,null,-2.5e3],"c":{}}"#, #"["\u0001\"\\\n",""]"#, "0", #""é😀""#,
    ])
  func roundTrip(_ text: String) {
    #expect(JSONValue(parsing: text)?.text() == text)
  }

  @Test(
    "what is not JSON is refused",
    arguments: [
      "", "{", "[1,]", #"{"a" 1}"#, "nul", "01x", "+1", ".5", #""\x""#, #""\ud800""#, "1 2", "\"a\nb\"",
      String(repeating: "[", count: 10_000),
    ])
  func refused(_ text: String) {
    #expect(JSONValue(parsing: text) == nil)
  }

  @Test("surrogate pairs and escapes are decoded")
  func escapes() {
    #expect(JSONValue(parsing: #""\ud83d\ude00\u00e9\t\/""#) == .string("😀é\t/"))
  }

  @Test("people get two blanks of indent")
  func pretty() {
    let value = JSONValue.object([.init("a", .array([.integer(1)])), .init("b", .object([]))])
    #expect(value.text(pretty: true) == "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}")
  }
}
