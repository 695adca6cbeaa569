import SQLText
import Testing

@Suite("A statement's digest") struct StatementDigestTests {
  private func digest(_ text: String) -> StatementDigest { StatementDigest(Array(text.utf8).span) }

  @Test(
    "has no literal, no parameter and no comment",
    arguments: [
      ("SELECT * FROM users WHERE email = 'a@b.c'", "select * from users where email = ?"),
      ("select 1", "select ?"), ("select $1, $2::int", "select ?::int"),
      ("SELECT E'a\\'b', U&'x', B'01', X'1F', $q$secret$q$, .5", "select ?"),
      ("UPDATE t SET a=-1, b=$1 -- who: 42\nWHERE id=7", "update t set a=-?, b=? where id=?"),
      ("SELECT /* trace: 'x' */ a FROM b", "select a from b"),
      ("INSERT INTO t VALUES (1, 'two', 3)", "insert into t values (?)"),
      ("SELECT \"Mixed\" FROM \"A b\" LIMIT 10", "select \"Mixed\" from \"A b\" limit ?"),
      ("BEGIN; SELECT 1; COMMIT;", "begin; select ?; commit"),
      ("  \n ", ""), ("select 'secret never ends", "select ?"), ("select \"secret never ends", "select \""),
      ("select $x$secret", "select ?"), ("select 1 /* secret", "select ?"),
    ])
  func text(statement: String, text: String) {
    #expect(digest(statement).text == text)
  }

  @Test(
    "is the same for calls that differ in literals, lists, case, spacing and comments only",
    arguments: [
      ("SELECT * FROM p WHERE id = 1", "select * from p where id=  999 -- x"),
      ("select * from p where id in (1)", "select * from p where id in (1,2,3,4)"),
      ("select * from p where id in ($1)", "select * from p where id in ($1, $2)"),
      ("select 1;", "select 2"), ("select 'a'", "select 1"),
    ])
  func same(one: String, other: String) {
    #expect(digest(one).fingerprint == digest(other).fingerprint)
  }

  @Test(
    "is another for other statements",
    arguments: [
      ("select a from p", "select b from p"), ("select \"A\" from p", "select a from p"),
      ("select ab", "select a b"), ("select 1; select 2", "select 1, 2"), ("select (1), 2", "select (1, 2)"),
    ])
  func other(one: String, other: String) {
    #expect(digest(one).fingerprint != digest(other).fingerprint)
  }

  @Test("a long one is cut for people, and told from others by all of it")
  func long() {
    let columns = (0..<200).map { "column_\($0)" }.joined(separator: ", ")
    let one = digest("select \(columns) from a")
    #expect(one.text.count <= StatementDigest.longest + 1)
    #expect(one.text.hasSuffix("…"))
    #expect(one.fingerprint != digest("select \(columns) from b").fingerprint)
    #expect(one.name.count == 16)
  }

  @Test("the session's way to read backslashes is followed")
  func backslashes() {
    let text = Array("select 'a\\', secret, '".utf8)
    #expect(StatementDigest(text.span).text == "select ?, secret, ?")
    #expect(StatementDigest(text.span, standardConformingStrings: false).text == "select ?")
  }

  @Test("any bytes have one", arguments: 0..<200)
  func garbage(seed: UInt64) {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    let bytes = (0..<64).map { _ -> UInt8 in
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return UInt8(truncatingIfNeeded: state)
    }
    let digest = StatementDigest(bytes.span)
    #expect(digest.text.utf8.count <= 3 * (StatementDigest.longest + 1))
  }
}
