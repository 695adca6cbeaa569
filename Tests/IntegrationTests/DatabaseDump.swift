import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

/// What `pg_dump` says of a database, and `psql` told what to do with it.
enum DatabaseDump {
  /// The schema without the history table, as comparable text.
  static func schema(_ target: DatabaseTarget) throws -> String {
    try dump(target, ["-s", "-T", "flyway_schema_history"])
  }

  /// Everything but the history's times.
  static func everything(_ target: DatabaseTarget) throws -> String {
    let history = try target.connect().query(
      """
      SELECT concat_ws('|', installed_rank, version, description, type, script, checksum, installed_by, success)
      FROM flyway_schema_history ORDER BY installed_rank
      """)
    let rows = (0..<history.count).map { history[$0, 0] ?? "" }.joined(separator: "\n")
    return try dump(target, ["--exclude-table-data=flyway_schema_history"]) + "\n"
      + rows
  }

  private static func dump(_ target: DatabaseTarget, _ arguments: [String]) throws -> String {
    let text = try run("pg_dump", arguments + [target.testURL])
    // Newer releases write a random key into \restrict and \unrestrict.
    return text.split(separator: "\n").filter { !$0.contains("restrict ") }.joined(separator: "\n")
  }

  /// Runs a script of SQL by psql, which stops at the first error.
  static func play(_ sql: String, on target: DatabaseTarget) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "dbtool-sql-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data(sql.utf8).write(to: file)
    _ = try run("psql", ["-Xq", "-v", "ON_ERROR_STOP=1", "-f", file.path, target.testURL])
  }

  private static func run(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: try PoolProgram.postgres(program))
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.filter { name, _ in !name.hasPrefix("PG") }
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(program): \(text)")
    return text
  }
}
