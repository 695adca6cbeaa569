import DatabaseTools
import Foundation
import TestSupport
import Testing

@Suite("docs/seed.md says what seed does")
struct SeedManualTests {
  private func manual() throws -> String {
    try String(contentsOfFile: StorefrontDatabase.root + "/docs/seed.md", encoding: .utf8)
  }

  @Test("every generator and its settings stand in the tables")
  func generators() throws {
    let lines = try manual().split(separator: "\n")
    for generator in GeneratorReader.generators {
      let line = lines.first { $0.hasPrefix("| `\(generator) = ") }
      #expect(line != nil, "the manual does not explain \(generator)")
      for setting in GeneratorReader.settings[generator] ?? [] {
        #expect(
          lines.contains { $0.hasPrefix("| `\(setting) = ") } || line?.contains("`\(setting)") == true,
          "the manual does not explain \(setting) of \(generator)")
      }
    }
    let rows = lines.filter { line in
      // `name = value` in the first cell.
      let cell = line.dropFirst(2).prefix { $0 != "|" }
      return line.hasPrefix("| `") && cell.contains(" = ")
    }
    for row in rows {
      let name = row.dropFirst(3).prefix { $0.isLetter }
      let settings = GeneratorReader.settings.values.flatMap { $0 }
      #expect(
        GeneratorReader.generators.contains(String(name)) || settings.contains(String(name)),
        "the manual explains \(name), which is not there")
    }
  }

  @Test("every option of the command stands in the table")
  func options() throws {
    let help = try runDBTool(["seed", "--help"], in: "/").stdout
    let manual = try manual()
    let common = ["--json", "--quiet", "--verbose", "--no-color", "--help", "--version"]
    let target = ["--url", "--user", "--password", "--password-file", "--secret"]
    let options = help.split { !($0.isLetter || $0 == "-") }.filter { $0.hasPrefix("--") && $0.count > 2 }
    for option in Set(options.map { String($0) }).subtracting(common + target) {
      #expect(manual.contains("`\(option)"), "the manual does not explain \(option)")
    }
  }

  /// Each SQL block makes the tables of the plan that follows it.
  @Test("its examples run as they stand")
  func examples() throws {
    let blocks = try manual().components(separatedBy: "```")
    var ran = 0
    for (index, block) in blocks.enumerated() where block.hasPrefix("sql\n") && index + 2 < blocks.count {
      try PlanFolder.with(String(block.dropFirst(4)), ["p.toml": String(blocks[index + 2].dropFirst(5))]) {
        (shop) throws in
        let seeded = try shop.seed("--json")
        #expect(seeded.status == 0, "\(seeded.stderr)")
        #expect(try shop.seed("--json").stdout.contains(#"],"added":0,"#))
        #expect(try shop.seed("--verify").status == 0)
        ran += 1
      }
    }
    #expect(ran == 2)
  }
}
