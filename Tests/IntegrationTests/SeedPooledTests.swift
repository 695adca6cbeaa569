import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("Seeding through a transaction pooler")
struct SeedPooledTests {
  /// All of what seed does, by another way to the shop's database.
  private func work(_ target: DatabaseTarget, direct: DatabaseTarget) throws {
    let migrated = try runDBTool(
      ["migrate", "--quiet", "--url", direct.testURL, "--locations", "filesystem:migrations"],
      in: StorefrontDatabase.root)
    #expect(migrated.status == 0, "\(migrated.stderr)")
    func seed(_ arguments: String...) throws -> DBToolProcess.Result {
      try runDBTool(["seed", "--no-color", "--url", target.testURL] + arguments, in: StorefrontDatabase.root)
    }
    let first = try seed("--orders", "200")
    #expect(first.status == 0, "\(first.stderr)")
    let more = try seed("--products", "150", "--orders", "250", "--jobs", "2", "--json")
    #expect(more.status == 0, "\(more.stderr)")
    #expect(more.stdout.contains(#""table":"orders","added":50,"kept":200"#), "\(more.stdout)")
    #expect(try seed("--only", "products,inventory", "--products", "150", "--verify").status == 0)
    let reset = try seed("--reset")
    #expect(reset.status == 0, "\(reset.stderr)")
    let connection = try direct.connect()
    #expect(
      try connection.query("SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM products)").first
        == "0")
  }

  @Test("our own leaves nothing of the session behind")
  func own() throws {
    try PoolProcess.with(backends: 4) { pool in
      try work(pool.target, direct: pool.server)
      try pool.expectClean()
    }
  }

  @Test("PgBouncer does, in transaction mode", .enabled(if: PgBouncer.path != nil))
  func pgBouncer() throws {
    try PgBouncer.with("transaction", backends: 4) { bouncer in
      try work(bouncer.target, direct: bouncer.direct)
    }
  }
}
