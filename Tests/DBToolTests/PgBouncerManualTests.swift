import Foundation
import Testing

@testable import dbtool

@Suite("docs/coming-from-pgbouncer.md") struct PgBouncerManualTests {
  @Test(
    "has each key of PgBouncer's, and what becomes of it as the program knows it",
    arguments: [
      ("pgbouncer", "[pgbouncer]", PgBouncerKeys.main), ("databases", "[databases]", PgBouncerKeys.database),
      ("users", "[users]", PgBouncerKeys.user),
    ])
  func table(mark: String, title: String, keys: [String: PgBouncerKeys.Fate]) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let manual = try String(
      contentsOf: root.appending(path: "docs/coming-from-pgbouncer.md"), encoding: .utf8)
    let begin = try #require(manual.firstRange(of: "<!-- \(mark) -->\n"))
    let end = try #require(manual.firstRange(of: "<!-- end of \(mark) -->"))
    let table =
      "| `\(title)` | here |\n|---|---|\n"
      + keys.sorted { $0.key < $1.key }.map { "| `\($0.key)` | \(words($0.value)) |\n" }.joined()
    #expect(manual[begin.upperBound..<end.lowerBound] == table, "between the marks belongs:\n\(table)")
  }

  private func words(_ fate: PgBouncerKeys.Fate) -> String {
    switch fate {
    case .same(let name), .seconds(let name): "`\(name)`"
    case .milliseconds(let name): "`\(name)`, in ms"
    case .together(let what): what
    case .needless(let why): "not needed: \(why)"
    case .different(let what): "**different:** \(what)"
    }
  }
}
