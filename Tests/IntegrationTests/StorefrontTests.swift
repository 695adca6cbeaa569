import LibPQ
import TestSupport
import Testing

@Suite("The storefront schema")
struct StorefrontTests {
  /// Five products of 1.00 to 5.00, a hundred of each; two customers with a session, and one whose has expired.
  private func withShop(_ body: (StorefrontDatabase) throws -> Void) throws {
    try StorefrontDatabase.with { (shop) throws in
      try shop.connection.execute(
        """
        INSERT INTO products (sku, name, category, price_cents)
          SELECT 'P' || n, 'Product ' || n, 'things', 100 * n FROM generate_series(1, 5) AS n;
        INSERT INTO products (sku, name, category, price_cents, active) VALUES ('P6', 'Withdrawn', 'things', 1, false);
        INSERT INTO inventory (product_id, quantity) SELECT id, 100 FROM products WHERE id <= 5;
        INSERT INTO users (external_id, email, name)
          SELECT 'user_' || n, 'user' || n || '@example.com', 'User' FROM generate_series(1, 3) AS n;
        INSERT INTO sessions (token, user_id, created_at, expires_at) VALUES
          ('one', 1, '2020-01-01', '2099-01-01'), ('two', 2, '2020-01-01', '2099-01-01'),
          ('old', 3, '2020-01-01', '2021-01-01');
        """)
      try body(shop)
    }
  }

  private func checkout(
    _ shop: StorefrontDatabase, _ token: String, _ items: String?, _ key: String?
  ) throws -> [String?] {
    let rows = try shop.connection.query("SELECT * FROM checkout($1, $2, $3)", [token, items, key])
    return (0..<rows.columns.count).map { rows[0, $0] }
  }

