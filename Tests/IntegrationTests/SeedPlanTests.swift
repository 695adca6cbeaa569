import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("dbtool seed with a plan that is wrong")
struct SeedPlanTests {
  /// Runs a plan for the storefront's users.
  private func run(
    _ plan: String, _ shop: StorefrontDatabase, _ arguments: [String] = []
  ) throws -> (status: Int32, stderr: String) {
    let folder = FileManager.default.temporaryDirectory.appending(path: "plan-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(plan.utf8).write(to: folder.appending(path: "p.toml"))
    try Data("a,b\n1\n".utf8).write(to: folder.appending(path: "ragged.csv"))
    try Data("COMMIT".utf8).write(to: folder.appending(path: "commit.sql"))
    let result = try shop.seed(["--plan", folder.appending(path: "p.toml").path] + arguments)
    return (result.status, result.stderr.replacing(folder.path + "/", with: ""))
  }

  private static func users(key: String = "external_id", rows: Int = 10, _ columns: [String]) -> String {
    """
    version = 1
    [[table]]
    name = "users"
    rows = \(rows)
    key  = ["\(key)"]
    [table.columns]
    \(columns.joined(separator: "\n"))
    """
  }

  private static let id = #"external_id = "u{n}""#
  private static let name = #"name = "User {n}""#
  private static let email = #"email = "{n}@example.com""#

  private static let refusals: [(plan: String, message: String, place: String)] = [
    (
      users(key: "name", [id, name, email]),
      "users.key: the key (name) has no unique index of just these columns", "p.toml:5:1"
    ),
    (
      users([id, name, email, #"colour = "red""#]), "users.colour: the table has no such column",
      "p.toml:10:1"
    ),
    (users([id, name]), "users.email: the column is NOT NULL without a default", "p.toml:3:1"),
    (
      users([id, "name = { wurst = 3 }", email]), "users.name: there is no generator in [\"wurst\"]",
      "p.toml:8:1"
    ),
    (
      users([id, "name = { hex = 3, zipf = 1 }", email]), "users.name: hex has no setting \"zipf\"",
      "p.toml:8:1"
    ),
    (
      users([id, "name = { hex = 3, null = 0.5 }", email]), "users.name: the column is NOT NULL, and",
      "p.toml:8:1"
    ),
    (users([id, #"name = "{word.a}""#, email]), "users.name: there is no list \"word\"", "p.toml:8:1"),
    (users([id, #"name = "{email}""#, #"email = "{name}""#]), "depends on itself", "p.toml:"),
    (
      users([id, name, email, #"created_at = { time = ["-1d", "0d"] }"#]), "counts from the plan's clock",
      "p.toml:10:1"
    ),
    (
      users([id, name, email, "id = { ref = \"orders.id\" }"]),
      "users.id: there is no table \"orders\" in the plan", "p.toml:10:1"
    ),
    (
      users([id, name, #"email = "same""#]), "duplicate key value violates unique constraint", "p.toml:3:1"
    ),
    (
      users([#"external_id = { list = ["a", "b"] }"#, name, email]),
      "users.external_id: 10 rows are asked for, but the column takes no more than 2 values", "p.toml:7:1"
    ),
    (
      users([#"external_id = { int = [1, 11] }"#, name, email]), "duplicate key value violates", "p.toml:7:1"
    ),
    (
      users([id, name, email, #"created_at = "soon""#]), "invalid input syntax for type timestamp",
      "p.toml:10:1"
    ),
    (
      "version = 1\n[[table]]\nname = \"nope\"\nkey = [\"a\"]\n[table.columns]\na = \"1\"",
      "has no table nope", "p.toml:3:1"
    ),
    ("version = 1\n[[table]\n", "the plan is not valid TOML", "p.toml:2:9"),
    ("version = 2\n", "a plan begins with: version = 1", "p.toml"),
    ("version = 1\nsead = 3\n", "the plan has no setting \"sead\"", "p.toml"),
    (
      "version = 1\n[lists]\nl = { file = \"ragged.csv\" }\n" + users([id]).dropFirst(12),
      "a row of 1 fields under a header of 2", "ragged.csv:2"
    ),
    (
      "version = 1\n[lists]\nl = { file = \"none.csv\" }\n" + users([id]).dropFirst(12),
      "none.csv cannot be read", ""
    ),
  ]

  @Test("is refused with the place in it, and nothing is written")
  func refusals() throws {
    try StorefrontDatabase.with { (shop) throws in
      for (plan, message, place) in Self.refusals {
        let result = try run(plan, shop)
        #expect(result.status == 1)
        #expect(result.stderr.contains(message), "\(result.stderr)")
        if !place.isEmpty { #expect(result.stderr.contains("  at \(place)"), "\(result.stderr)") }
      }
      #expect(try shop.count("users") == 0)
    }
  }

  @Test("values too few for the key of a table with rows are told apart")
  func equalKeys() throws {
    try StorefrontDatabase.with { (shop) throws in
      #expect(try run(Self.users(rows: 1, [Self.id, Self.name, Self.email]), shop).status == 0)
      let result = try run(
        Self.users([#"external_id = { int = [1, 11] }"#, Self.name, #"email = "x{n}""#]), shop)
      #expect(result.stderr.contains("have the same key (external_id)"), "\(result.stderr)")
      #expect(try shop.count("users") == 1)
    }
  }

  @Test("a hook that ends the transaction is found out, and the load is not begun")
  func hook() throws {
    try StorefrontDatabase.with { (shop) throws in
      let plan =
        "version = 1\nhooks = { before = [\"commit.sql\"] }\n"
        + Self.users([Self.id, Self.name, Self.email]).dropFirst(12)
      let result = try run(plan, shop)
      #expect(
        result.stderr.contains("error: the hook ended the transaction that it runs in\n  at commit.sql\n"))
      #expect(try shop.count("users") == 0)
    }
  }

  @Test(
    "a command line that does not fit the plan ends with 64",
    arguments: [
      (["--rows", "nope=3"], "the plan has no table nope"),
      (["--rows", "inventory=3"], "the rows of inventory follow from products"),
      (["--rows", "users"], "--rows users is not of the form TABLE=N"),
      (["--only", "nope"], "the plan has no table nope"), (["--only", ","], "--only names no table"),
      (["--rows", "users=3", "--users", "4"], "users has two different row counts, 4 and 3"),
      (["--only", "orders"], "orders adds up rows of order_items"),
    ])
  func usage(_ arguments: [String], _ message: String) throws {
    let result = try runDBTool(
      ["seed", "--url", try SharedPostgres.server.target.testURL] + arguments, in: StorefrontDatabase.root)
    #expect(result.status == 64, "\(result.stderr)")
    #expect(result.stderr.contains(message), "\(result.stderr)")
  }

  @Test("references to rows that are not there, and would not be made, are refused")
  func missingRows() throws {
    try StorefrontDatabase.with { (shop) throws in
      let inventory = try shop.seed("--only", "inventory")
      #expect(inventory.status == 1)
      #expect(inventory.stderr.contains("rows of products are needed that are not there: row 1 and others"))
      let sessions = try shop.seed("--users", "0")
      #expect(
        sessions.stderr.contains("sessions.user_id: it refers to users, of which the plan makes no rows"))
      #expect(try shop.count("products") == 0)
    }
  }

  @Test("a plan that is not there, and a schema that is not there, are said so")
  func nothing() throws {
    try SharedPostgres.withDatabase { (target) throws in
      let noPlan = try runDBTool(["seed", "--url", target.testURL], in: "/")
      #expect(noPlan.status == 1)
      #expect(
        noPlan.stderr.hasPrefix("error: there is no plan seeds/shop.toml\n  hint: run it where seeds/ is"))
      let noTable = try runDBTool(["seed", "--url", target.testURL], in: StorefrontDatabase.root)
      #expect(noTable.status == 1)
      #expect(noTable.stderr.contains("has no table products"))
      #expect(noTable.stderr.contains("hint: create it first: dbtool migrate"))
    }
  }
}
