import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("dbtool seed --verify and --reset")
struct SeedVerifyTests {
  private func tables(_ result: DBToolProcess.Result) throws -> [String: [String: Any]] {
    let json = try JSONSerialization.jsonObject(with: Data(result.stdout.utf8)) as? [String: Any]
    let tables = json?["tables"] as? [[String: Any]] ?? []
    return Dictionary(uniqueKeysWithValues: tables.map { ($0["table"] as? String ?? "", $0) })
  }

  @Test("what the plan has made is found equal, row for row")
  func equal() throws {
    try StorefrontDatabase.with { (shop) throws in
      #expect(try shop.seed("--orders", "50").status == 0)
      let result = try shop.seed("--orders", "50", "--verify", "--json")
      #expect(result.status == 0, "\(result.stderr)")
      let tables = try tables(result)
      #expect(tables["products"]?["equal"] as? Int == 100)
      #expect(tables["order_items"]?["equal"] as? Int == (try shop.count("order_items")))
      #expect(tables.values.allSatisfy { $0["missing"] as? Int == 0 && $0["different"] as? Int == 0 })
    }
  }

  @Test("a changed row and a missing one are counted, by column, and nothing is written")
  func different() throws {
    try StorefrontDatabase.with { (shop) throws in
      #expect(try shop.seed().status == 0)
      try shop.connection.execute(
        "UPDATE inventory SET quantity = 7 WHERE product_id IN (3, 4); DELETE FROM sessions WHERE user_id = 5"
      )
      let before = try shop.digests()
      let result = try shop.seed("--verify")
      #expect(result.status == 1)
      #expect(result.stdout.contains("inventory.quantity differs in 2 rows\n"), "\(result.stdout)")
      #expect(result.stdout.contains("inventory: the first that differs has product_id = 3\n"))
      #expect(result.stderr.contains("the rows are not those that the plan makes\n"))
      let tables = try tables(try shop.seed("--verify", "--json"))
      #expect(tables["inventory"]?["different"] as? Int == 2)
      #expect(tables["sessions"]?["missing"] as? Int == 1000 - (try shop.count("sessions")))
      #expect(tables["sessions"]?["missing"] as? Int != 0)
      #expect(try shop.digests() == before)
    }
  }

  @Test("numbers that others have taken first are no difference")
  func renumbered() throws {
    try StorefrontDatabase.with { (shop) throws in
      try shop.connection.execute(
        "INSERT INTO products (id, sku, name, category, price_cents) VALUES (50, 'mine', 'Mine', 'x', 1)")
      #expect(try shop.seed("--orders", "30").status == 0)
      #expect(try shop.seed("--orders", "30", "--verify").status == 0)
    }
  }

  @Test("reset takes the plan's rows away, also those above today's counts, and no others")
  func reset() throws {
    try StorefrontDatabase.with { (shop) throws in
      try shop.connection.execute(
        """
        INSERT INTO products (sku, name, category, price_cents) VALUES ('mine', 'Mine', 'x', 1);
        INSERT INTO users (external_id, email, name) VALUES ('boss', 'boss@example.com', 'Boss');
        """)
      let mine = try shop.digests()
      #expect(try shop.seed("--products", "2500", "--orders", "40").status == 0)
      let result = try shop.seed("--reset", "--json")
      #expect(result.status == 0, "\(result.stderr)")
      let tables = try tables(result)
      #expect(tables["products"]?["removed"] as? Int == 2500)
      #expect(tables["inventory"]?["removed"] as? Int == 2500)
      #expect(tables["orders"]?["removed"] as? Int == 40)
      #expect(try shop.digests() == mine)
      #expect(try shop.seed("--reset", "--json").stdout.hasSuffix(#","removed":0}"# + "\n"))
    }
  }

  @Test("a row of somebody else's that refers to one of the plan's keeps all of them")
  func foreignRow() throws {
    try StorefrontDatabase.with { (shop) throws in
      #expect(try shop.seed("--only", "users", "--users", "10").status == 0)
      try shop.connection.execute("INSERT INTO sessions VALUES ('mine', 3, now(), now() + interval '1 day')")
      let result = try shop.seed("--reset", "--only", "users")
      #expect(result.status == 1)
      #expect(
        result.stderr.contains(
          "error: 1 rows of sessions refer to rows of users, and the plan did not make them"),
        "\(result.stderr)")
      #expect(result.stderr.contains("sessions_user_id_fkey. Nothing was deleted."))
      #expect(try shop.count("users") == 10)
      #expect(try shop.count("sessions") == 1)
    }
  }

  @Test("reset asks for the name of a production database, too")
  func production() throws {
    try StorefrontDatabase.with { (shop) throws in
      #expect(try shop.seed("--only", "users").status == 0)
      let name = try #require(shop.target.database)
      try shop.connection.execute("COMMENT ON DATABASE \(name) IS 'production'")
      #expect(try shop.seed("--reset").status == 1)
      #expect(try shop.count("users") == 1000)
      #expect(try shop.seed("--reset", "--i-know", name).status == 0)
      #expect(try shop.count("users") == 0)
    }
  }

  @Test("tasks that exclude each other end with 64")
  func usage() throws {
    let result = try runDBTool(["seed", "--verify", "--reset"], in: StorefrontDatabase.root)
    #expect(result.status == 64)
    #expect(result.stderr.contains("--dry-run, --verify and --reset exclude each other"))
  }
}
