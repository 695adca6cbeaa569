import DatabaseTools
import Foundation
import LibPQ
import TestSupport

/// A folder with migrations, and an empty database for them.
struct MigrateFolder {
  let path: String
  let target: DatabaseTarget

  /// - Parameter scripts: file name to text, in `sql/`.
  static func with(_ scripts: [String: String], _ body: (MigrateFolder) throws -> Void) throws {
    try SharedPostgres.withDatabase { target in try with(scripts, on: target, body) }
  }

  /// With a database that is there already.
  static func with(
    _ scripts: [String: String], on target: DatabaseTarget, _ body: (MigrateFolder) throws -> Void
  ) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "migrate-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder.appending(path: "sql"), withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let here = MigrateFolder(path: folder.path, target: target)
    for (name, text) in scripts { try here.write(name, text) }
    try body(here)
  }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path + "/sql/" + name))
  }

  private func words(_ arguments: [String]) -> [String] {
    arguments + ["--no-color", "--url", target.testURL]
  }

  func dbtool(_ arguments: String...) throws -> DBToolProcess.Result { try run(arguments) }

  func run(_ arguments: [String]) throws -> DBToolProcess.Result {
    try runDBTool(words(arguments), environment: ["HOME": path], in: path)
  }

  func start(_ arguments: String...) throws -> DBToolProcess {
    try DBToolProcess(words(arguments), environment: ["HOME": path], in: path)
  }

  /// A call in Flyway's form, with its JSON document.
  func flyway(
    _ words: String..., environment: [String: String] = [:]
  ) throws -> (status: Int32, document: JSONValue, stderr: String) {
    let result = try runDBTool(
      ["-url=" + target.testURL] + words + ["-outputType=json"],
      environment: ["HOME": path].merging(environment) { _, new in new }, in: path)
    return (result.status, JSONValue(parsing: result.stdout) ?? .null, result.stderr)
  }

  /// Writes a file beside `sql/`.
  func write(beside name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
  }

  /// The lines of a query's only column.
  func list(_ sql: String) throws -> [String] {
    let rows = try target.connect().query(sql)
    return (0..<rows.count).map { rows[$0, 0] ?? "" }
  }

  /// The first column of the first row.
  func ask(_ sql: String) throws -> String? { try target.connect().query(sql).first }

  /// `1 t`, a line for each row of the history.
  func history() throws -> [String] {
    let rows = try target.connect().query(
      "SELECT coalesce(version, description) || ' ' || success FROM flyway_schema_history ORDER BY installed_rank"
    )
    return (0..<rows.count).map { rows[$0, 0] ?? "" }
  }
}
