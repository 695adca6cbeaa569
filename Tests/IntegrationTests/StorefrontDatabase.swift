import DatabaseTools
import Foundation
import LibPQ
import TestSupport

/// A fresh database with the schema of `migrations/`, made by `dbtool migrate`.
struct StorefrontDatabase {
  let target: DatabaseTarget
  let connection: Connection

  /// The folder that holds `migrations/` and `seeds/`.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  static let tables = ["products", "inventory", "users", "sessions", "orders", "order_items"]

  struct MigrationFailed: Error { let stderr: String }

  static func with(_ body: (StorefrontDatabase) throws -> Void) throws {
    try SharedPostgres.withDatabase { target in
      let migrated = try runDBTool(
        ["migrate", "--quiet", "--url", target.testURL, "--locations", "filesystem:migrations"], in: root)
      guard migrated.status == 0 else { throw MigrationFailed(stderr: migrated.stderr) }
      let connection = try target.connect()
      // So that digests of times are the same everywhere.
      try connection.execute("SET TimeZone = 'UTC'")
      try body(StorefrontDatabase(target: target, connection: connection))
    }
  }

  func seed(_ arguments: String...) throws -> DBToolProcess.Result { try seed(arguments) }

  func seed(_ arguments: [String]) throws -> DBToolProcess.Result { try startSeed(arguments).finish() }

  func startSeed(_ arguments: [String]) throws -> DBToolProcess {
    try DBToolProcess(["seed", "--no-color", "--url", target.testURL] + arguments, in: Self.root)
  }

  /// The rows added and kept of a `--json` result, by table.
  func counts(_ result: DBToolProcess.Result) throws -> [String: [Int]] {
    let json = try JSONSerialization.jsonObject(with: Data(result.stdout.utf8)) as? [String: Any]
    let tables = json?["tables"] as? [[String: Any]] ?? []
    return Dictionary(
      uniqueKeysWithValues: tables.map { table in
        (table["table"] as? String ?? "", [table["added"] as? Int ?? -1, table["kept"] as? Int ?? -1])
      })
  }

  func ask(_ sql: String, _ values: [String?] = []) throws -> String? {
    try connection.query(sql, values).first
  }

  func count(_ table: String) throws -> Int { Int(try ask("SELECT count(*) FROM \(table)") ?? "") ?? -1 }

  /// A digest of every row of every table.
  func digests() throws -> [String: String] {
    var digests: [String: String] = [:]
    for table in Self.tables { digests[table] = try digest(table) }
    return digests
  }

  func digest(_ table: String, where condition: String = "true") throws -> String {
    try ask(
      "SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\"), '')) FROM \(table) AS t WHERE \(condition)"
    )
      ?? ""
  }
}