  @Test("an order takes stock, adds up its lines, and names a product once")
  func order() throws {
    try withShop { (shop) throws in
      let items =
        #"[{"product_id": 2, "quantity": 2}, {"product_id": 1, "quantity": 1}, {"product_id": 2, "quantity": 1}]"#
      #expect(try checkout(shop, "one", items, "k") == ["1", "700", "USD", "f"])
      #expect(
        try shop.ask("SELECT string_agg(quantity::text, ',' ORDER BY product_id) FROM inventory")
          == "99,97,100,100,100")
      #expect(
        try shop.ask("SELECT string_agg(line_total_cents::text, ',' ORDER BY product_id) FROM order_items")
          == "100,600")
    }
  }

  @Test("the same key again is the same order, and takes nothing; another order under it is refused")
  func replay() throws {
    try withShop { (shop) throws in
      let items = #"[{"product_id": 3, "quantity": 4}]"#
      #expect(try checkout(shop, "one", items, "k") == ["1", "1200", "USD", "f"])
      try shop.connection.execute("UPDATE products SET active = false WHERE id = 3")
      #expect(try checkout(shop, "one", items, "k") == ["1", "1200", "USD", "t"])
      #expect(try shop.ask("SELECT quantity FROM inventory WHERE product_id = 3") == "96")
      for (token, items) in [("two", items), ("one", #"[{"product_id": 1, "quantity": 4}]"#)] {
        let refusal = #expect(throws: ServerError.self) { try checkout(shop, token, items, "k") }
        #expect(refusal?.sqlState == "SH422")
      }
    }
  }

  private static let refusals: [(token: String, items: String?, key: String?, state: String)] = [
    ("nobody", #"[{"product_id": 1, "quantity": 1}]"#, "k", "SH401"),
    ("old", #"[{"product_id": 1, "quantity": 1}]"#, "k", "SH401"),
    ("one", #"[{"product_id": 99, "quantity": 1}]"#, "k", "SH404"),
    ("one", #"[{"product_id": 6, "quantity": 1}]"#, "k", "SH404"),
    ("one", #"[{"product_id": 1, "quantity": 1}, {"product_id": 2, "quantity": 101}]"#, "k", "SH409"),
    ("one", #"[{"product_id": 1, "quantity": 0}]"#, "k", "SH422"),
    ("one", #"[{"product_id": 1.5, "quantity": 1}]"#, "k", "SH422"),
    ("one", #"[{"product_id": "1", "quantity": 1}]"#, "k", "SH422"),
    ("one", #"[{"product_id": 1e40, "quantity": 1}]"#, "k", "SH422"),
    ("one", "[7]", "k", "SH422"), ("one", "{}", "k", "SH422"), ("one", "[]", "k", "SH422"),
    ("one", nil, "k", "SH422"),
    ("one", #"[{"product_id": 1, "quantity": 1}]"#, nil, "SH422"),
  ]

  @Test("a checkout that cannot be is refused by its SQLSTATE, and leaves nothing")
  func refusals() throws {
    try withShop { (shop) throws in
      for refusal in Self.refusals {
        let error = #expect(throws: ServerError.self) {
          try checkout(shop, refusal.token, refusal.items, refusal.key)
        }
        #expect(error?.sqlState == refusal.state, "\(refusal)")
      }
      #expect(try shop.count("orders") == 0)
      #expect(try shop.ask("SELECT sum(quantity) FROM inventory") == "500")
    }
  }

  @Test("a retry waits for the first attempt and gets its answer")
  func concurrentRetry() async throws {
    try withShop { (shop) throws in
      let items = #"[{"product_id": 1, "quantity": 1}]"#
      try shop.connection.execute("BEGIN")
      #expect(try checkout(shop, "one", items, "k").last == "f")
      let retry = try RunningQuery("SELECT replayed FROM checkout('one', '\(items)', 'k')", at: shop.target)
      #expect(try retry.isWaiting(seenBy: shop.connection))
      try shop.connection.execute("COMMIT")
      #expect(retry.answer() == "t")
      #expect(try shop.count("orders") == 1)
    }
  }

  @Test("the last item is sold once")
  func noOversell() throws {
    try withShop { (shop) throws in
      try shop.connection.execute("UPDATE inventory SET quantity = 1 WHERE product_id = 1")
      try shop.connection.execute("BEGIN")
      let items = #"[{"product_id": 1, "quantity": 1}]"#
      #expect(try checkout(shop, "one", items, "a").last == "f")
      let other = try RunningQuery("SELECT replayed FROM checkout('two', '\(items)', 'b')", at: shop.target)
      #expect(try other.isWaiting(seenBy: shop.connection))
      try shop.connection.execute("COMMIT")
      #expect(other.answer() == "SH409")
      #expect(try shop.ask("SELECT quantity FROM inventory WHERE product_id = 1") == "0")
    }
  }

  @Test("an order's total follows its lines, also when two transactions add to it at once")
  func totals() throws {
    try withShop { (shop) throws in
      try shop.connection.execute("INSERT INTO orders (user_id) VALUES (1)")
      try shop.connection.execute(
        """
        BEGIN;
        INSERT INTO order_items VALUES (1, 1, 2, 100);
        """)
      let other = try RunningQuery(
        "INSERT INTO order_items VALUES (1, 2, 1, 50) RETURNING line_total_cents", at: shop.target)
      #expect(try other.isWaiting(seenBy: shop.connection))
      try shop.connection.execute("COMMIT")
      #expect(other.answer() == "50")
      #expect(try shop.ask("SELECT total_cents FROM orders") == "250")
      try shop.connection.execute("UPDATE order_items SET quantity = 3 WHERE product_id = 2")
      #expect(try shop.ask("SELECT total_cents FROM orders") == "350")
      try shop.connection.execute("DELETE FROM order_items WHERE product_id = 1")
      #expect(try shop.ask("SELECT total_cents FROM orders") == "150")
    }
  }

  @Test("an update that changes nothing leaves updated_at alone")
  func updatedAt() throws {
    try withShop { (shop) throws in
      let times = "SELECT array_agg(updated_at ORDER BY id) FROM products WHERE id <= 2"
      let before = try shop.ask(times)
      try shop.connection.execute("UPDATE products SET name = name")
      #expect(try shop.ask(times) == before)
      try shop.connection.execute("UPDATE products SET name = 'new' WHERE id = 2")
      #expect(try shop.ask(times) != before)
    }
  }

  @Test("the catalogue shows price and stock of what is on sale")
  func catalogue() throws {
    try withShop { (shop) throws in
      #expect(try shop.ask("SELECT count(*) FROM catalog") == "5")
      #expect(try shop.ask("SELECT price || ' ' || stock FROM catalog WHERE id = 3") == "3.00 100")
    }
  }

  @Test("the application's role gets its rights once it is there, and none on the history")
  func grants() throws {
    try withShop { (shop) throws in
      // A role belongs to the whole server; making and dropping it in one test keeps the others out of it.
      try shop.connection.execute("CREATE ROLE shop_app")
      defer { try? shop.connection.execute("DROP OWNED BY shop_app; DROP ROLE shop_app") }
      let again = try runDBTool(
        ["migrate", "--quiet", "--url", shop.target.testURL, "--locations", "filesystem:migrations"],
        in: StorefrontDatabase.root)
      #expect(again.status == 0, "\(again.stderr)")
      let rights = "SELECT has_table_privilege('shop_app', $1, 'INSERT')"
      #expect(try shop.ask(rights, ["orders"]) == "t")
      #expect(try shop.ask(rights, ["flyway_schema_history"]) == "f")
    }
  }
}
