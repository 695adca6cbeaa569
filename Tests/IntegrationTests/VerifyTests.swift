import Foundation
import TestSupport
import Testing

/// A folder with scripts and no database.
private struct VerifyFolder {
  let path: String

  static func with(_ files: [String: String], _ body: (VerifyFolder) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "verify-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      let file = folder.appending(path: name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    try body(VerifyFolder(path: folder.path))
  }

  func verify(_ arguments: String..., environment: [String: String] = [:]) throws -> DBToolProcess.Result {
    try runDBTool(
      ["verify"] + arguments, environment: ["HOME": path].merging(environment) { $1 }, in: path)
  }

  /// What a run with `--json` tells.
  func report(_ arguments: String..., environment: [String: String] = [:]) throws -> VerifyDocument {
    let result = try runDBTool(
      ["verify", "--json"] + arguments, environment: ["HOME": path].merging(environment) { $1 }, in: path)
    let object = try #require(
      JSONSerialization.jsonObject(with: Data(result.stdout.utf8)) as? [String: Any], "\(result.stderr)")
    #expect(result.status == (object["clean"] as? Bool == true ? 0 : 1))
    return VerifyDocument(object: object)
  }
}

private struct VerifyDocument {
  let object: [String: Any]

  private func list(_ name: String) -> [[String: Any]] { object[name] as? [[String: Any]] ?? [] }

  /// `rule file:line what` of each finding.
  var findings: [String] {
    list("findings").map { finding in
      let line = (finding["line"] as? Int).map { ":\($0)" } ?? ""
      return "\(finding["rule"] ?? "") \(finding["file"] ?? "")\(line) \(finding["what"] ?? "")"
    }
  }

  var hints: [String] { list("findings").compactMap { $0["hint"] as? String } }
  var related: [String] { list("findings").flatMap { $0["related"] as? [String] ?? [] } }
  var notes: [String] { list("notes").compactMap { $0["what"] as? String } }

  /// `outcome`, and a remark or a reason where there is one.
  func outcome(of name: String) -> String? {
    list("cases").first { $0["name"] as? String == name }.map { entry in
      [entry["outcome"], entry["reason"] ?? entry["remark"]].compactMap { $0 as? String }.joined(
        separator: ": ")
    }
  }
}

@Suite("dbtool verify") struct VerifyTests {
  /// The checkout.
  static let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  @Test("leaves alone what its shouldExecute keeps from being run, and what would take it back")
  func leftAlone() throws {
    try VerifyFolder.with([
      "migrations/V1__a.sql": "create table a ();", "migrations/U1__a.sql": "drop table a;",
      "migrations/V2__b.sql": "select nosuch;", "migrations/U2__b.sql": "select nosuch;",
      "migrations/V2__b.sql.conf": "shouldExecute=false", "migrations/V3__c.sql": "create table c ();",
    ]) { (folder) throws in
      let report = try folder.report()
      #expect(report.findings == [])
      #expect(report.outcome(of: "V2__b.sql")?.contains("its shouldExecute does not hold") == true)
      #expect(report.outcome(of: "U2__b.sql")?.contains("its shouldExecute does not hold") == true)
      #expect(report.outcome(of: "U1__a.sql")?.hasPrefix("passed") == true)
    }
  }

  @Test("the project's own migrations pass the gate")
  func storefront() throws {
    let result = try runDBTool(["verify", "--no-color"], in: Self.checkout)
    #expect(result.status == 0, "\(result.stdout)\(result.stderr)")
    #expect(result.stdout.contains("clean: no findings"))
    #expect(result.stdout.contains("rows by seeds/shop.toml, none the second time"))
  }

