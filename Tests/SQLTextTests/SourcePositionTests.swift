import SQLText
import Testing

@Suite("Source positions") struct SourcePositionTests {
  @Test(
    "line and column of a byte",
    arguments: [
      ("", 0, 1, 1), ("abc", 0, 1, 1), ("abc", 2, 1, 3), ("abc", 3, 1, 4), ("a\nb", 1, 1, 2),
      ("a\nb", 2, 2, 1),
      ("a\r\nb", 1, 1, 2), ("a\r\nb", 2, 1, 3), ("a\r\nb", 3, 2, 1), ("a\rb", 2, 2, 1), ("a\r\rb", 3, 3, 1),
      ("a\n\rb", 3, 3, 1), ("é'", 2, 1, 2), ("数据x", 6, 1, 3), ("😀x", 4, 1, 2), ("a\tb", 2, 1, 3),
      ("a\r", 2, 2, 1), ("\u{FEFF}ab", 3, 1, 1), ("\u{FEFF}ab", 4, 1, 2),
    ] as [(String, Int, Int, Int)])
  func table(text: String, offset: Int, line: Int, column: Int) {
    let bytes = Array(text.utf8)
    #expect(
      position(of: offset, in: bytes.span) == SourcePosition(line: line, column: column, offset: offset))
  }

  @Test("an offset outside the text means its nearest end")
  func outside() {
    let bytes = Array("ab".utf8)
    #expect(position(of: 9, in: bytes.span) == SourcePosition(line: 1, column: 3, offset: 2))
    #expect(position(of: -1, in: bytes.span) == .start)
  }

  @Test("a place in a statement is a place in its script")
  func origin() {
    let bytes = Array("insert\ninto".utf8)
    let origin = SourcePosition(line: 7, column: 5, offset: 100)
    #expect(
      position(of: 2, in: bytes.span, from: origin) == SourcePosition(line: 7, column: 7, offset: 102))
    #expect(
      position(of: 8, in: bytes.span, from: origin) == SourcePosition(line: 8, column: 2, offset: 108))
  }

  @Test(
    "the server counts characters from 1",
    arguments: [
      ("select é, x", 8, 7), ("select é, x", 9, 9), ("select é, x", 11, 11), ("ab", 1, 0), ("ab", 9, 2),
    ])
  func characters(text: String, number: Int, offset: Int) {
    #expect(byteOffset(ofCharacter: number, in: Array(text.utf8).span) == offset)
  }
}

@Suite("Source excerpts") struct SourceExcerptTests {
  private func excerpt(_ text: String, at offset: Int, width: Int = 100) -> SourceExcerpt {
    SourceExcerpt(of: Array(text.utf8).span, at: offset, width: width)
  }

  @Test("the caret stands under the place, in its line")
  func caret() {
    let found = excerpt("create table t (\n  a nosuch\n);", at: 21)
    #expect(found.line == 2)
    #expect(found.column == 5)
    #expect(found.text == "  a nosuch")
    #expect(found.caret == "    ^")
  }

  @Test("tabs before the place are kept, so that the caret lines up")
  func tabs() {
    let found = excerpt("\ta\tb", at: 3)
    #expect(found.text == "\ta\tb")
    #expect(found.caret == "\t \t^")
  }

  @Test("characters beyond ASCII take one place")
  func scalars() {
    #expect(excerpt("é数x", at: 5).caret == "  ^")
  }

  @Test(
    "line ends are not shown, whichever they are", arguments: ["one\ntwo\nthree", "one\rtwo\rthree"])
  func lineEnds(text: String) {
    #expect(excerpt(text, at: 5).text == "two")
    #expect(excerpt(text, at: 7).text == "two")
    #expect(excerpt(text, at: 7).caret == "   ^")
  }

  @Test("a place on either byte of \\r\\n is the end of its line")
  func carriageReturn() {
    #expect(excerpt("one\r\ntwo", at: 3).text == "one")
    #expect(excerpt("one\r\ntwo", at: 4).text == "one")
    #expect(excerpt("one\r\ntwo", at: 5).text == "two")
  }

  @Test("the end of the text has a caret behind the last character")
  func end() {
    #expect(excerpt("select", at: 99).caret == "      ^")
    #expect(excerpt("", at: 0).caret == "^")
  }

  @Test("a byte order mark is not shown")
  func mark() {
    #expect(excerpt("\u{FEFF}select", at: 3).text.unicodeScalars.count == 6)
    #expect(excerpt("\u{FEFF}select", at: 3).caret == "^")
  }

  @Test("control characters of a script do not reach the terminal")
  func controls() {
    #expect(excerpt("a\u{1B}[2J b", at: 0).text == "a\u{FFFD}[2J b")
  }

  @Test("a long line is cut around the place", arguments: [0, 5, 500, 995, 1000])
  func long(offset: Int) {
    let line = (0..<1000).map { String($0 % 10) }.joined()
    let found = excerpt("x\n" + line + "\ny", at: 2 + offset, width: 40)
    #expect(found.column == offset + 1)
    #expect(found.text.unicodeScalars.filter { $0 != "…" }.count == 40)
    #expect(found.text.hasPrefix("…") == (offset > 40))
    #expect(found.text.hasSuffix("…") == (offset < 960))
    let under = found.text.unicodeScalars.dropFirst(found.caret.unicodeScalars.count - 1).first
    #expect(under == (offset == 1000 ? nil : Unicode.Scalar(UInt8(0x30 + offset % 10))))
  }

  @Test("the line and column of a statement's excerpt are the script's")
  func origin() {
    let bytes = Array("select\n  x".utf8)
    let found = SourceExcerpt(
      of: bytes.span, at: 9, from: SourcePosition(line: 10, column: 3, offset: 50))
    #expect(found == excerpt("\n\n\n\n\n\n\n\n\n\n  x", at: 12))
  }
}
