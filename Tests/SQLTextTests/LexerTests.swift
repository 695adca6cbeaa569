import SQLText
import Testing

/// Every token of the text but the end: its kind and its own text.
private func tokens(of sql: String, standardConformingStrings: Bool = true) -> [Lexeme] {
  let bytes = Array(sql.utf8)
  var lexer = Lexer(standardConformingStrings: standardConformingStrings)
  var lexemes: [Lexeme] = []
  while true {
    let token = lexer.next(in: bytes.span)
    if token.kind == .end { return lexemes }
    lexemes.append(Lexeme(token.kind, String(decoding: bytes[token.start..<token.end], as: UTF8.self)))
  }
}

struct Lexeme: Equatable, Sendable, CustomStringConvertible {
  var kind: TokenKind
  var text: String

  init(_ kind: TokenKind, _ text: String) {
    self.kind = kind
    self.text = text
  }

  var description: String { "\(kind) \(text)" }
}

@Suite("Lexer") struct LexerTests {
  @Test(
    "a single token is read whole",
    arguments: [
      ("select", .word), ("_a1$b", .word), ("naïve", .word), ("数据", .word), ("my$tab", .word), ("e", .word),
      ("u", .word), ("\"odd;name\"", .quotedIdentifier), ("\"quo\"\"te\"", .quotedIdentifier),
      ("\"back\\\"", .quotedIdentifier), ("U&\"d\\0061t\"", .unicodeIdentifier),
      ("u&\"a\"\"b\"", .unicodeIdentifier),
      ("'a;b'", .string), ("'it''s'", .string), ("''", .string), ("'back\\'", .string),
      ("'two\nlines'", .string),
      ("N'x'", .string), ("n'it''s'", .string), ("E'it\\'s; ok'", .escapeString),
      ("e'it\\'s'", .escapeString),
      ("e'\\\\'", .escapeString), ("E'it''s'", .escapeString), ("E'a'\n'b\\'c'", .escapeString),
      ("E'a' -- why\n  -- more\n 'b\\'c'", .escapeString), ("U&'d\\0061t;'", .unicodeString),
      ("u&'\\'", .unicodeString), ("B'01'", .bitString), ("b'0\\'", .bitString), ("X'1F'", .bitString),
      ("x'1f'", .bitString), ("$$ a ; ' $$", .dollarString), ("$q$raw ; $ $$ $Q$ string$q$", .dollarString),
      ("$été$ ; $été$", .dollarString), ("$a$ $b$a$", .dollarString), ("$_1$ $1 $_1$", .dollarString),
      ("$$$a$$", .dollarString), ("42", .number), ("1.5e10", .number), ("1.5E-10", .number), ("1.", .number),
      (".5", .number), ("1e+5", .number), ("0x1F", .number), ("0o17", .number), ("0b101", .number),
      ("0x_1F", .number), ("1_000", .number), ("1_000.000_1", .number), ("$1", .parameter),
      ("$123", .parameter),
      ("::", .operatorSymbol), (":=", .operatorSymbol), ("..", .operatorSymbol), ("=>", .operatorSymbol),
      ("<>", .operatorSymbol), ("->>", .operatorSymbol), ("@>", .operatorSymbol), ("@-", .operatorSymbol),
      ("?|", .operatorSymbol), (";", .semicolon), ("(", .leftParen), (")", .rightParen), ("[", .leftBracket),
      ("]", .rightBracket), (",", .comma), (".", .dot), (":", .colon), ("\\", .other), ("{", .other),
      ("$", .other), ("\u{01}", .other),
    ] as [(String, TokenKind)])
  func single(text: String, kind: TokenKind) {
    #expect(tokens(of: text) == [Lexeme(kind, text)])
  }

