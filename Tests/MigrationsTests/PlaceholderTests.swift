import Migrations
import Testing

@Suite("Placeholders")
struct PlaceholderTests {
  static let values: Placeholders = {
    var placeholders = Placeholders()
    placeholders.set("who", to: "ann")
    placeholders.set("a", to: "AA")
    placeholders.set("nest", to: "${a}")
    placeholders.set("empty", to: "")
    placeholders.setBuiltIn("user", to: "postgres")
    return placeholders
  }()

  private func replaced(_ text: String, chunk: Int, _ placeholders: Placeholders = values) throws -> String {
    var replacer = PlaceholderReplacer(placeholders)
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      result += try replacer.replace(Array(rest.prefix(chunk)))
      rest = rest.dropFirst(chunk)
    }
    result += try replacer.finish()
    return String(decoding: result, as: UTF8.self)
  }

  @Test(
    "are replaced everywhere, and only where Flyway does it",
    arguments: [
      ("'${who}'", "'ann'"), ("${WHO}", "ann"), ("-- ${who}\n", "-- ann\n"), ("${nest}", "${a}"),
      ("$${who}", "$${who}"), ("$$${who}", "$$ann"), ("\\${a}", "\\AA"), ("$ {who}", "$ {who}"),
      ("x${empty}y", "xy"), ("${flyway:user}", "postgres"), ("no $tag$ here $", "no $tag$ here $"), ("", ""),
      ("é${who}é", "éanné"),
    ])
  func replacement(_ text: String, _ expected: String) throws {
    for chunk in 1...8 { #expect(try replaced(text, chunk: chunk) == expected) }
    #expect(try replaced(text, chunk: 1000) == expected)
  }

  @Test("may be written with other marks")
  func marks() throws {
    var placeholders = Placeholders()
    placeholders.prefix = "#["
    placeholders.suffix = "]#"
    placeholders.separator = "-"
    placeholders.set("who", to: "carl")
    placeholders.setBuiltIn("table", to: "history")
    let text = "'#[who]#','#[flyway-table]#','${who}'"
    #expect(try replaced(text, chunk: 3, placeholders) == "'carl','history','${who}'")
  }

  @Test(
    "without a value are refused by name",
    arguments: [
      ("a ${nope} b", MigrationError.missingPlaceholder("${nope}")),
      ("${flyway:nope}", .unknownBuiltInPlaceholder("${flyway:nope}")),
      ("${never closed", .missingPlaceholder("${never closed}")),
    ])
  func missing(_ text: String, _ error: MigrationError) {
    #expect(throws: error) { try replaced(text, chunk: 1000) }
  }

  @Test("say in Flyway's words what is missing")
  func message() {
    #expect(
      MigrationError.missingPlaceholder("${who}").message
        == "No value provided for placeholder: ${who}.  Check your configuration!")
  }

  @Test("lead from a place in the replaced text back to the file")
  func places() throws {
    let text = "ab ${who} cd ${empty}e"
    var replacer = PlaceholderReplacer(Self.values, keepsMap: true)
    let result = String(decoding: try replacer.replace(Array(text.utf8)), as: UTF8.self)
    #expect(result == "ab ann cd e")
    let found = [0, 3, 5, 6, 7, 10].map { replacer.map.original(of: $0) }
    #expect(found == [0, 3, 3, 9, 10, 21])
  }
}
