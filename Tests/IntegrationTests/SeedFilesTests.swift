import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("dbtool seed --format")
struct SeedFilesTests {
  /// Runs without any database in reach.
  private func files(_ arguments: [String], _ body: (URL, DBToolProcess.Result) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rows-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let result = try runDBTool(
      ["seed", "--json", "--url", "postgres://nobody@127.0.0.1:1/nowhere", "--output", folder.path]
        + arguments,
      in: StorefrontDatabase.root)
    try body(folder, result)
  }

  private func digests(_ result: DBToolProcess.Result) throws -> [String: String] {
    let json = try JSONSerialization.jsonObject(with: Data(result.stdout.utf8)) as? [String: Any]
    let tables = json?["tables"] as? [[String: Any]] ?? []
    return Dictionary(
      uniqueKeysWithValues: tables.map { ($0["table"] as? String ?? "", $0["digest"] as? String ?? "") })
  }

  private func psql(_ arguments: [String], _ shop: StorefrontDatabase, in folder: URL) throws -> (
    Int32, String
  ) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", shop.target.testURL] + arguments
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardError = output
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self))
  }

  @Test("files need no database, and loaded hold the very rows that the database gets")
  func sameRows() throws {
    try StorefrontDatabase.with { (direct) throws in
      let loaded = try direct.seed("--orders", "60", "--json")
      let rows = try direct.digests()
      for (format, script) in [("csv", ["-f", "load.sql"]), ("sql", ["-1", "-f", "seed.sql"])] {
        try files(["--format", format, "--orders", "60"]) { folder, result in
          #expect(result.status == 0, "\(result.stderr)")
          #expect(try digests(result) == digests(loaded))
          try StorefrontDatabase.with { (shop) throws in
            let (status, output) = try psql(script, shop, in: folder)
            #expect(status == 0, "\(output)")
            #expect(try shop.digests() == rows)
            // The application's next row finds a number that is free.
            #expect(
              try shop.ask(
                "INSERT INTO products (sku, name, category, price_cents) VALUES ('n', 'n', 'c', 1) RETURNING id"
              )
                == "101")
            #expect(try shop.seed("--orders", "60", "--verify").status == 0)
          }
        }
      }
    }
  }

  @Test("the SQL is a migration as it is")
  func migration() throws {
    try StorefrontDatabase.with { (shop) throws in
      try files(["--format", "sql"]) { folder, result in
        #expect(result.status == 0, "\(result.stderr)")
        try FileManager.default.moveItem(
          at: folder.appending(path: "seed.sql"), to: folder.appending(path: "V99__seed.sql"))
        let migrated = try runDBTool(
          [
            "migrate", "--url", shop.target.testURL, "--locations",
            "filesystem:migrations,filesystem:\(folder.path)",
          ], in: StorefrontDatabase.root)
        #expect(migrated.status == 0, "\(migrated.stderr)")
        #expect(try shop.count("users") == 1000)
        #expect(try shop.seed("--verify").status == 0)
      }
    }
  }

  @Test("JSON lines are JSON, one row a line")
  func jsonLines() throws {
    try files(["--format", "jsonl", "--only", "products"]) { folder, result in
      #expect(result.status == 0, "\(result.stderr)")
      let lines = try String(contentsOf: folder.appending(path: "products.jsonl"), encoding: .utf8)
        .split(separator: "\n")
      #expect(lines.count == 100)
      let first = try JSONSerialization.jsonObject(with: Data((lines.first ?? "").utf8)) as? [String: Any]
      #expect(first?["price_cents"] is Int)
      #expect((first?["sku"] as? String)?.hasSuffix("-00001") == true)
    }
  }

  @Test("one table goes to stdout, several need a folder")
  func stdout() throws {
    let one = try runDBTool(
      ["seed", "--format", "csv", "--only", "users", "--users", "2"], in: StorefrontDatabase.root)
    #expect(one.status == 0, "\(one.stderr)")
    #expect(one.stdout.split(separator: "\n").count == 3)
    #expect(one.stdout.hasPrefix("created_at,email,external_id,name,updated_at\n"), "\(one.stdout)")
    let several = try runDBTool(["seed", "--format", "csv"], in: StorefrontDatabase.root)
    #expect(several.status == 64)
    #expect(several.stderr.contains("name a folder, --output DIR, or one table, --only products"))
  }

  @Test(
    "options that make no sense together end with 64",
    arguments: [
      ["--format", "xml"], ["--output", "/tmp"], ["--format", "csv", "--verify"],
      ["--format", "sql", "--reset"],
      ["--jobs", "0"],
    ])
  func usage(_ arguments: [String]) throws {
    #expect(try runDBTool(["seed"] + arguments, in: StorefrontDatabase.root).status == 64)
  }

  @Test("a folder that cannot be written is named, and keeps no halves")
  func unwritable() throws {
    let result = try runDBTool(
      ["seed", "--format", "csv", "--output", "/proc/nowhere"], in: StorefrontDatabase.root)
    #expect(result.status == 1)
    #expect(result.stderr.contains("error: the folder /proc/nowhere cannot be made"), "\(result.stderr)")
  }
}