  @Test(
    "tokens end where the next one begins",
    arguments: [
      ("a.b", [.init(.word, "a"), .init(.dot, "."), .init(.word, "b")]),
      ("x::text", [.init(.word, "x"), .init(.operatorSymbol, "::"), .init(.word, "text")]),
      ("a:b", [.init(.word, "a"), .init(.colon, ":"), .init(.word, "b")]),
      ("1..10", [.init(.number, "1"), .init(.operatorSymbol, ".."), .init(.number, "10")]),
      ("1e", [.init(.number, "1"), .init(.word, "e")]),
      ("1_", [.init(.number, "1"), .init(.word, "_")]),
      ("0xg", [.init(.number, "0"), .init(.word, "xg")]),
      ("0b2", [.init(.number, "0"), .init(.word, "b2")]),
      (
        "a=-1",
        [.init(.word, "a"), .init(.operatorSymbol, "="), .init(.operatorSymbol, "-"), .init(.number, "1")]
      ),
      ("*+-", [.init(.operatorSymbol, "*"), .init(.operatorSymbol, "+"), .init(.operatorSymbol, "-")]),
      ("1+--2\n3", [.init(.number, "1"), .init(.operatorSymbol, "+"), .init(.number, "3")]),
      ("1*/* no */2", [.init(.number, "1"), .init(.operatorSymbol, "*"), .init(.number, "2")]),
      ("'a' 'b'", [.init(.string, "'a'"), .init(.string, "'b'")]),
      ("E'a' 'b\\'", [.init(.escapeString, "E'a'"), .init(.string, "'b\\'")]),
      ("$1$$a$$", [.init(.parameter, "$1"), .init(.dollarString, "$$a$$")]),
      ("$1a$", [.init(.parameter, "$1"), .init(.word, "a$")]),
      ("$a b$", [.init(.other, "$"), .init(.word, "a"), .init(.word, "b$")]),
      ("te'x'", [.init(.word, "te"), .init(.string, "'x'")]),
      ("u&x", [.init(.word, "u"), .init(.operatorSymbol, "&"), .init(.word, "x")]),
      ("a$$b$$", [.init(.word, "a$$b$$")]),
      ("B'01''10'", [.init(.bitString, "B'01'"), .init(.string, "'10'")]),
      (
        "x[1]", [.init(.word, "x"), .init(.leftBracket, "["), .init(.number, "1"), .init(.rightBracket, "]")]
      ),
    ] as [(String, [Lexeme])])
  func neighbours(text: String, expected: [Lexeme]) {
    #expect(tokens(of: text) == expected)
  }

  @Test(
    "white space and comments part tokens and are none",
    arguments: [
      "a b", "a\t\r\n\u{0C}\u{0B}b", "a--b;'\nb", "a--\rb", "a/* ; ' $$ */b", "a/* /* */ ; */b", "a/***/b",
      "-- a ; in a comment\na /* block ; /* nested ; */ still ; */ b --", "a/*/ */b", "a/**//**/b",
    ])
  func blanks(text: String) {
    #expect(tokens(of: text) == [Lexeme(.word, "a"), Lexeme(.word, "b")])
  }

  @Test(
    "what is never closed reaches to the end and says where it opened",
    arguments: [
      ("a 'b", .unterminatedString, 2), ("a 'b''", .unterminatedString, 2),
      ("a E'b\\'", .unterminatedString, 2),
      ("a E'b\\", .unterminatedString, 2), ("E'a'\n'b", .unterminatedString, 0),
      ("X'1", .unterminatedString, 0),
      ("U&'", .unterminatedString, 0), ("\"a", .unterminatedIdentifier, 0),
      ("U&\"a\"\"", .unterminatedIdentifier, 0), ("a $b$ $c$ $B$", .unterminatedDollar, 2),
      ("$$ $", .unterminatedDollar, 0), ("a /* b", .unterminatedComment, 2),
      ("a /* /* */", .unterminatedComment, 2), ("/*/", .unterminatedComment, 0),
      ("/*", .unterminatedComment, 0),
    ] as [(String, TokenKind, Int)])
  func unterminated(text: String, kind: TokenKind, opened: Int) {
    let bytes = Array(text.utf8)
    var lexer = Lexer()
    var token = lexer.next(in: bytes.span)
    if opened > 0 { token = lexer.next(in: bytes.span) }
    #expect(token == Token(kind: kind, start: opened, end: bytes.count))
    #expect(lexer.next(in: bytes.span).kind == .end)
  }

