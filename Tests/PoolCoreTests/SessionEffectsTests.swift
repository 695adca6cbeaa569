import PoolCore
import Testing

@Suite("What a text says it does to its session") struct SessionEffectsTests {
  private func effects(_ text: String) -> SessionEffects { SessionEffects.scan(Array(text.utf8).span) }

  @Test(
    "innocent statements say nothing",
    arguments: [
      "", ";", "SELECT 1", "select set_name from sets where reset = 'RESET ALL'", "BEGIN; COMMIT",
      "-- SET x = 1",
      "/* LISTEN a */ SELECT 'SET y = 2'", "UPDATE t SET a = 1", "INSERT INTO t VALUES ('DISCARD ALL')",
      "SET LOCAL work_mem = '1MB'", "SELECT set_config('app.tenant', $1, true)",
      "select SET_CONFIG('a', coalesce($1, 'x'), TRUE)", "CREATE TEMP TABLE t (a int) ON COMMIT DROP",
      "SET TRANSACTION READ ONLY", "SET CONSTRAINTS ALL DEFERRED",
      "ALTER ROLE app SET work_mem = '1MB'", "ALTER TABLE t ALTER c SET DEFAULT 1",
      "SELECT pg_advisory_xact_lock(1)",
      "SELECT pg_try_advisory_xact_lock_shared(1)", "CREATE TABLE temp_orders (a int)",
      "SELECT temp FROM weather",
      "DECLARE c CURSOR FOR SELECT 1", "DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1",
      "PREPARE TRANSACTION 'x'",
      "DISCARD PLANS",
      "DO $$ BEGIN PERFORM 1; END $$", "SELECT $1", "SHOW work_mem",
    ])
  func innocent(text: String) {
    #expect(effects(text).isEmpty, "\(effects(text))")
  }

  @Test(
    "state that only its own backend can keep pins",
    arguments: [
      ("CREATE TEMP TABLE t (a int)", .temporaryObject),
      ("create temporary view v as select 1", .temporaryObject),
      ("CREATE OR REPLACE TEMP VIEW v AS SELECT 1", .temporaryObject),
      ("CREATE LOCAL TEMPORARY TABLE t (a int)", .temporaryObject),
      ("SELECT 1 INTO TEMP t", .temporaryObject),
      ("SELECT 1 INTO LOCAL TEMP t", .temporaryObject), ("CREATE TABLE pg_temp.t (a int)", .temporaryObject),
      ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", .heldCursor),
      ("SELECT pg_advisory_lock(1)", .advisoryLock),
      ("select PG_TRY_ADVISORY_LOCK_SHARED(1, 2)", .advisoryLock),
      ("WITH l AS (SELECT pg_advisory_lock_shared(1)) SELECT * FROM l", .advisoryLock),
      ("SELECT lastval()", .sequenceMemory), ("SELECT \"currval\"('s')", .sequenceMemory),
      ("LOAD 'auto_explain'", .library),
      ("SELECT set_config('a' || 'b', '1', false)", .settingByFunction), ("SET SEED TO 0.5", .randomSeed),
      ("SELECT setseed(0.5)", .randomSeed),
      ("DO $x$ BEGIN CREATE TEMP TABLE t (a int); END $x$", .temporaryObject),
      ("BEGIN; SELECT 1; LOAD 'x'; COMMIT", .library),
    ] as [(String, PinReason)])
  func pins(text: String, reason: PinReason) {
    #expect(effects(text).pin == reason)
  }

  @Test("a text too long to be read pins if a word in it is suspect")
  func tooLong() {
    let long = "SELECT '" + String(repeating: "x", count: SessionEffects.longestScanned) + "'"
    #expect(effects(long).pin == nil)
    #expect(effects("SET work_mem = '5MB'; " + long).pin == .longText)
  }

  @Test(
    "settings are named as the server knows them",
    arguments: [
      ("SET work_mem = '1MB'", ["work_mem"]), ("set Session WORK_MEM to '1MB'", ["work_mem"]),
      ("SET app.Tenant = '7'", ["app.tenant"]), ("SET \"DateStyle\" = 'ISO, DMY'", ["datestyle"]),
      ("SET TIME ZONE 'UTC'", ["timezone"]), ("SET NAMES 'LATIN1'", ["client_encoding"]),
      ("SET SCHEMA 'shop'", ["search_path"]),
      ("SET search_path = a, b; SET work_mem = 1", ["search_path", "work_mem"]),
      ("SET XML OPTION DOCUMENT", ["xmloption"]),
      ("SELECT set_config('App.Tenant', '7', false)", ["app.tenant"]),
      ("SELECT pg_catalog.set_config('search_path', '', false)", ["search_path"]),
      (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        ["default_transaction_isolation", "default_transaction_read_only", "default_transaction_deferrable"]
      ),
      ("RESET ALL; SET work_mem = 1", ["work_mem"]), ("RESET work_mem; SET work_mem = 1", ["work_mem"]),
      ("SET a.b = 1; SET a.b = 2", ["a.b"]), ("SET ROLE admin", ["role"]), ("SET SESSION ROLE x", ["role"]),
      ("SET role TO 'admin'", ["role"]), ("SET ROLE NONE", ["role"]),
      ("SET SESSION AUTHORIZATION admin", ["session_authorization"]),
      ("SELECT set_config('role', 'admin', false)", ["role"]),
      ("SELECT set_config('a.b', f(1, (2)), false)", ["a.b"]),
    ])
  func settings(text: String, names: [String]) {
    #expect(effects(text).settings == names)
    #expect(effects(text).resets == [])
    #expect(effects(text).pin == nil)
  }

