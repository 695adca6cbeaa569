import SQLText
import Testing

/// The statements' texts, COPY data in `<…>`, the line of `\.` as `\.N`.
private func outline(_ script: String) throws -> [String] {
  try ScriptSplitter.pieces(of: Array(script.utf8)).map { piece in
    switch piece {
    case .statement(let statement): statement.string
    case .copyData(let data): "<" + String(decoding: data, as: UTF8.self) + ">"
    case .copyEnd(let line): "\\.\(line)"
    }
  }
}

private func statements(_ script: String) throws -> [ScriptStatement] {
  try ScriptSplitter.pieces(of: Array(script.utf8)).compactMap { piece in
    if case .statement(let statement) = piece { statement } else { nil }
  }
}

@Suite("Script splitter: statements") struct StatementSplittingTests {
  @Test(
    "a semicolon ends a statement, white space around it is trimmed, and nothing is no statement",
    arguments: [
      ("", []), (" \n\t", []), (";", []), (";; ;\n", []), ("select 1", ["select 1"]),
      ("select 1;", ["select 1"]), ("  select 1 ;\n\n select 2\r\n", ["select 1", "select 2"]),
      ("\u{A0}select 1\u{A0};\u{A0};\u{A0}", ["select 1"]), ("\u{FEFF}select 1;", ["select 1"]),
      ("\u{FEFF}", []), ("select 1;-- done", ["select 1"]), ("select 1;/* done */", ["select 1"]),
      ("-- only\n/* comments */", []), ("-- a\n;/* b */;", []),
      ("-- why\nselect 1; -- next\nselect 2", ["-- why\nselect 1", "-- next\nselect 2"]),
      ("/* a */ select 1 -- b", ["/* a */ select 1 -- b"]), ("select 1 -- b;\n;", ["select 1 -- b;"]),
    ] as [(String, [String])])
  func ends(script: String, expected: [String]) throws {
    #expect(try outline(script) == expected)
  }

  @Test(
    "a semicolon inside something ends nothing",
    arguments: [
      "select ';'", "select 'it''s;'", "select E'it\\'s;'", "select e'it\\'s;'", "select U&'\\0061;'",
      "select \";\"", "select $$;$$", "select $a$ $$;$$ $a$", "select 1 /* ; /* ; */ ; */",
      "select 1 -- ;\n + 1",
      "create rule r as on insert to t do also (insert into u values (1); insert into v values (2))",
      "prepare p as select $1, ';'",
    ])
  func inside(statement: String) throws {
    #expect(try outline(statement + ";") == [statement])
  }

  @Test("neither a parameter nor a dollar inside an identifier opens a dollar quote")
  func parameter() throws {
    #expect(try outline("select my$tab$;select $1$ from t") == ["select my$tab$", "select $1$ from t"])
    #expect(try outline("prepare p as select $1; select 2;") == ["prepare p as select $1", "select 2"])
  }

  @Test("a closing parenthesis too many is the server's to report")
  func closing() throws {
    #expect(try outline("select 1); select 2;") == ["select 1)", "select 2"])
  }

  @Test(
    "the body of BEGIN ATOMIC is one statement, with CASE in it to any depth",
    arguments: [
      "create function f() returns int begin atomic select 1; select 2; end",
      "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END",
      "create procedure s.p() begin /* ; */ atomic insert into t values (1); end",
      "create function f() begin atomic select case when a then case b when 1 then 2 end end; select 4; end",
      "create function f() begin atomic select (case when a then (case when b then 1 end) end); end",
      "create function f() begin atomic select t.end as case, 1 as end from t; select 2; end",
      "create or replace procedure \"p;\"(in a int default 1) begin atomic; end",
    ])
  func atomic(statement: String) throws {
    #expect(try outline("\(statement);\nselect 9;") == [statement, "select 9"])
  }

  @Test(
    "a plain BEGIN, and BEGIN ATOMIC outside a function, open no block",
    arguments: [
      ("begin; select 1; end; select 2;", ["begin", "select 1", "end", "select 2"]),
      ("begin atomic; select 1;", ["begin atomic", "select 1"]),
      ("select begin atomic from t; select 2", ["select begin atomic from t", "select 2"]),
      ("create function f(begin atomic); select 2", ["create function f(begin atomic)", "select 2"]),
      (
        "create function f() returns int return case when a then 1 end; select 2",
        ["create function f() returns int return case when a then 1 end", "select 2"]
      ),
    ] as [(String, [String])])
  func plainBegin(script: String, expected: [String]) throws {
    #expect(try outline(script) == expected)
  }

