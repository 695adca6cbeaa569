import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("dbtool seed")
struct SeedTests {
  @Test("makes exactly the hundred products asked for, with inventory, users and sessions")
  func hundred() throws {
    try StorefrontDatabase.with { (shop) throws in
      let result = try shop.seed("--products", "100", "--json")
      #expect(result.status == 0, "\(result.stderr)")
      #expect(
        try shop.counts(result) == [
          "products": [100, 0], "inventory": [100, 0], "users": [1000, 0], "sessions": [1000, 0],
          "orders": [0, 0],
          "order_items": [0, 0],
        ])
      #expect(try StorefrontDatabase.tables.map { try shop.count($0) } == [100, 100, 1000, 1000, 0, 0])
      #expect(try shop.ask("SELECT count(DISTINCT category) >= 20 FROM products") == "t")
      #expect(try shop.ask("SELECT count(DISTINCT name) FROM products") == "100")
      #expect(try shop.ask("SELECT count(*) BETWEEN 1 AND 20 FROM inventory WHERE quantity = 0") == "t")
      #expect(try shop.ask("SELECT count(*) FROM users WHERE email !~ '^[a-z0-9.-]+@example\\.com$'") == "0")
      #expect(try shop.ask("SELECT count(*) > 100 FROM users WHERE name ~ '[^\\x01-\\x7f]'") == "t")
    }
  }

  /// Bytes that must be the same on every machine, and in every later version.
  @Test("makes the same rows everywhere")
  func sameBytes() throws {
    try StorefrontDatabase.with { (shop) throws in
      #expect(try shop.seed("--products", "100", "--orders", "300").status == 0)
      #expect(try shop.digests() == Self.digests)
    }
  }

  @Test("asked again, changes nothing")
  func again() throws {
    try StorefrontDatabase.with { (shop) throws in
      #expect(try shop.seed("--orders", "200").status == 0)
      let before = try shop.digests()
      let sequences = "SELECT string_agg(sequencename || last_value, ',' ORDER BY 1) FROM pg_sequences"
      let numbers = try shop.ask(sequences)
      let result = try shop.seed("--orders", "200", "--json")
      #expect(try shop.counts(result).values.allSatisfy { $0[0] == 0 })
      #expect(try shop.counts(result)["order_items"]?[1] == shop.count("order_items"))
      #expect(try shop.digests() == before)
      #expect(try shop.ask(sequences) == numbers)
    }
  }

  @Test("asked for more, adds the difference and leaves the first rows as they are, byte for byte")
  func topUp() throws {
    try StorefrontDatabase.with { (shop) throws in
      #expect(try shop.seed("--products", "100", "--orders", "100").status == 0)
      let products = try shop.digest("products")
      let lines = try shop.digest("order_items")
      let result = try shop.seed("--products", "150", "--orders", "130", "--json")
      let counts = try shop.counts(result)
      #expect(counts["products"] == [50, 100])
      #expect(counts["inventory"] == [50, 100])
      #expect(counts["orders"] == [30, 100])
      #expect(try shop.digest("products", where: "id <= 100") == products)
      #expect(try shop.digest("order_items", where: "order_id <= 100") == lines)
      #expect(try shop.count("products") == 150)
      #expect(
        try shop.ask(
          "SELECT count(*) FROM orders AS o WHERE total_cents <> (SELECT sum(line_total_cents) FROM order_items WHERE order_id = o.id)"
        ) == "0")
      #expect(try shop.ask("SELECT count(*) FROM orders WHERE updated_at <> created_at") == "0")
    }
  }

  @Test("leaves rows that were changed by hand, or made by somebody else, as they are")
  func foreignRows() throws {
    try StorefrontDatabase.with { (shop) throws in
      try shop.connection.execute(
        """
        INSERT INTO products (id, sku, name, category, price_cents) VALUES (50, 'mine', 'Mine', 'x', 1), (101, 'too', 'Too', 'x', 1);
        INSERT INTO users (external_id, email, name) VALUES ('boss', 'boss@example.com', 'Boss');
        """)
      #expect(try shop.seed("--orders", "20").status == 0)
      #expect(try shop.count("products") == 102)
      #expect(try shop.count("inventory") == 100)
      #expect(
        try shop.ask(
          "SELECT count(*) FROM sessions JOIN users ON users.id = user_id WHERE external_id = 'boss'") == "0")
      try shop.connection.execute(
        """
        UPDATE products SET name = 'Changed', price_cents = 5 WHERE id = 3;
        UPDATE inventory SET quantity = 7 WHERE product_id = 3;
        DELETE FROM order_items WHERE order_id = 2;
        """)
      let before = try shop.digests()
      #expect(try shop.seed("--orders", "20").status == 0)
      #expect(try shop.digests() == before)
      #expect(try shop.ask("SELECT sku FROM products WHERE id = 50") == "mine")
      // The next row of the application's own must find a number that is free.
      #expect(
        try shop.ask(
          "INSERT INTO products (sku, name, category, price_cents) VALUES ('n', 'n', 'c', 1) RETURNING id")
          == "103")
    }
  }

  /// The tokens come from the rule in `seeds/shop.toml`, run by Python.
  @Test("sessions have the tokens that the plan's rule gives, and checkout takes them")
  func tokens() throws {
    try StorefrontDatabase.with { (shop) throws in
      #expect(try shop.seed("--sessions", "4").status == 0)
      for token in ["e44abdb951dfca2c64e5010faa7e7538", "e9949b51c5439ec4edb82aa3c9613aa7"] {
        #expect(try shop.ask("SELECT count(*) FROM sessions WHERE token = $1", [token]) == "1")
      }
      #expect(
        try shop.ask(
          """
          SELECT replayed FROM checkout('e44abdb951dfca2c64e5010faa7e7538',
            (SELECT jsonb_build_array(jsonb_build_object('product_id', product_id, 'quantity', 1))
             FROM inventory WHERE quantity > 0 LIMIT 1), 'k')
          """) == "f")
    }
  }

  @Test("another seed makes other rows, besides the first ones")
  func randomSeed() throws {
    try StorefrontDatabase.with { (shop) throws in
      #expect(try shop.seed("--users", "10", "--sessions", "5").status == 0)
      #expect(
        try shop.seed("--users", "10", "--sessions", "5", "--only", "users,sessions", "--random-seed", "2")
          .status == 0)
      #expect(try shop.count("users") == 10)
      #expect(try shop.count("sessions") == 10)
    }
  }

  @Test("a dry run says what it would add, and adds nothing")
  func dryRun() throws {
    try StorefrontDatabase.with { (shop) throws in
      let dry = try shop.seed("--orders", "40", "--dry-run", "--json")
      #expect(try StorefrontDatabase.tables.allSatisfy { try shop.count($0) == 0 })
      let real = try shop.seed("--orders", "40", "--json")
      #expect(try shop.counts(dry) == shop.counts(real))
      let dryAgain = try shop.seed("--orders", "50", "--products", "120", "--dry-run", "--json")
      let realAgain = try shop.seed("--orders", "50", "--products", "120", "--json")
      #expect(try shop.counts(dryAgain) == shop.counts(realAgain))
    }
  }

  @Test("of several seeders at once one makes the rows, and all end well")
  func concurrent() throws {
    try StorefrontDatabase.with { (shop) throws in
      let all = try (0..<6).map { _ in try shop.startSeed(["--orders", "50", "--json"]) }
      let results = all.map { $0.finish() }
      #expect(results.map(\.status) == Array(repeating: 0, count: 6))
      #expect(try results.map { try shop.counts($0)["products"]?[0] ?? -1 }.sorted() == [0, 0, 0, 0, 0, 100])
      #expect(try shop.count("orders") == 50)
    }
  }

  @Test("one that is killed while it loads leaves nothing")
  func killed() throws {
    try StorefrontDatabase.with { (shop) throws in
      // Somebody holds the table that comes last, so the seeder stands still with the others already copied.
      try shop.connection.execute("BEGIN; LOCK TABLE sessions IN SHARE MODE")
      let seeder = try shop.startSeed([])
      #expect(
        try eventually {
          try shop.ask("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'sessions'::regclass")
            == "1"
        })
      seeder.send(SIGKILL)
      #expect(seeder.finish().status == 128 + SIGKILL)
      try shop.connection.execute("ROLLBACK")
      #expect(
        try eventually {
          try shop.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == "1"
        })
      #expect(try StorefrontDatabase.tables.allSatisfy { try shop.count($0) == 0 })
      #expect(try shop.seed().status == 0)
    }
  }

  @Test("a database that says production is left alone, unless its name is typed")
  func production() throws {
    try StorefrontDatabase.with { (shop) throws in
      let name = try #require(shop.target.database)
      try shop.connection.execute("COMMENT ON DATABASE \(name) IS 'The production shop'")
      let refused = try shop.seed()
      #expect(refused.status == 1)
      #expect(
        refused.stderr.contains("error: the comment of the database \(name) says that it is production\n"))
      #expect(try shop.seed("--i-know", "other").status == 64)
      #expect(try shop.count("products") == 0)
      #expect(try shop.seed("--i-know", name).status == 0)
      #expect(try shop.count("products") == 100)
    }
  }

  @Test(
    "words that mean production, and words that only look like it",
    arguments: [
      ("shop_prod", true), ("production", true), ("ShopProd", true), ("eu-prd-1", true), ("products", false),
      ("shop", false), ("productivity_dev", false), ("", false),
    ])
  func productionNames(_ text: String, _ says: Bool) {
    #expect(ProductionGuard.saysProduction(text) == says)
  }

  @Test("the result for people is a table on stdout, and nothing else goes there")
  func text() throws {
    try StorefrontDatabase.with { (shop) throws in
      let result = try shop.seed("--only", "users", "--users", "3")
      #expect(result.stdout == "table   added    kept\nusers       3       0\n")
      #expect(try shop.seed("--only", "users", "--users", "3", "--quiet").stderr == "")
    }
  }

  /// `psql`, over `--products 100 --orders 300` with seed 1.
  private static let digests = [
    "products": "205cb92a506697a2cf0db30041d49a0d",
    "inventory": "3fcf7866b0ddc21f6e540b3d28f2a9bd",
    "users": "0f4d1715359afbfbb7f983243d8f6e87",
    "sessions": "377794cdb58dc439c42f5762f73b0a78",
    "orders": "6350399d90bdbb76f8a383be8486e054",
    "order_items": "9dc81072ef665ccc9c8a36ded53a91a0",
  ]
}
