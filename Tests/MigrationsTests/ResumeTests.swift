import Migrations
import SQLText
import Testing

@Suite("A script without a transaction, after a run that did not reach its end")
struct ResumeTests {
  private func row(_ number: Int, _ outcome: ResumePlan.Row.Outcome, hash: Int64? = nil) -> ResumePlan.Row {
    ResumePlan.Row(number: number, hash: hash ?? Int64(number), outcome: outcome, checksum: 7)
  }

  @Test("goes on after the last statement that is done")
  func done() throws {
    let plan = try ResumePlan(rows: [row(1, .done), row(2, .done)], hashes: [1, 2, 3], checksum: 8)
    #expect(plan.first == 3 && plan.unknown == nil && !plan.isAnew)
    let failed = try ResumePlan(rows: [row(1, .done), row(2, .failed)], hashes: [1, 99], checksum: 8)
    #expect(failed.first == 2 && failed.unknown == nil && failed.hasFailed)
    #expect(try ResumePlan(rows: [row(1, .done)], hashes: [1], checksum: 7).first == 2)
  }

  @Test("does not know of the statement that was started and neither ended nor failed")
  func unknown() throws {
    let plan = try ResumePlan(rows: [row(1, .done), row(2, .started)], hashes: [1, 2, 3], checksum: 8)
    #expect(plan.first == 2 && plan.unknown?.number == 2)
    #expect(try ResumePlan(rows: [row(1, .started)], hashes: [1], checksum: 8).first == 1)
  }

  @Test("forgets what a transaction of the script's own took back")
  func rolledBack() throws {
    // BEGIN was recorded as started, the rest inside it is gone; then ROLLBACK was done.
    let plan = try ResumePlan(rows: [row(1, .started), row(4, .done)], hashes: [1, 2, 3, 4, 5], checksum: 7)
    #expect(plan.first == 5 && plan.unknown == nil)
  }

  @Test("is not the same script when a statement that has run is another, unless the file is the same")
  func changed() throws {
    let rows = [row(1, .done), row(2, .started)]
    #expect(throws: ResumeError.changedStatement(1)) {
      try ResumePlan(rows: rows, hashes: [9, 2], checksum: 8)
    }
    #expect(throws: ResumeError.changedStatement(2)) {
      try ResumePlan(rows: rows, hashes: [1, 9], checksum: 8)
    }
    #expect(throws: ResumeError.changedStatement(2)) { try ResumePlan(rows: rows, hashes: [1], checksum: 8) }
    // Only what placeholders put in differs.
    #expect(try ResumePlan(rows: rows, hashes: [9, 9], checksum: 7).first == 2)
  }

  @Test("that was changed after an error begins anew, as with Flyway")
  func anew() throws {
    let plan = try ResumePlan(rows: [row(1, .done), row(2, .failed)], hashes: [2], checksum: 8)
    #expect(plan.first == 1 && plan.isAnew)
  }

  @Test("goes on where a person says, and nowhere else")
  func resumeAt() throws {
    let rows = [row(1, .done), row(2, .started)]
    for number in 1...3 {
      let plan = try ResumePlan(rows: rows, hashes: [9, 9], checksum: 8, resumeAt: number)
      #expect(plan.first == number && plan.unknown == nil)
    }
    for number in [0, 4] {
      #expect(throws: ResumeError.noSuchStatement(number, count: 2)) {
        try ResumePlan(rows: rows, hashes: [9, 9], checksum: 8, resumeAt: number)
      }
    }
  }

  private func interrupted(_ sql: String) throws -> InterruptedStatement {
    for piece in try ScriptSplitter.pieces(of: Array(sql.utf8)) {
      if case .statement(let statement) = piece { return InterruptedStatement(statement) }
    }
    throw ResumeError.changedStatement(0)
  }

  @Test(
    "cut off in building an index, can be asked of the catalogue by name and table",
    arguments: [
      ("create index concurrently I_x on Shop.T (a)", "i_x", "Shop.T"),
      (
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"I \"\"x\" ON ONLY \"s\".\"T\" USING btree (a)",
        "I \"x", "\"s\".\"T\""
      ),
      ("/* c */ create index concurrently ä_X on t(a) where b", "ä_x", "t"),
    ])
  func indexes(_ sql: String, _ name: String, _ table: String) throws {
    #expect(try interrupted(sql) == .indexBuild(name: name, table: table))
  }

  @Test("cut off elsewhere, is known by its kind or by a person only")
  func kinds() throws {
    #expect(try interrupted("drop index concurrently if exists s.i") == .indexDrop(name: "s.i"))
    #expect(try interrupted("begin") == .transactionStart)
    #expect(try interrupted("commit") == .transactionEnd)
    for sql in [
      "create index concurrently on t (a)", "drop index concurrently a, b", "commit prepared 'x'",
      "insert into t values (1)", "reindex table concurrently t", "create index i on t (a)",
    ] {
      guard case .unknown(let check) = try interrupted(sql) else {
        Issue.record("\(sql) is no matter for a person")
        continue
      }
      #expect(!check.isEmpty)
    }
  }

  @Test("is compared by hashes that tell texts apart")
  func hashes() {
    #expect(StatementHash.of(Array("a".utf8)) == Int64(bitPattern: 0xAF63_DC4C_8601_EC8C))
    #expect(StatementHash.of([]) == Int64(bitPattern: 0xCBF2_9CE4_8422_2325))
  }
}
