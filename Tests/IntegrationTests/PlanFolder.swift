import DatabaseTools
import Foundation
import LibPQ
import TestSupport

/// A folder with a plan and what it names, and a database with tables of its own.
struct PlanFolder {
  let folder: URL
  let target: DatabaseTarget
  let connection: Connection

  /// - Parameters:
  ///   - schema: SQL that makes the tables.
  ///   - files: by path in the folder; `p.toml` is the plan.
  static func with(
    _ schema: String, _ files: [String: String] = [:], _ body: (PlanFolder) throws -> Void
  ) throws {
    try SharedPostgres.withDatabase { target in
      let folder = FileManager.default.temporaryDirectory.appending(path: "plan-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let connection = try target.connect()
      try connection.execute("SET TimeZone = 'UTC'; " + schema)
      let plan = PlanFolder(folder: folder, target: target, connection: connection)
      for (path, text) in files { try plan.write(path, text) }
      try body(plan)
    }
  }

  func write(_ path: String, _ text: String) throws {
    let file = folder.appending(path: path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  func read(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: folder.appending(path: path)), as: UTF8.self)
  }

  /// `dbtool seed --plan p.toml` in the folder.
  func seed(_ arguments: String...) throws -> DBToolProcess.Result {
    try DBToolProcess(
      ["seed", "--no-color", "--plan", "p.toml", "--url", target.testURL] + arguments, in: folder.path
    ).finish()
  }

  func ask(_ sql: String) throws -> String? { try connection.query(sql).first }
}