  @Test("the first shop's migration: the wrong name and the statement that cannot run are both found")
  func firstShop() throws {
    let files = [
      "migrations/001_init.sql": """
      BEGIN;
      CREATE TABLE products (id bigserial PRIMARY KEY, price_cents bigint NOT NULL);
      CREATE TABLE orders (
        id bigserial PRIMARY KEY,
        product_id bigint REFERENCES products (id),
        quantity integer NOT NULL,
        total_cents bigint GENERATED ALWAYS AS (quantity * (SELECT price_cents FROM products WHERE id = product_id)) STORED
      );
      INSERT INTO products (price_cents) VALUES (100);
      COMMIT;
      """
    ]
    try VerifyFolder.with(files) { folder in
      let result = try folder.verify(
        "--junit", "report.xml",
        environment: ["GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": folder.path, "NO_COLOR": "1"])
      #expect(result.status == 1)
      #expect(result.stdout.contains("rename it to V1__init.sql"))
      #expect(
        result.stdout.contains(
          """
          error: cannot use subquery in column generation expression (SQLSTATE 0A000)
            at migrations/001_init.sql:7:54
          """))
      #expect(result.stdout.contains("hint: a generated column may look at its own row only"))
      #expect(result.stdout.contains("::error file=migrations/001_init.sql,line=7,col=54,title="))
      #expect(result.stdout.contains("::error file=migrations/001_init.sql,line=1,col=1,title="))
      let report = try String(contentsOfFile: folder.path + "/report.xml", encoding: .utf8)
      #expect(report.contains("failures=\"1\""))
      #expect(report.contains("cannot use subquery in column generation expression"))
    }
  }

  @Test("everything that is wrong is told in one run, and what was not tried")
  func everything() throws {
    let files = [
      "sql/V1__a.sql": "CREATE TABLE a (id int);", "sql/002_b.sql": "CREATE TABLE b (id int);",
      "sql/V3__c.sql": "\nCREATE TABLE c (a int REFERENCES nowhere (id));",
      "sql/V4__d.sql": "CREATE TABLE d (id int);",
      "sql/V5__e.sql": "CREATE TABLE e (id int);\n/* never closed", "sql/V6__f.sql": "SELECT '${who}';",
    ]
    try VerifyFolder.with(files) { folder in
      let report = try folder.report()
      #expect(
        report.findings == [
          "name sql/002_b.sql:1 migrate passes over 002_b.sql in silence: its name says nothing to it",
          "migrate sql/V3__c.sql:2 relation \"nowhere\" does not exist",
          "script sql/V5__e.sql:2 comment is never closed",
          "script sql/V6__f.sql:1 No value provided for placeholder: ${who}.  Check your configuration!",
        ])
      #expect(report.outcome(of: "V1__a.sql") == "passed")
      #expect(report.outcome(of: "002_b.sql") == "failed: would run as V2__b.sql")
      #expect(report.outcome(of: "V4__d.sql") == "not tried: V3__c.sql before it fails")
    }
  }

  @Test("a misnamed script runs where it was meant, so a later one that stands on it is not blamed alone")
  func misnamed() throws {
    let files = [
      "sql/V1__a.sql": "CREATE TABLE a (id int);", "sql/2_b.sql": "CREATE TABLE b (id int);",
      "sql/V3__c.sql": "CREATE VIEW c AS SELECT * FROM b;",
    ]
    try VerifyFolder.with(files) { folder in
      let report = try folder.report()
      #expect(
        report.findings == [
          "name sql/2_b.sql:1 migrate passes over 2_b.sql in silence: its name says nothing to it",
          "migrate sql/V3__c.sql:1 relation \"b\" does not exist",
        ])
      #expect(report.hints.last == "it runs once the misnamed scripts before it have their right names")
    }
  }

  @Test("repeatables that fail or change the schema the second time are found; the others still run")
  func repeatables() throws {
    let files = [
      "sql/V1__a.sql": "CREATE TABLE a (id int);",
      "sql/R__again.sql": "-- once only\nCREATE VIEW v AS SELECT 1 AS one;",
      "sql/R__check.sql": "ALTER TABLE a ADD CHECK (id > 0);",
      "sql/R__fine.sql": "CREATE OR REPLACE VIEW w AS SELECT 1;",
    ]
    try VerifyFolder.with(files) { folder in
      let findings = try folder.report().findings
      #expect(
        findings == [
          "repeatable sql/R__again.sql:2 relation \"v\" already exists",
          "repeatable  running the repeatables a second time changes the schema",
        ])
    }
  }

  @Test(
    "undo scripts that fail, leave something behind or have nothing to undo are found, the good ones proved")
  func undo() throws {
    let files = [
      "sql/V1__a.sql": "CREATE TABLE a (id int);\nCREATE SEQUENCE s;", "sql/U1__a.sql": "DROP TABLE a;",
      "sql/V2__b.sql": "ALTER TABLE a ADD COLUMN b int;",
      "sql/U2__b.sql": "\nALTER TABLE a DROP COLUMN wrong;",
      "sql/V3__c.sql": "CREATE TABLE c (id int);", "sql/U3__c.sql": "DROP TABLE c;",
      "sql/V4__d.sql": "CREATE TABLE d (id int);", "sql/V5__e.sql": "CREATE TABLE e (id int);",
      "sql/U5__e.sql": "DROP TABLE e;", "sql/R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT id FROM c;",
      "sql/U9__nothing.sql": "SELECT 1;",
    ]
    try VerifyFolder.with(files) { folder in
      let report = try folder.report()
      #expect(
        report.findings == [
          "undo-difference sql/U1__a.sql:1 after U1__a.sql the schema is not what it was before V1__a.sql",
          "undo sql/U2__b.sql:2 column \"wrong\" of relation \"a\" does not exist",
          "undo sql/U9__nothing.sql:1 there is no migration of version 9 that it could take back",
        ])
      #expect(report.related.contains("+ CREATE SEQUENCE public.s"))
      #expect(
        report.outcome(of: "U3__c.sql") == "passed: the schema is as before, and the migration runs again")
      #expect(report.outcome(of: "undo all") == "passed: 1 version down and up again")
      #expect(report.notes == ["no undo script for version 4"])
    }
  }

  @Test("an undo script that works only while there are no repeatables is found")
  func undoUnderRepeatables() throws {
    let files = [
      "sql/V1__a.sql": "CREATE TABLE a (id int);", "sql/U1__a.sql": "DROP TABLE a;",
      "sql/R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT id FROM a;",
    ]
    try VerifyFolder.with(files) { folder in
      let findings = try folder.report().findings
      #expect(findings == ["undo sql/U1__a.sql:1 cannot drop table a because other objects depend on it"])
    }
  }

  @Test("a migration that does not run again after its undo is found")
  func onlyOnce() throws {
    let files = [
      "sql/V1__a.sql": "CREATE TABLE a (id int);",
      "sql/V2__b.sql": "INSERT INTO a VALUES (1);\nCREATE UNIQUE INDEX a_id ON a (id);",
      "sql/U2__b.sql": "DROP INDEX a_id;",
    ]
    try VerifyFolder.with(files) { folder in
      let findings = try folder.report().findings
      #expect(findings == ["again sql/V2__b.sql:2 could not create unique index \"a_id\""])
    }
  }

  @Test("options, configuration files and variables of migrate count; what names a database does not")
  func options() throws {
    let files = [
      "db/V1__a.sql": "CREATE TABLE ${schema}.a (id int);\nGRANT SELECT ON ${schema}.a TO reader;",
      "roles.sql": "CREATE ROLE reader;",
      "flyway.toml": """
      [environments.default]
      url = "jdbc:postgresql://db.invalid/shop"
      password = "${env.NOT_SET_IN_CI}"
      """,
    ]
    try VerifyFolder.with(files) { folder in
      let result = try folder.verify(
        "-locations=filesystem:db", "--schemas", "shop", "--prepare", "roles.sql",
        environment: ["FLYWAY_PLACEHOLDERS_SCHEMA": "shop", "DATABASE_URL": "postgres://db.invalid/shop"])
      // Both databases of a run are on one server, and a role is the whole server's.
      #expect(result.status == 0, "\(result.stdout)\(result.stderr)")
      #expect(try folder.verify("--url", "postgres://localhost/shop").status == 64)
      #expect(try folder.verify("--no-such-option").status == 64)
      let unprepared = try folder.verify("--locations", "filesystem:db", "--placeholders.schema", "public")
      #expect(unprepared.status == 1)
      #expect(
        unprepared.stdout.contains(
          "hint: create what the real server has in a file, and name it: --prepare FILE"))
    }
  }

  @Test("a folder without migrations does not pass")
  func nothing() throws {
    try VerifyFolder.with(["readme.txt": ""]) { folder in
      let findings = try folder.report().findings
      #expect(findings == ["name  no migrations were found"])
    }
  }

  @Test("a baseline that builds another schema than what it stands for is found")
  func baseline() throws {
    let files = [
      "sql/V1__a.sql": "CREATE TABLE a (id int);", "sql/V2__b.sql": "ALTER TABLE a ADD COLUMN b int;",
      "sql/B2__all.sql": "CREATE TABLE a (id int, b bigint);", "sql/V3__c.sql": "CREATE TABLE c (id int);",
    ]
    try VerifyFolder.with(files) { folder in
      let report = try folder.report()
      #expect(
        report.findings == [
          "baseline sql/B2__all.sql:1 with B2__all.sql the schema is not the one that the migrations before it build"
        ])
      #expect(report.related.contains("+     b bigint"))
      #expect(report.outcome(of: "V2__b.sql") == "passed: on a database of its own: a baseline stands for it")
    }
  }

  @Test("what was meant for migrate and has another ending is found, and a configuration without its script")
  func strays() throws {
    let files = [
      "sql/V1__a.sql": "SELECT 1;", "sql/V2__b.psql": "SELECT 1;",
      "sql/V3__c.sql.conf": "executeInTransaction=false\n",
      "sql/V1__a.sql.bak": "SELECT 0;", "sql/README.md": "#", "sql/V1__a.sql.conf": "encoding=UTF-8\n",
    ]
    try VerifyFolder.with(files) { folder in
      let report = try folder.report()
      #expect(
        report.findings == [
          "name sql/V2__b.psql:1 migrate passes over V2__b.psql in silence: it does not end with .sql",
          "name sql/V3__c.sql.conf:1 V3__c.sql.conf configures nothing: there is no V3__c.sql",
        ])
      #expect(report.hints.first == "rename it to V2__b.sql")
    }
  }

  @Test("two scripts of one version are told by their names, though no command runs then")
  func twins() throws {
    let files = [
      "sql/V1__a.sql": "SELECT 1;", "sql/V1.0__b.sql": "SELECT 1;", "sql/V2__c.sql": "SELECT 'open;",
    ]
    try VerifyFolder.with(files) { folder in
      let findings = try folder.report().findings
      #expect(findings.count == 2)
      #expect(findings.contains("script sql/V2__c.sql:1 quoted string is never closed"))
      #expect(findings.contains { $0.contains("has the same version") })
    }
  }

  @Test("a signal ends it at once, also inside a long statement, and its server goes with it")
  func signal() throws {
    try VerifyFolder.with(["sql/V1__a.sql": "SELECT pg_sleep(600);"]) { folder in
      let process = try DBToolProcess(
        ["verify", "-X"], environment: ["HOME": folder.path, "TMPDIR": folder.path], in: folder.path)
      func server() throws -> String? {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasPrefix("dbtool-") }
      }
      #expect(eventually { process.stderrSoFar.contains("migrating an empty database") })
      #expect(try server() != nil)
      process.send(SIGTERM)
      let result = process.finish()
      #expect(result.status == 128 + SIGTERM)
      #expect(result.stdout.isEmpty)
      #expect(try server() == nil)
    }
  }

  @Test("a seed plan that does not fit is found with its place")
  func seed() throws {
    let files = [
      "sql/V1__a.sql": "CREATE TABLE a (id int PRIMARY KEY, name text NOT NULL);",
      "plan.toml": """
      version = 1
      [[table]]
      name = "a"
      rows = 3
      key = ["id"]
      [table.columns]
      id = "{n}"
      nome = "x"
      """,
    ]
    try VerifyFolder.with(files) { folder in
      let findings = try folder.report("--plan", "plan.toml").findings
      #expect(findings.count == 1)
      #expect(findings.first?.hasPrefix("seed plan.toml:8 ") == true, "\(findings)")
    }
  }
}
