import PoolCore
import Testing

@Suite("Looking through long texts") struct LongTextWatchTests {
  private func isSuspect(_ text: String, pieces: Int = .max) -> Bool {
    let bytes = Array(text.utf8)
    var watch = LongTextWatch()
    var start = 0
    while start < bytes.count {
      let end = min(bytes.count, start + max(1, min(pieces, bytes.count)))
      watch.read(Array(bytes[start..<end]).span)
      start = end
    }
    watch.end()
    return watch.isSuspect
  }

  static let touching = [
    "SET work_mem = '5MB'", "select 1; set work_mem to '5MB'", "RESET ALL", "/* c */ SET x.y = 1",
    "-- set\nSET x.y = 1", "SELECT 1 -- one\n; RESET role", "LISTEN a", "UNLISTEN *", "NOTIFY a", "LOAD 'x'",
    "PREPARE a AS SELECT 1", "EXECUTE a", "DEALLOCATE a", "DISCARD TEMP", "DO 'x'", "DROP TABLE x",
    "CREATE TEMP TABLE a (b int)", "CREATE TEMPORARY VIEW v AS SELECT 1", "SELECT 1 INTO TEMP x",
    "CREATE TABLE pg_temp.x (a int)", "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "CLOSE ALL",
    "SELECT set_config('a.b', 'c', false)", "SELECT \"set_config\"('a.b', 'c', false)", "SELECT setseed(0.5)",
    "SELECT lastval()", "SELECT CURRVAL('s')", "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock_shared(1)",
    "SELECT pg_notify('a', 'b')", "SELECT U&\"\\0073et_config\"('a', 'b', false)",
    "SELECT 1/2; SET x.y = 1", "SELECT 1;\n\n  \tset x.y = 1",
  ]

  @Test("what touches a session is never missed, in whatever pieces it comes", arguments: touching)
  func touches(text: String) {
    for pieces in [1, 2, 3, 7, 64, Int.max] {
      #expect(isSuspect(text, pieces: pieces), "in pieces of \(pieces)")
    }
    let long = "SELECT '" + String(repeating: "x", count: 1_000) + "';\n"
    #expect(isSuspect(long + text))
    #expect(isSuspect(text + ";" + long))
  }

  @Test("the scanner of short texts finds nothing in texts that are not suspect", arguments: touching)
  func agrees(text: String) {
    // The other way round: whatever the scanner finds must be in the table above to be suspected.
    let effects = SessionEffects.scan(Array(text.utf8).span)
    #expect(effects.isEmpty || isSuspect(text))
  }

  @Test(
    "what loads data is not suspected",
    arguments: [
      "INSERT INTO goods (id, name) VALUES (1, 'set'), (2, 'a table: temple'), (3, 'reset; ')",
      "INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET b = excluded.b",
      "UPDATE a SET b = 1 WHERE c IN (1, 2, 3)", "SELECT 6 / 2 AS half, settings, temperature FROM loads",
      "COPY a FROM STDIN", "SELECT pg_sleep(0), 'discard', \"do\" FROM executed", "",
    ])
  func data(text: String) {
    for pieces in [1, 5, Int.max] { #expect(!isSuspect(text, pieces: pieces)) }
  }

  @Test("words that are cut off by length are no words that count")
  func longWords() {
    #expect(!isSuspect("SELECT " + String(repeating: "set", count: 1_000)))
    #expect(isSuspect(String(repeating: "x", count: 1_000) + ";set a.b = 1"))
  }
}
