import DatabaseTools
import Foundation
import LibPQ
import TestSupport

/// A recorded project: what was done with the real Flyway, step by step, and what it answered.
///
/// The folder holds `project.json` (the steps), `expected.json` (the answers) and the files. The recordings were
/// made with Flyway 13.0.0 community edition on PostgreSQL 15. Where dbtool does better on purpose, the answer has
/// `mended` beside it: why, and what dbtool answers instead.
struct MigrateCorpus {
  let name: String
  private let source: URL
  private let folder: URL
  private let target: DatabaseTarget
  /// After each call the history is written anew as Flyway left it: the next one continues Flyway's database.
  private let isFlyways: Bool
  private var differences: [String] = []

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/flyway")

  static var projects: [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: root.path)
    return (names ?? []).filter { FileManager.default.fileExists(atPath: root.path + "/\($0)/project.json") }
      .sorted()
  }

  /// Plays a project on an empty database.
  /// - Parameter isFlyways: whether each call finds the history table that the real Flyway left before it.
  /// - Returns: what came out differently.
  static func differences(
    of name: String, on target: DatabaseTarget, isFlyways: Bool = false
  ) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appending(path: "corpus \(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var corpus = MigrateCorpus(
      name: name, source: root.appending(path: name), folder: folder, target: target,
      isFlyways: isFlyways)
    try corpus.play()
    return corpus.differences
  }

  private static func json(_ file: URL) throws -> JSONValue {
    JSONValue(parsing: String(decoding: try Data(contentsOf: file), as: UTF8.self)) ?? .null
  }

  private mutating func play() throws {
    let left = ["project.json", "expected.json", "overlays"]
    for entry in try FileManager.default.contentsOfDirectory(atPath: source.path) where !left.contains(entry)
    {
      try FileManager.default.copyItem(at: source.appending(path: entry), to: folder.appending(path: entry))
    }
    let steps = try Self.json(source.appending(path: "project.json"))["steps"]?.items ?? []
    let records = try Self.json(source.appending(path: "expected.json"))["steps"]?.items ?? []
    for (number, step) in steps.enumerated() {
      let recorded = records.first { $0["step"] == .integer(number) } ?? .null
      let expected = recorded["mended"] ?? recorded
      try perform(step, expected, number)
    }
  }

  private mutating func perform(_ step: JSONValue, _ expected: JSONValue, _ number: Int) throws {
    switch step["do"]?.text {
    case "overlay": try overlay(source.appending(path: step["dir"]?.text ?? ""), folder)
    case "remove":
      for path in step["paths"]?.items ?? [] {
        try FileManager.default.removeItem(at: folder.appending(path: path.text ?? ""))
      }
    case "rename":
      try FileManager.default.moveItem(
        at: folder.appending(path: step["from"]?.text ?? ""),
        to: folder.appending(path: step["to"]?.text ?? ""))
    case "sql": try target.connect().execute(step["sql"]?.text ?? "")
    case "check":
      let rows = Self.unaligned(try? target.connect().query(step["sql"]?.text ?? ""))
      compare("\(number) check", expected["rows"]?.items.compactMap(\.text) ?? [], rows)
    default: try call(step, expected, number)
    }
  }

  /// Rows as `psql -At` prints them.
  private static func unaligned(_ rows: Rows?) -> [String] {
    guard let rows else { return [] }
    let lines = (0..<rows.count).map { row in
      rows.columns.indices.map { rows[row, $0] ?? "" }.joined(separator: "|")
    }
    return lines.flatMap { $0.components(separatedBy: "\n") }
  }

  private func overlay(_ from: URL, _ to: URL) throws {
    for entry in try FileManager.default.subpathsOfDirectory(atPath: from.path) {
      let file = from.appending(path: entry)
      if try file.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true { continue }
      let place = to.appending(path: entry)
      try FileManager.default.createDirectory(
        at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
      try? FileManager.default.removeItem(at: place)
      try FileManager.default.copyItem(at: file, to: place)
    }
  }

  // MARK: - Calls

  private mutating func call(_ step: JSONValue, _ expected: JSONValue, _ number: Int) throws {
    let command = step["command"]?.text ?? ""
    // A session that holds a lock meanwhile: the first statement takes it, and closing lets it go.
    var holder: Connection?
    if let sql = step["background_sql"]?.text {
      holder = try target.connect()
      try holder?.execute(sql.components(separatedBy: ";")[0])
    }
    let (status, document) = try run(command, step)
    holder?.close()

    let isInvalid = document["validationSuccessful"] == .bool(false)
    let error = isInvalid ? document["errorDetails"] : document["error"]
    let works = status == 0 && error == nil
    compare("\(number) \(command): works", expected["ok"], .bool(works))
    if !works {
      compare(
        "\(number) \(command): error code", expected["error"]?["errorCode"]?.text ?? "",
        error?["errorCode"]?.text ?? "")
    }
    compare("\(number) \(command): history", Self.rows(expected["history"]), try history(step))
    if isFlyways { try handOver(expected["history"], step) }
    let recorded = expected["info"] ?? (command == "info" ? expected["result"]?["migrations"] : nil)
    if case .array = recorded {
      let shown = command == "info" ? document : try run("info", step).document
      compare("\(number) \(command): info", Self.info(recorded), Self.info(shown["migrations"]))
    }
    if command == "validate", let invalid = expected["result"]?["invalidMigrations"] {
      compare("\(number) validate: list", Self.invalid(invalid), Self.invalid(document["invalidMigrations"]))
    }
  }

  private func run(_ command: String, _ step: JSONValue) throws -> (status: Int32, document: JSONValue) {
    let options = step["options"]?.members ?? []
    let files = step["config_files"]?.items.compactMap(\.text) ?? []
    var words: [String] = []
    func has(_ name: String) -> Bool { options.contains { $0.name == name } }
    if !has("url") {
      words.append(
        "-url=jdbc:postgresql://\(target.host ?? ""):\(target.port ?? "")/\(target.database ?? "")")
    }
    if !has("user") { words.append("-user=\(target.user ?? "")") }
    if !has("locations"), files.isEmpty { words.append("-locations=filesystem:migrations") }
    words += options.map { "-\($0.name)=\($0.value.text ?? "")" }
    if !files.isEmpty { words.append("-configFiles=" + files.joined(separator: ",")) }
    var environment = ["PGPASSWORD": target.password?.reveal ?? "", "HOME": folder.path]
    for member in step["env"]?.members ?? [] { environment[member.name] = member.value.text }
    let result = try runDBTool(
      words + ["-outputType=json", command], environment: environment, in: folder.path)
    return (result.status, JSONValue(parsing: result.stdout) ?? .null)
  }

  // MARK: - Comparing

  /// Writes the history as it was recorded.
  private func handOver(_ recorded: JSONValue?, _ step: JSONValue) throws {
    guard case .array(let rows) = recorded else { return }
    try table(step).write(
      rows.map { row in
        FlywayHistory.columns.map { column in
          if case .bool(let flag) = row[column] { flag ? "true" : "false" } else { row[column]?.text }
        }
      }, on: try target.connect())
  }

  private func table(_ step: JSONValue) -> FlywayHistory {
    let options = step["options"]
    let table = options?["table"]?.text ?? step["history_table"]?.text ?? "flyway_schema_history"
    let schemas = options?["schemas"]?.text?.components(separatedBy: ",").first
    let schema = options?["defaultSchema"]?.text ?? schemas ?? step["history_schema"]?.text ?? "public"
    return FlywayHistory(schema: schema, table: table)
  }

  private func history(_ step: JSONValue) throws -> [String] {
    let name = table(step).name
    let connection = try target.connect()
    guard try connection.query("SELECT to_regclass($1)", [name]).first != nil else { return [] }
    let rows = try connection.query(
      """
      SELECT installed_rank, version, description, type, script, checksum, installed_by,
        CASE WHEN success THEN 'true' ELSE 'false' END
      FROM \(name) ORDER BY installed_rank
      """)
    return (0..<rows.count).map { row in
      rows.columns.indices.map { rows[row, $0] ?? "null" }.joined(separator: "|")
    }
  }

  private static func rows(_ recorded: JSONValue?) -> [String] {
    (recorded?.items ?? []).map { row in
      FlywayHistory.columns.map { column in
        row[column].map { value in
          if case .bool(let flag) = value { flag ? "true" : "false" } else { value.text ?? "null" }
        } ?? "null"
      }.joined(separator: "|")
    }
  }

  private static func info(_ list: JSONValue?) -> [String] {
    (list?.items ?? []).map { line in
      ["category", "version", "description", "type", "state"].map { line[$0]?.text ?? "" }.joined(
        separator: "|")
    }
  }

  private static func invalid(_ list: JSONValue?) -> [String] {
    (list?.items ?? []).map { line in
      [line["version"], line["description"], line["errorDetails"]?["errorCode"]].map { $0?.text ?? "" }
        .joined(separator: "|")
    }
  }

  private mutating func compare<Value: Equatable>(_ what: String, _ expected: Value, _ found: Value) {
    if expected != found { differences.append("step \(what)\n  expected \(expected)\n  found    \(found)") }
  }
}

extension JSONValue {
  var items: [JSONValue] { if case .array(let values) = self { values } else { [] } }
  var members: [Member] { if case .object(let members) = self { members } else { [] } }
}
