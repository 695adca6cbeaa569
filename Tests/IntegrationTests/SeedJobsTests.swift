import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("dbtool seed --jobs")
struct SeedJobsTests {
  private func digests(_ result: DBToolProcess.Result) throws -> [String: String] {
    let json = try JSONSerialization.jsonObject(with: Data(result.stdout.utf8)) as? [String: Any]
    let tables = json?["tables"] as? [[String: Any]] ?? []
    return Dictionary(
      uniqueKeysWithValues: tables.map { ($0["table"] as? String ?? "", $0["digest"] as? String ?? "") })
  }

  private static let counts = ["--products", "3000", "--orders", "2500"]

  @Test("any number of sessions makes the same rows")
  func sameRows() throws {
    try StorefrontDatabase.with { (one) throws in
      let single = try one.seed(Self.counts + ["--json"])
      #expect(single.status == 0, "\(single.stderr)")
      let rows = try one.digests()
      for jobs in ["2", "5"] {
        try StorefrontDatabase.with { (many) throws in
          let result = try many.seed(Self.counts + ["--json", "--jobs", jobs])
          #expect(result.status == 0, "\(result.stderr)")
          #expect(try digests(result) == digests(single))
          #expect(try many.counts(result) == one.counts(single))
          #expect(try many.digests() == rows)
          let again = try many.seed(Self.counts + ["--json", "--jobs", jobs])
          #expect(try many.counts(again).values.allSatisfy { $0[0] == 0 })
          #expect(
            try many.ask(
              "INSERT INTO products (sku, name, category, price_cents) VALUES ('n', 'n', 'c', 1) RETURNING id"
            )
              == "3001")
        }
      }
    }
  }

  @Test("one that is killed has whole ranges, parents with their lines, and the next one adds the others")
  func killed() throws {
    try StorefrontDatabase.with { (whole) throws in
      #expect(try whole.seed(Self.counts).status == 0)
      let rows = try whole.digests()
      try StorefrontDatabase.with { (shop) throws in
        #expect(try shop.seed(["--products", "3000"]).status == 0)
        // Somebody holds an order's number, so that one range stands still when others have been committed.
        let other = try shop.target.connect()
        try other.execute(
          "BEGIN; INSERT INTO orders (id, user_id, idempotency_key) VALUES (100000, 1, 'order-0002400')")
        let seeder = try shop.startSeed(Self.counts + ["--jobs", "2"])
        #expect(try eventually { try shop.count("orders") > 0 })
        #expect(
          try eventually {
            try shop.ask(
              "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
              == "1"
          })
        seeder.send(SIGKILL)
        #expect(seeder.finish().status == 128 + SIGKILL)
        try other.execute("ROLLBACK")
        #expect(
          try eventually {
            try shop.ask("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == "2"
          })
        let left = try shop.count("orders")
        #expect(left > 0 && left < 2500)
        #expect(
          try shop.ask(
            "SELECT count(*) FROM orders AS o WHERE NOT EXISTS (SELECT FROM order_items WHERE order_id = o.id)"
          )
            == "0")
        #expect(try shop.seed(Self.counts + ["--jobs", "2"]).status == 0)
        #expect(try shop.digests() == rows)
      }
    }
  }

  @Test("an error of one session ends all, and says what has become of the rest")
  func failure() throws {
    try StorefrontDatabase.with { (shop) throws in
      try shop.connection.execute(
        """
        CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
          IF NEW.external_id = 'user_2900' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END$$;
        CREATE TRIGGER no BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION no();
        """)
      let result = try shop.seed(["--users", "3000", "--only", "users", "--jobs", "2"])
      #expect(result.status == 1)
      #expect(result.stderr.contains("error: not this one (SQLSTATE P0001)"), "\(result.stderr)")
      #expect(
        result.stderr.contains("What was committed stays; run it again, and it adds the rest."),
        "\(result.stderr)")
      try shop.connection.execute("DROP TRIGGER no ON users")
      #expect(try shop.seed(["--users", "3000", "--only", "users", "--jobs", "2"]).status == 0)
      #expect(try shop.count("users") == 3000)
    }
  }

  @Test("a signal ends all sessions")
  func signal() throws {
    try StorefrontDatabase.with { (shop) throws in
      try shop.connection.execute("BEGIN; LOCK TABLE users IN SHARE MODE")
      let seeder = try shop.startSeed(["--only", "users", "--jobs", "3"])
      #expect(
        try eventually {
          try shop.ask("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'users'::regclass")
            == "t"
        })
      seeder.send(SIGTERM)
      let result = seeder.finish()
      #expect(result.status == 128 + SIGTERM)
      #expect(result.stderr.contains("error: interrupted by SIGTERM"), "\(result.stderr)")
      try shop.connection.execute("ROLLBACK")
      #expect(try shop.count("users") == 0)
    }
  }
}