  @Test("psql's meta commands are left to the server's syntax error")
  func metaCommand() throws {
    #expect(try outline("\\set x 1\nselect 1;") == ["\\set x 1\nselect 1"])
  }

  @Test("positions: of the text with its comments, and of the first token")
  func positions() throws {
    let found = try statements("select 1;\n\n  -- why\n  /* é */ select\n  2; select 'é'; select 4")
    #expect(
      found.map(\.textStart) == [
        .start, SourcePosition(line: 3, column: 3, offset: 13),
        SourcePosition(line: 5, column: 6, offset: 43),
        SourcePosition(line: 5, column: 18, offset: 56),
      ])
    #expect(
      found.map(\.start) == [
        .start, SourcePosition(line: 4, column: 11, offset: 31),
        SourcePosition(line: 5, column: 6, offset: 43),
        SourcePosition(line: 5, column: 18, offset: 56),
      ])
  }

  @Test("\\r\\n and a lone \\r end lines too", arguments: ["\n", "\r\n", "\r"])
  func lineEnds(end: String) throws {
    let found = try statements("select 1;\(end)-- c\(end)select 2;\(end)\(end)select 3")
    #expect(found.map(\.start.line) == [1, 3, 5])
    #expect(found.map(\.textStart.line) == [1, 2, 5])
    #expect(found.map(\.start.column) == [1, 1, 1])
  }

  @Test(
    "leading keywords",
    arguments: [
      (
        "create unique index concurrently i on t (a)",
        ["CREATE", "UNIQUE", "INDEX", "CONCURRENTLY", "I", "ON", "T"]
      ),
      ("-- c\nVacuum /* x */ (analyze) t1", ["VACUUM"]),
      ("alter type \"mood\" add value 'ok'", ["ALTER", "TYPE", "ADD", "VALUE"]),
      ("alter type public.mood add value 'ok'", ["ALTER", "TYPE", "ADD", "VALUE"]),
      ("create index i1 on a.b.c using gin", ["CREATE", "INDEX", "ON", "USING", "GIN"]),
      ("reindex (verbose) schema s", ["REINDEX", "SCHEMA", "S"]),
      ("drop database my_shop", ["DROP", "DATABASE", "MY_SHOP"]), ("(select 1)", []),
      ("select été, x", ["SELECT", "X"]),
      ("a b c d e f g h i j k l", ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"]),
      ("a b c d e f g h i j.k l m", ["A", "B", "C", "D", "E", "F", "G", "H", "I", "L"]),
    ] as [(String, [String])])
  func keywords(script: String, expected: [String]) throws {
    #expect(try statements(script).map(\.keywords) == [expected])
  }

  @Test("Flyway's parsing example gives the statements that Flyway 13 ran")
  func flywayParsing() throws {
    let found = try statements(ScriptFixtures.quoting)
    #expect(found.map(\.start.line) == [3, 4, 10, 11, 12, 13, 14, 16])
    #expect(found.map(\.textStart.line) == [1, 4, 10, 11, 12, 13, 14, 16])
    #expect(found.last?.string == "call p1()")
    #expect(
      found.map { $0.keywords.first } == [
        "CREATE", "CREATE", "CREATE", "DO", "INSERT", "CREATE", "SELECT", "CALL",
      ])
  }

  @Test("a shop's migrations")
  func shop() throws {
    #expect(try statements(ScriptFixtures.shopTables).map(\.start.line) == [2, 9, 14])
    let functions = try statements(ScriptFixtures.shopFunctions)
    #expect(functions.map(\.start.line) == [1, 14, 20, 21])
    #expect(
      functions.map { $0.keywords.prefix(4) == ["CREATE", "OR", "REPLACE", "FUNCTION"] } == [
        true, true, false, false,
      ])
  }
}