  @Test("with standard_conforming_strings off a backslash escapes in every string but bits and dollars")
  func backslashes() {
    #expect(
      tokens(of: #"'it\'s' N'\'' B'\' $$\$$"#, standardConformingStrings: false) == [
        Lexeme(.string, #"'it\'s'"#), Lexeme(.string, #"N'\''"#), Lexeme(.bitString, #"B'\'"#),
        Lexeme(.dollarString, #"$$\$$"#),
      ])
  }

  @Test("the end is given again and again, and a lexer goes on when the text has grown")
  func growing() {
    var bytes = Array("select ".utf8)
    var lexer = Lexer()
    #expect(lexer.next(in: bytes.span) == Token(kind: .word, start: 0, end: 6))
    #expect(lexer.next(in: bytes.span) == Token(kind: .end, start: 7, end: 7))
    #expect(lexer.next(in: bytes.span) == Token(kind: .end, start: 7, end: 7))
    bytes += Array("1".utf8)
    #expect(lexer.next(in: bytes.span) == Token(kind: .number, start: 7, end: 8))
  }

  @Test("the lexer starts where it is told to")
  func offset() {
    let bytes = Array("'a; select".utf8)
    var lexer = Lexer(offset: 3)
    #expect(lexer.next(in: bytes.span) == Token(kind: .word, start: 4, end: 10))
  }

  @Test("any bytes make tokens that follow each other up to the end", arguments: UInt64(1)...40)
  func anyBytes(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let alphabet = Array("aeuxnbAEUXNB01._$'\"&\\/*-+@=:;()[] \n\r\t,é\u{A0}".utf8) + [0, 0x80, 0xFF, 0xC2]
    for _ in 0..<200 {
      let bytes = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
        alphabet.randomElement(using: &random) ?? 0
      }
      var lexer = Lexer(standardConformingStrings: Bool.random(using: &random))
      var last = 0
      while true {
        let token = lexer.next(in: bytes.span)
        #expect(token.start >= last && token.end <= bytes.count && lexer.offset == token.end, "seed \(seed)")
        if token.kind == .end { break }
        #expect(token.end > token.start, "seed \(seed)")
        last = token.end
      }
      #expect(lexer.offset == bytes.count, "seed \(seed)")
    }
  }
}

@Suite("Keywords") struct KeywordTests {
  private func isFirst(_ text: String, _ keyword: String) -> Bool {
    let bytes = Array(text.utf8)
    var lexer = Lexer()
    return isKeyword(lexer.next(in: bytes.span), keyword, in: bytes.span)
  }

  @Test(
    "a word is a keyword in any mixture of case", arguments: ["select", "SELECT", "SeLeCt", "  select 1"])
  func cases(text: String) {
    #expect(isFirst(text, "SELECT"))
    #expect(isFirst(text, "select"))
  }

  @Test(
    "nothing else is",
    arguments: [
      "\"select\"", "'select'", "selec", "selects", "select1", "s\u{00E9}lect", "", "$$select$$", "(",
    ])
  func others(text: String) {
    #expect(!isFirst(text, "select"))
  }

  @Test("names of functions with underscores and digits are compared too")
  func names() {
    #expect(isFirst("Pg_Advisory_Lock(1)", "pg_advisory_lock"))
    #expect(isFirst("sha256(x)", "SHA256"))
    #expect(!isFirst("pg_advisory_lack(1)", "pg_advisory_lock"))
  }
}
