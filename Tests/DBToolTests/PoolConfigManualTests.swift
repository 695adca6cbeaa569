import Foundation
import Testing

@testable import dbtool

@Suite("docs/pool.md")
struct PoolConfigManualTests {
  @Test(
    "has the table of keys as the program knows them",
    arguments: [
      ("keys", PoolConfigManualTests.scalarTable), ("target", entryTable(PoolKeys.target)),
      ("user", entryTable(PoolKeys.user)), ("database", entryTable(PoolKeys.database)),
      ("lane", entryTable(PoolKeys.lane)), ("peer", entryTable(PoolKeys.peer)),
    ])
  func tables(mark: String, table: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let manual = try String(contentsOf: root.appendingPathComponent("docs/pool.md"), encoding: .utf8)
    let begin = try #require(manual.firstRange(of: "<!-- \(mark) -->\n"))
    let end = try #require(manual.firstRange(of: "<!-- end of \(mark) -->"))
    #expect(manual[begin.upperBound..<end.lowerBound] == table, "between the marks belongs:\n\(table)")
  }

  private static var scalarTable: String {
    "| key | default | meaning | served | variable |\n|---|---|---|---|---|\n"
      + PoolKeys.scalars.map { key in
        row([code(key.name), fallback(key), key.meaning, served(key), code(key.variable)])
      }.joined()
  }

  private static func entryTable(_ keys: [PoolKey]) -> String {
    "| key | default | meaning | served |\n|---|---|---|---|\n"
      + keys.map { row([code($0.name), fallback($0), $0.meaning, served($0)]) }.joined()
  }

  private static func row(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |\n" }
  private static func code(_ text: String) -> String { "`\(text)`" }

  /// As it would stand in the file.
  private static func fallback(_ key: PoolKey) -> String {
    guard let fallback = key.fallback else { return "" }
    switch key.kind {
    case .text, .duration, .choice: return code(fallback.quoted)
    case .count, .optionalCount, .toggle: return code(fallback)
    case .list: return code(fallback.isEmpty ? "[]" : "[\(fallback.quoted)]")
    }
  }

  private static func served(_ key: PoolKey) -> String {
    guard let limit = key.limit else {
      if case .count(let range, _) = key.kind { return "\(range.lowerBound) to \(range.upperBound)" }
      if case .optionalCount(let range, _) = key.kind { return "\(range.lowerBound) to \(range.upperBound)" }
      return ""
    }
    if limit.values.count == 1 { return "the default only" }
    return limit.values.map { code($0) }.joined(separator: ", ")
  }
}
