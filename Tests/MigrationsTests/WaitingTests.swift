import Migrations
import SQLText
import Testing

@Suite("Who holds a lock")
struct LockHolderTests {
  @Test("is told with everything that is known")
  func known() {
    let holder = LockHolder(
      pid: 4711, application: "psql", client: "10.0.0.7", state: "idle in transaction", seconds: 250,
      statement: "\n  UPDATE  orders\n SET x = 1;")
    #expect(
      holder.text == "pid 4711 (psql, 10.0.0.7), idle in transaction for 4 min, last statement: UPDATE orders"
    )
    let running = LockHolder(pid: 1, state: "active", seconds: 3, statement: "VACUUM FULL orders;")
    #expect(running.text == "pid 1, active for 3 s: VACUUM FULL orders")
    let worker = LockHolder(
      pid: 2, kind: "autovacuum worker", state: "active", statement: "autovacuum: VACUUM a")
    #expect(worker.text == "pid 2 (autovacuum worker), active for 0 s: autovacuum: VACUUM a")
  }

  @Test("is told as far as this user may see it, and a prepared transaction has no session")
  func unknown() {
    #expect(LockHolder(pid: 8).text == "pid 8, whose state this user may not see")
    #expect(LockHolder(pid: 0).text == "a prepared transaction (see pg_prepared_xacts)")
    #expect(LockHolder(pid: 0).advice?.contains("ROLLBACK PREPARED") == true)
  }

  @Test("comes with advice only when nothing has happened there for a minute")
  func advice() {
    #expect(
      LockHolder(pid: 5, state: "idle", seconds: 60).advice?.contains("pg_terminate_backend(5)") == true)
    #expect(LockHolder(pid: 5, state: "idle in transaction", seconds: 59).advice == nil)
    #expect(LockHolder(pid: 5, state: "active", seconds: 6_000).advice == nil)
  }

  @Test("is one of several: the first two, or the first and how many more")
  func several() {
    let holders = (1...3).map { LockHolder(pid: $0, state: "active") }
    #expect(LockHolder.text(Array(holders.prefix(2))) == "pid 1, active for 0 s; and pid 2, active for 0 s")
    #expect(LockHolder.text(holders) == "pid 1, active for 0 s; and 2 more")
  }

  @Test(
    "has been so for a time in the largest unit that says enough",
    arguments: [
      (-1, "0 s"), (0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "119 min"), (7_200, "2 h"),
      (172_799, "47 h"), (172_800, "2 d"),
    ])
  func ages(_ seconds: Int, _ text: String) {
    #expect(LockHolder.age(seconds) == text)
  }

  @Test("shows a line of its statement that fits")
  func firstLine() {
    #expect(LockHolder.firstLine(" \n\t\n select 1 ;\nselect 2", limit: 20) == "select 1")
    #expect(LockHolder.firstLine("select 123456789", limit: 10) == "select 12…")
    #expect(LockHolder.firstLine("", limit: 10) == "")
  }
}

@Suite("The pace of talk about a wait")
struct WaitPaceTests {
  private func told(_ pace: WaitPace, until end: Int) -> [Int] {
    var pace = pace
    return stride(from: 0, through: end, by: 200).filter { pace.isDue($0) }
  }

  @Test("is once a second where the line is drawn over, from the first second on")
  func terminal() {
    #expect(told(WaitPace(isInteractive: true), until: 4_000) == [1_000, 2_000, 3_000, 4_000])
  }

  @Test("is once in ten seconds in a log")
  func log() {
    #expect(told(WaitPace(isInteractive: false), until: 30_000) == [1_000, 11_000, 21_000])
    #expect(told(WaitPace(isInteractive: false, first: 5_000), until: 16_000) == [5_000, 15_000])
  }
}

@Suite("Trying again")
struct RetryRuleTests {
  @Test("is for a lock that was not had and for a deadlock")
  func states() {
    #expect(RetryRule.isWorthAnotherTry(sqlState: "55P03"))
    #expect(RetryRule.isWorthAnotherTry(sqlState: "40P01"))
    #expect(!RetryRule.isWorthAnotherTry(sqlState: "57014"))
    #expect(!RetryRule.isWorthAnotherTry(sqlState: nil))
  }

  @Test(
    "outside a transaction is safe unless the statement may have left something that cannot be found",
    arguments: [
      ("ALTER TABLE t ADD i int", RetryRule.Repetition.asItIs), ("VACUUM t", .asItIs),
      ("CREATE INDEX i ON t (a)", .asItIs), ("DROP INDEX CONCURRENTLY i", .asItIs),
      ("CREATE INDEX CONCURRENTLY i ON t (a)", .withoutIndex("i", table: "t")),
      ("create unique index concurrently if not exists \"I\" on s.t (a)", .withoutIndex("I", table: "s.t")),
      ("CREATE INDEX CONCURRENTLY ON t (a)", .never), ("DROP INDEX CONCURRENTLY i, j", .never),
      ("REINDEX TABLE CONCURRENTLY t", .never), ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", .never),
      ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", .never), ("CALL p()", .never),
      ("DO $$ BEGIN END $$", .never),
    ])
  func statements(_ sql: String, _ repetition: RetryRule.Repetition) throws {
    var splitter = ScriptReader(try TextEncoding(named: "UTF-8"), placeholders: nil)
    try splitter.append(Array(sql.utf8))
    try splitter.finish()
    guard case .statement(let statement) = try splitter.next() else {
      Issue.record("no statement in \(sql)")
      return
    }
    #expect(RetryRule.repetition(of: statement) == repetition)
  }

  @Test("comes after a pause that doubles up to 15 s, of which a random part of the second half is cut")
  func pauses() {
    #expect(RetryRule.pause(attempt: 1, random: 0) == 250)
    #expect(RetryRule.pause(attempt: 1, random: 250) == 500)
    #expect(RetryRule.pause(attempt: 3, random: 0) == 1_000)
    for attempt in 1...100 {
      for random in [0, 1, 12_345, UInt64.max] {
        #expect((250...15_000).contains(RetryRule.pause(attempt: attempt, random: random)))
      }
    }
    #expect(RetryRule.pause(attempt: 100, random: 0) == 7_500)
  }
}
