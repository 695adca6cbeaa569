import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("dbtool seed --init")
struct SeedInitTests {
  private static let schemas = URL(filePath: StorefrontDatabase.root).appending(
    path: "Tests/Fixtures/seed-schemas")

  @Test(
    "writes a plan that runs as it is, on schemas of other people",
    arguments: [
      // Tables that are left out, and rows that must be there.
      (
        "rental", 0, "SELECT count(*) FROM film_actor JOIN film USING (film_id) JOIN actor USING (actor_id)",
        "100"
      ),
      (
        "tpcc", 1,
        "SELECT count(*) FROM order_line JOIN orders ON o_w_id = ol_w_id AND o_d_id = ol_d_id AND o_id = ol_o_id",
        "100"
      ),
      ("cms", 0, "SELECT count(*) FROM cms.pages JOIN cms.versions ON versions.id = current_version", "100"),
      (
        "saas", 0,
        "SELECT count(*) FROM tasks JOIN users ON users.tenant_id = tasks.tenant_id AND users.id = assignee_id",
        "100"
      ),
      ("staff", 0, "SELECT count(*) FROM departments JOIN employees ON employees.id = head_id", "100"),
    ])
  func schema(_ name: String, _ leftOut: Int, _ question: String, _ answer: String) throws {
    let schema = try String(contentsOf: Self.schemas.appending(path: "\(name).sql"), encoding: .utf8)
    try PlanFolder.with(schema) { (shop) throws in
      let drafted = try shop.seed("--init")
      #expect(drafted.status == 0, "\(drafted.stderr)")
      let plan = try shop.read("p.toml")
      #expect(plan.split(separator: "\n").count { $0.contains(" is left out: ") } == leftOut, "\(plan)")
      let seeded = try shop.seed("--json")
      #expect(seeded.status == 0, "\(seeded.stderr)\n\(plan)")
      #expect(try shop.ask(question) == answer, "\(plan)")
      let again = try shop.seed("--json")
      #expect(again.stdout.contains(#"],"added":0,"kept""#), "\(again.stdout)")
      let verified = try shop.seed("--verify")
      #expect(verified.status == 0, "\(verified.stdout)")
      let reset = try shop.seed("--reset", "--json")
      #expect(reset.status == 0, "\(reset.stderr)")
      #expect(try shop.seed("--dry-run", "--json").stdout.contains(#","kept":0}"#))
    }
  }

  @Test("prints to stdout without a file, and writes over none")
  func places() throws {
    try PlanFolder.with("CREATE TABLE t (id int PRIMARY KEY)") { (shop) throws in
      let printed = try runDBTool(["seed", "--init", "--url", shop.target.testURL], in: "/")
      #expect(printed.status == 0, "\(printed.stderr)")
      #expect(
        printed.stdout.contains(
          "[[table]]\nname = \"t\"\nrows = 100\nkey  = [\"id\"]\n[table.columns]\nid = \"{n}\"\n"))
      #expect(
        try shop.seed("--init").stderr.contains("wrote p.toml; try it: dbtool seed --plan p.toml --dry-run"))
      let refused = try shop.seed("--init")
      #expect(refused.status == 64)
      #expect(refused.stderr.contains("p.toml is there already"))
    }
  }

  @Test("a database without tables has nothing to plan for")
  func empty() throws {
    try PlanFolder.with("SELECT 1") { (shop) throws in
      let result = try shop.seed("--init")
      #expect(result.status == 1)
      #expect(result.stderr.contains("error: the database has no tables to plan for"))
    }
  }
}