@Suite("Script splitter: COPY") struct CopySplittingTests {
  @Test("Flyway's COPY example gives the data as it stands")
  func flywayCopy() throws {
    #expect(
      try outline(ScriptFixtures.copying) == [
        "create table c(id int, t text)", "COPY c (id, t) FROM stdin",
        "<1\tone; -- not a comment\n2\t${notaplaceholder}\n3\t\\N\n4\t$$ 'quote\n>", "\\.7",
        "insert into c values (5,'five')", "copy public.c from stdin with (format csv)", "<6,\"six, ;\"\n>",
        "\\.11",
      ])
  }

  @Test(
    "data begins on the line after the semicolon and ends at a line that, trimmed, is \\.",
    arguments: [
      ("copy t from stdin;\n\\.\nselect 1", ["copy t from stdin", "\\.2", "select 1"]),
      (
        "copy t from stdin ; -- data; here\n1\n \\. \t\nselect 1",
        ["copy t from stdin", "<1\n>", "\\.3", "select 1"]
      ),
      ("copy t from stdin;\r\n1\r\n\\.\r\n", ["copy t from stdin", "<1\r\n>", "\\.3"]),
      ("copy t from stdin;\r1\r2\r\\.\rselect 1", ["copy t from stdin", "<1\r2\r>", "\\.4", "select 1"]),
      ("copy t from stdin;\n1\n\\.", ["copy t from stdin", "<1\n>", "\\.3"]),
      ("copy t from stdin\n;\n\\.x\n\\\\.\n\\.\n", ["copy t from stdin", "<\\.x\n\\\\.\n>", "\\.5"]),
      ("copy t from stdin csv;\n\"a\rb\"\n\\.\n", ["copy t from stdin csv", "<\"a\rb\"\n>", "\\.4"]),
    ] as [(String, [String])])
  func data(script: String, expected: [String]) throws {
    #expect(try outline(script).map(comparable) == expected.map(comparable))
  }

  /// `\r\n` is one Character to Swift; comparing scalars shows a difference in line ends.
  private func comparable(_ text: String) -> [Unicode.Scalar] { Array(text.unicodeScalars) }

  @Test(
    "only COPY … FROM STDIN is followed by data",
    arguments: [
      ("copy t from stdin", true), ("COPY public.t (a, b) FROM STDIN WITH (FORMAT csv)", true),
      ("copy \"from\" from /* x */ stdin where a > 1", true), ("-- c\ncopy binary t from stdin", true),
      ("copy t from '/tmp/stdin'", false), ("copy t to stdout", false),
      ("copy t from program 'from stdin'", false),
      ("copy (select a from stdin) to stdout", false), ("copy t (a) to '/x' -- from stdin\n", false),
      ("select a from stdin", false), ("\"copy\" t from stdin", false), ("copy t from \"stdin\"", false),
    ])
  func recognised(statement: String, isCopy: Bool) throws {
    let script = statement + (isCopy ? ";\n\\.\n" : ";")
    #expect(try statements(script).map(\.isCopyFromStdin) == [isCopy])
  }

  @Test("long data comes in chunks of whole lines, none above the limit")
  func chunks() throws {
    let line = String(repeating: "x", count: 99) + "\n"
    let data = String(repeating: line, count: 3000)
    var sizes: [Int] = []
    var together: [UInt8] = []
    for piece in try ScriptSplitter.pieces(of: Array("copy t from stdin;\n\(data)\\.\n".utf8)) {
      guard case .copyData(let chunk) = piece else { continue }
      sizes.append(chunk.count)
      together += chunk
    }
    #expect(together == Array(data.utf8))
    #expect(sizes == [65_500, 65_500, 65_500, 65_500, 38_000])
  }

  @Test("a line above the limit is cut, and what follows a cut is not taken for the end")
  func longLine() throws {
    let limit = ScriptSplitter.copyChunkSize
    let long = String(repeating: "x", count: limit) + "\\.\n"
    let found = try outline("copy t from stdin;\n1\n\(long)2\n\\.\n")
    #expect(found == ["copy t from stdin", "<1\n>", "<\(long.prefix(limit))>", "<\\.\n2\n>", "\\.5"])
  }

  @Test("the position goes on behind the data")
  func positionBehind() throws {
    let found = try statements("copy t from stdin;\n1\té\n\\.\n  select 1;")
    #expect(found.last?.start == SourcePosition(line: 4, column: 3, offset: 29))
  }
}
