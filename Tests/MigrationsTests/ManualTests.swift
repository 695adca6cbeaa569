import Foundation
import Migrations
import Testing

@Suite("docs/migrate.md") struct ManualTests {
  static let manual: String = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return (try? String(contentsOf: root.appending(path: "docs/migrate.md"), encoding: .utf8)) ?? ""
  }()

  static func part(_ mark: String) throws -> String {
    let begin = try #require(manual.firstRange(of: "<!-- \(mark) -->\n"))
    let end = try #require(manual.firstRange(of: "<!-- end of \(mark) -->"))
    return String(manual[begin.upperBound..<end.lowerBound])
  }

  static var served: [MigrationOption] { MigrationOptions.all.filter { $0.service == .served } }

  @Test("has every option that is served, in the order of --help, and none besides")
  func options() throws {
    let names = try Self.part("options").split(separator: "\n").filter { $0.hasPrefix("### ") }
    #expect(names.map { String($0) } == Self.served.map { "### `\($0.name)`" })
  }

  @Test(
    "says of each what it means, then flag, variable, key and default as the program has them",
    arguments: served)
  func option(_ option: MigrationOption) throws {
    let text = try Self.part("options")
    let head = try #require(text.firstRange(of: "### `\(option.name)`\n"), "is not there")
    let rest = text[head.upperBound...]
    let section = rest[..<(rest.firstRange(of: "\n### ")?.lowerBound ?? rest.endIndex)]
    let lines = section.split(separator: "\n")
    #expect(lines.count >= 2 && (lines.first?.count ?? 0) > 10, "the meaning is missing")
    #expect(lines.last.map { String($0) } == Self.facts(option))
  }

  @Test("has the options that are refused, each with its reason and the values that are taken")
  func refused() throws {
    var table = "| option | why | values that are taken |\n|---|---|---|\n"
    for option in MigrationOptions.all {
      guard case .refused(let reason, let harmless) = option.service else { continue }
      table += "| `\(option.name)\(option.kind == .map ? ".*" : "")` | \(reason) | "
      table += harmless.map { "`\($0)`" }.joined(separator: ", ") + " |\n"
    }
    #expect(try Self.part("refused") == table, "between the marks belongs:\n\(table)")
  }

  /// The last line of an option's section.
  private static func facts(_ option: MigrationOption) -> String {
    let value =
      switch option.kind {
      case .boolean: ""
      case .integer: " NUMBER"
      case .duration: " DURATION"
      case .list: " A,B"
      case .map: ".NAME VALUE"
      case .text, .secret: " TEXT"
      }
    var variable = option.variable + (option.kind == .map ? "_NAME" : "")
    if option.name == "environment" { variable = "flyway_environment" }
    var parts = ["`\(option.flag)\(value)`"] + (option.hasVariable ? ["`\(variable)`"] : [])
    if !option.isCommandLineOnly {
      let key = "`flyway.\(option.name)\(option.kind == .map ? ".NAME" : "")`"
      parts.append(key + (option.isEnvironment ? ", in TOML `[environments.NAME]`" : ""))
    }
    parts.append(option.standard.isEmpty ? "no default" : "default: `\(option.standard)`")
    return parts.joined(separator: " · ")
  }
}
