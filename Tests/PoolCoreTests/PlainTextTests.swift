import PoolCore
import Testing

@Suite("A first look at a text") struct PlainTextTests {
  private func look(_ text: String) -> PlainText.Verdict { PlainText.look(Array(text.utf8).span) }

  @Test(
    "statements that everybody sends are plain",
    arguments: [
      "SELECT abalance FROM pgbench_accounts WHERE aid = 12345;",
      "select name, price from products where category in ('a', 'b') and price between 1 and 2.5 limit 10",
      "UPDATE stock SET quantity = quantity - 1 WHERE product_id = 7 AND quantity > 0", "BEGIN", "COMMIT;",
      "ROLLBACK", "DELETE FROM carts WHERE id = -1", "SHOW work_mem", " \n\tSELECT count(*) FROM t",
      "WITH a AS (SELECT 1) SELECT * FROM a", "BEGIN ISOLATION LEVEL SERIALIZABLE",
    ])
  func plain(text: String) { #expect(look(text) == .plain) }

  @Test("an INSERT may take from a sequence")
  func insert() {
    #expect(look("INSERT INTO orders (user_id, total) VALUES (1, 'it is')") == .insert)
    #expect(look("insert into t values (1)") == .insert)
  }

  @Test(
    "in doubt the text is read in full",
    arguments: [
      "", ";", "SET work_mem = '1MB'", "SELECT 1; SET work_mem = '1MB'", "SELECT set_config('a', 'b', false)",
      "SELECT f(1)", "SELECT public.f (1)", "SELECT \"f\"(1)", "SELECT E'\\'' , 1", "SELECT 'a\\'",
      "SELECT 'open",
      "SELECT 1 -- more", "SELECT 1 /* more */", "SELECT $$ a $$", "SELECT U&'a'", "SELECT nextval('s')",
      "SELECT * INTO TEMP t FROM u", "WITH a AS (INSERT INTO t VALUES (1) RETURNING 1) SELECT * FROM a",
      "SELECT * FROM pg_prepared_statements", "SELECT pg_advisory_lock(1)", "SELECT lastval()",
      "EXPLAIN SELECT 1",
      "COPY t FROM STDIN", "DO $$ BEGIN END $$", "\u{FEFF}SELECT 1", "SELECT currval ('s')", "SELECT 1insert",
      "SELECT 1e6",
    ])
  func unknown(text: String) { #expect(look(text) == .unknown) }

  @Test("what it calls plain has no effects", arguments: 1...40 as ClosedRange<UInt64>)
  func agrees(seed: UInt64) {
    let words = [
      "SELECT", "insert", "INTO", "update", "t", "t2", "SET", "=", "1", "'x'", "'it''s'", ",", "(", ")", "*",
      "f", "f(",
      "count(", "temp", "TEMPORARY", "LOCAL", "pg_temp", ".", "nextval", "set_config", "('a', 'b', false)",
      "pg_notify",
      "-", "--", "/*", "*/", "\n", ";", "\"q\"", "$1", "$$", "E'a'", "e", "'", "BEGIN", "COMMIT", "RESET",
      "ALL", "LISTEN",
      "currval", "lastval", "pg_settings", "pg_advisory_lock", "PREPARE", "EXECUTE", "DEALLOCATE", "with",
      "as", "values",
      "DISCARD", "CREATE", "é", "SHOW", "ROLLBACK", "into temp x", "LOAD", "DECLARE", "hold", "setval", "IN",
      "over (",
    ]
    var random = SplitMix64(seed: seed)
    var plain = 0
    for _ in 0..<2_000 {
      var text = ["SELECT", "insert into", "UPDATE", "with", "BEGIN", ""][Int(random.next() % 6)]
      for _ in 0..<random.next() % 9 {
        if random.next() % 5 > 0 { text += " " }
        text += words[Int(random.next() % UInt64(words.count))]
      }
      let verdict = look(text)
      if verdict == .unknown { continue }
      plain += 1
      let effects = SessionEffects.scan(Array(text.utf8).span)
      #expect(effects.isEmpty && effects.mayLeaveState == (verdict == .insert), "\(text)")
      #expect(effects.usesSequences == (verdict == .insert), "\(text)")
    }
    #expect(plain > 100)
  }
}
