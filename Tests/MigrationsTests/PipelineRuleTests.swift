import Migrations
import SQLText
import Testing

@Suite("What may be sent ahead of its answers, and what a script may do to the run")
struct PipelineRuleTests {
  private func statements(_ script: String) throws -> [ScriptStatement] {
    try ScriptSplitter.pieces(of: Array(script.utf8)).compactMap {
      if case .statement(let statement) = $0 { statement } else { nil }
    }
  }

  @Test(
    "ordinary statements may",
    arguments: [
      "create table t (i int)", "insert into t values (1)", "select '$1', $$ $1 $$", "(select 1)",
      "do $$ begin end $$",
      "create rule r as on insert to t do (select 1; select 2)", "set search_path to x", "-- $1\nselect 1",
      "create function f(int) returns int begin atomic select 1; end", "lock table t", "call p()",
      "prepared.f",
    ])
  func may(_ script: String) throws {
    let found = try statements(script)
    #expect(found.count == 1)
    #expect(found.allSatisfy { PipelineRule.allows($0) })
  }

  @Test(
    "what begins or ends a transaction, copies, or has a parameter may not",
    arguments: [
      "begin", "start transaction", "commit", "commit and chain", "end", "abort", "rollback", "rollback to s",
      "savepoint s", "release s", "prepare transaction 'x'", "copy t from stdin;\n\\.\n", "copy t to stdout",
      "copy t from '/x'", "select $1", "discard all", "execute p", "/* */ COMMIT",
    ])
  func mayNot(_ script: String) throws {
    #expect(try !statements(script).contains { PipelineRule.allows($0) })
  }

  @Test(
    "a script that names the history table, lets advisory locks go or discards all makes the run look again",
    arguments: [
      ("select 1; delete from FLYWAY_Schema_History where true", true),
      ("select PG_ADVISORY_UNLOCK_all()", true), ("discard all", true),
      ("select 1; -- pg_advisory_unlock", false),
      ("/* pg_advisory_unlock */ select 1", true), ("insert into history values ('flyway')", false),
      ("", false),
    ])
  func watch(_ script: String, _ expected: Bool) throws {
    var watch = GuardWatch(historyTable: "flyway_schema_history")
    for statement in try statements(script) { watch.look(at: statement) }
    #expect(watch.mayBeGone == expected)
  }

  @Test("a script too long to be searched makes the run look again")
  func long() throws {
    var watch = GuardWatch(historyTable: "h")
    let row = try statements("insert into t values ('" + String(repeating: "x", count: 400_000) + "')")
    watch.look(at: row[0])
    watch.look(at: row[0])
    #expect(!watch.mayBeGone)
    watch.look(at: row[0])
    #expect(watch.mayBeGone)
  }
}
