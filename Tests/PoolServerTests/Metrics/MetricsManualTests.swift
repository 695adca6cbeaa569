import Foundation
import Testing

@testable import PoolServer

@Suite("docs/metrics.md, the alerts and the dashboard") struct MetricsManualTests {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  private static var exposition: [Substring] {
    var process = ProcessFacts()
    process.mostDescriptors = 1_024
    var snapshot = PoolSnapshot()
    snapshot.loopCPU = [0: 1]
    return snapshot.openMetrics(of: process).split(separator: "\n")
  }

  /// What the manual's rows must begin with: `| metric | type | unit | labels | meaning |`.
  private static var rows: [String] {
    var rows: [String] = []
    var facts: [String: String] = [:]
    func finish() {
      guard let name = facts["name"], let type = facts["TYPE"] else { return }
      let sample = name + (type == "counter" ? "_total" : type == "info" ? "_info" : "")
      rows.append(
        "| `\(sample)` | \(type) | \(facts["UNIT"] ?? "") | \(facts["labels"] ?? "") | \(facts["HELP"] ?? "") |"
      )
    }
    for line in exposition where line != "# EOF" {
      let words = line.split(separator: " ", maxSplits: 3)
      if words[0] == "#" {
        if words[1] == "HELP" {
          finish()
          facts = ["name": String(words[2])]
        }
        facts[String(words[1])] = String(words[3])
      } else if let begin = line.firstIndex(of: "{"), let end = line.lastIndex(of: "}") {
        let labels = line[line.index(after: begin)..<end].split(separator: ",")
          .compactMap { $0.split(separator: "=").first }.filter { $0 != "le" }
        facts["labels"] = labels.map { "`\($0)`" }.joined(separator: ", ")
      }
    }
    finish()
    return rows
  }

  @Test("every metric that /metrics has is in the manual as it is, and no other")
  func manual() throws {
    let manual = try Self.text("docs/metrics.md")
    let begin = try #require(manual.firstRange(of: "<!-- metrics -->\n"))
    let end = try #require(manual.firstRange(of: "<!-- end of metrics -->"))
    let written = manual[begin.upperBound..<end.lowerBound].split(separator: "\n").dropFirst(2)
    let rows = Self.rows
    #expect(rows.count > 40)
    #expect(written.count == rows.count)
    for (written, row) in zip(written, rows) {
      #expect(written.hasPrefix(row), "there must begin a row with\n\(row)")
    }
  }

  @Test(
    "alerts and dashboard name only metrics that there are",
    arguments: [
      "deploy/prometheus/alerts.yml", "deploy/prometheus/alerts_test.yml", "deploy/grafana/pool.json",
    ])
  func names(path: String) throws {
    let samples = Set(
      Self.exposition.filter { !$0.hasPrefix("#") }.map { $0.prefix { $0 != "{" && $0 != " " } })
    var text = try Self.text(path)[...]
    // Recordings are named after what they record.
    text = Substring(text.replacing(/instance:[a-z_]+:[a-z0-9_]+/, with: ""))
    let named = Set(text.matches(of: /\b(?:dbtool_pool_|dbtool_build_|process_)[a-z_]+/).map(\.output))
    #expect(named.count > 10)
    #expect(named.subtracting(samples) == [])
  }

  @Test("all that the dashboard shows is asked of metrics, each panel with a title")
  func dashboard() throws {
    let bytes = Data(try Self.text("deploy/grafana/pool.json").utf8)
    let document = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    let panels = try #require(document["panels"] as? [[String: Any]])
    #expect(panels.count > 15)
    for panel in panels {
      #expect((panel["title"] as? String)?.isEmpty == false)
      if panel["type"] as? String == "row" { continue }
      let targets = try #require(panel["targets"] as? [[String: Any]])
      for target in targets { #expect((target["expr"] as? String)?.contains("_") == true) }
    }
  }

  @Test(
    "Prometheus' own tool finds the alerts right, and they fire when they should and not otherwise",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/promtool"), "promtool is not here"),
    arguments: [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]])
  func promtool(arguments: [String]) throws {
    let tool = Process()
    tool.executableURL = URL(filePath: "/usr/bin/promtool")
    tool.arguments = arguments
    tool.currentDirectoryURL = Self.root.appending(path: "deploy/prometheus")
    let output = Pipe()
    tool.standardOutput = output
    tool.standardError = output
    try tool.run()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    tool.waitUntilExit()
    #expect(tool.terminationStatus == 0, "\(String(decoding: said, as: UTF8.self))")
  }
}
