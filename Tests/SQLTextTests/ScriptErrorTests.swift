import SQLText
import Testing

@Suite("Script errors") struct ScriptErrorTests {
  private static func at(_ line: Int, _ column: Int, _ offset: Int) -> SourcePosition {
    SourcePosition(line: line, column: column, offset: offset)
  }

  @Test(
    "what is never closed is reported where it was opened",
    arguments: [
      ("select 1;\nselect 'a;\n", .unterminatedString(opened: at(2, 8, 17))),
      ("select E'a\\';", .unterminatedString(opened: at(1, 8, 7))),
      ("select \"a;", .unterminatedIdentifier(opened: at(1, 8, 7))),
      ("do\n  $body$ x; $BODY$;", .unterminatedDollarQuote(tag: "body", opened: at(2, 3, 5))),
      ("do $$ x;", .unterminatedDollarQuote(tag: "", opened: at(1, 4, 3))),
      ("/* a /* b */ ;", .unterminatedComment(opened: .start)),
      ("select 'é' /* a", .unterminatedComment(opened: at(1, 12, 12))),
      ("create table t (\n  a numeric(10, 2);\n", .unclosedParenthesis(opened: at(1, 16, 15))),
      ("select f(g(1); select 2;", .unclosedParenthesis(opened: at(1, 9, 8))),
      (
        "create function f() returns int\nbegin atomic\n select case when a then 1;\nend;\nselect 2;",
        .unclosedAtomicBlock(opened: at(2, 1, 32))
      ),
      (
        "create function f() begin atomic select (1; end;",
        .unclosedParenthesis(opened: at(1, 41, 40))
      ),
      ("select 1;\n -- c\n copy t from stdin;\n1\n2", .copyWithoutEnd(copy: at(3, 2, 17), lastLine: 5)),
      ("copy t from stdin;\n1\n2\n", .copyWithoutEnd(copy: .start, lastLine: 3)),
      ("copy t from stdin;\n", .copyWithoutEnd(copy: .start, lastLine: 1)),
      ("copy t from stdin", .copyWithoutEnd(copy: .start, lastLine: 1)),
      ("copy t from stdin;\n1\n\\.x", .copyWithoutEnd(copy: .start, lastLine: 3)),
      ("copy t from stdin; select 1;\n\\.\n", .textAfterCopy(at: at(1, 20, 19))),
    ] as [(String, ScriptError)])
  func table(script: String, error: ScriptError) {
    #expect(throws: error) { try ScriptSplitter.pieces(of: Array(script.utf8)) }
  }

  @Test("the statements before the error are handed out, and the error stays")
  func order() throws {
    var splitter = ScriptSplitter()
    splitter.append(Array("select 1; select 'a".utf8))
    #expect(try splitter.next() != nil)
    #expect(try splitter.next() == nil)
    splitter.finish()
    let error = ScriptError.unterminatedString(opened: Self.at(1, 18, 17))
    #expect(throws: error) { try splitter.next() }
    #expect(throws: error) { try splitter.next() }
  }

  @Test(
    "each error says what is wrong, where, and what to do",
    arguments: [
      (.unterminatedString(opened: at(2, 3, 9)), "quoted string is never closed", "close it with '"),
      (.unterminatedIdentifier(opened: at(2, 3, 9)), "quoted identifier is never closed", "close it with \""),
      (
        .unterminatedDollarQuote(tag: "a", opened: at(2, 3, 9)), "dollar quote $a$ is never closed",
        "close it with $a$"
      ),
      (.unterminatedComment(opened: at(2, 3, 9)), "comment is never closed", "close it with */"),
      (.unclosedParenthesis(opened: at(2, 3, 9)), "parenthesis is never closed", "close it with )"),
      (.unclosedAtomicBlock(opened: at(2, 3, 9)), "BEGIN ATOMIC has no END", "end the body with END"),
      (
        .copyWithoutEnd(copy: at(2, 3, 9), lastLine: 40),
        "data of COPY FROM STDIN has no end: the script stops after line 40", "end the data with a line"
      ),
      (
        .textAfterCopy(at: at(2, 3, 9)), "text follows the semicolon of COPY FROM STDIN on the same line",
        "the data begins on the next line"
      ),
    ] as [(ScriptError, String, String)])
  func wording(error: ScriptError, message: String, hint: String) {
    #expect(error.message == message)
    #expect(error.hint.hasPrefix(hint))
    #expect(error.position == Self.at(2, 3, 9))
  }
}