  @Test(
    "going back to the default is a reset, however it is written",
    arguments: [
      ("RESET work_mem", ["work_mem"]), ("RESET TIME ZONE", ["timezone"]),
      ("SET work_mem TO DEFAULT", ["work_mem"]),
      ("SET work_mem = default", ["work_mem"]), ("SET TIME ZONE LOCAL", ["timezone"]),
      ("SET TIME ZONE DEFAULT", ["timezone"]),
      ("SET NAMES DEFAULT", ["client_encoding"]), ("SET work_mem = 1; RESET work_mem", ["work_mem"]),
      ("RESET a; RESET b", ["a", "b"]), ("RESET ROLE", ["role"]), ("SET ROLE TO DEFAULT", ["role"]),
      ("RESET SESSION AUTHORIZATION", ["session_authorization"]),
      ("SET SESSION AUTHORIZATION DEFAULT", ["session_authorization"]),
    ])
  func resets(text: String, names: [String]) {
    #expect(effects(text).resets == names)
    #expect(effects(text).settings == [])
  }

  @Test(
    "RESET ALL and DISCARD ALL undo everything, what the text has set before them included",
    arguments: ["RESET ALL", "DISCARD ALL", "SELECT 1; reset all"])
  func resetsAll(text: String) {
    #expect(effects(text).resetsAll)
    let behind = effects("SET work_mem = 1; \(text)")
    #expect(behind.settings == [] && behind.resets == ["work_mem"])
  }

  @Test(
    "code in DO is read: what it sets is asked for",
    arguments: [
      "DO $$ BEGIN SET work_mem = '1MB'; END $$", "DO 'begin reset all; end'", "DO $x$ EXECUTE y $x$",
    ])
  func blocks(text: String) {
    #expect(effects(text).marks.contains(.settings) && effects(text).pin == nil)
  }

  @Test("a custom name that DO sets is known, since the server lists none")
  func customInBlock() {
    #expect(effects("DO $$ BEGIN SET app.tenant = 'x'; END $$").settings == ["app.tenant"])
    #expect(effects("DO $$ BEGIN PERFORM set_config('app.b', 'x', false); END $$").settings == ["app.b"])
  }

  @Test("set_config of a parameter: its number is told")
  func parameters() {
    #expect(
      effects("SELECT set_config($1, $2, false), set_config($3::text, $4, false)").settingParameters == [
        1, 3,
      ])
  }

  @Test(
    "prepared statements are called by their names, as the server folds them",
    arguments: [
      ("PREPARE Plan (int) AS SELECT $1", ["plan"], []), ("EXECUTE \"Plan\"(1)", ["Plan"], []),
      ("DEALLOCATE a; DEALLOCATE PREPARE b", ["a", "b"], ["a", "b"]),
      ("DEALLOCATE prepare", ["prepare"], ["prepare"]),
      ("SELECT 1; EXECUTE a", ["a"], []),
    ])
  func names(text: String, called: [String], deallocated: [String]) {
    #expect(effects(text).names == called.map { Array($0.utf8) })
    #expect(effects(text).deallocated == deallocated.map { Array($0.utf8) })
    #expect(effects(text).pin == nil)
  }

  @Test(
    "texts that provably leave nothing behind",
    arguments: [
      ("SELECT 1", false), ("BEGIN; UPDATE t SET a = 1; COMMIT", false),
      ("WITH x AS (SELECT 1) DELETE FROM t", false),
      ("/* why */ select 1; rollback", false), ("INSERT INTO t VALUES (1)", true),
      ("WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT * FROM x", true),
      ("SELECT nextval('s')", true),
      ("SELECT setval('s', 7)", true), ("CREATE TABLE t ()", true), ("DO $$BEGIN END$$", true),
      ("CALL p()", true), ("COPY t FROM stdin", true), ("SELECT 1; EXECUTE s", true), ("(SELECT 1)", false),
    ])
  func leavesNothing(text: String, mayLeaveState: Bool) {
    #expect(SessionEffects.scan(Array(text.utf8).span).mayLeaveState == mayLeaveState)
  }

  @Test(
    "calls of functions that not everybody knows are named, as the server folds them",
    arguments: [
      ("SELECT count(*), lower(a) FROM t WHERE b IN (1) AND (c)", []), ("SELECT Log_In('x')", ["log_in"]),
      ("SELECT public.\"Log In\"(a), log_in(b)", ["Log In", "log_in"]), ("CALL s.p(1)", ["p"]),
      ("INSERT INTO t (a) VALUES (f(1))", ["f"]), ("WITH x (a) AS (SELECT g()) SELECT 1", ["g"]),
      ("SELECT * FROM t JOIN h(1) ON true", ["h"]), ("CREATE TABLE t (a int)", []),
      ("DO $$ BEGIN PERFORM k(1); END $$", ["k"]), ("SELECT 'f(1)', \"f\" /* f(1) */", []),
    ])
  func calls(text: String, names: [String]) {
    #expect(effects(text).functions == names.map { Array($0.utf8) })
  }

  @Test(
    "texts that make or change functions say so",
    arguments: [
      "CREATE FUNCTION f() RETURNS int SET search_path = a AS $$ SET x = 1 $$ LANGUAGE sql",
      "create or replace procedure p() language sql as ''", "DROP FUNCTION f", "DROP SCHEMA s CASCADE",
      "CREATE EXTENSION hstore",
    ])
  func changesFunctions(text: String) { #expect(effects(text).changesFunctions) }
}
