import DatabaseTools
import Testing

@Suite("Tables for people") struct TextTableTests {
  let header = ["Kind", "Description", "When"]
  let rows = [["a", "the very first of all", "2026"], ["bb", "é", ""]]

  func lines(_ width: Int?) -> [String] {
    TextTable.lines(
      header, rows, fit: width.map { TextTable.Fit(width: $0, shrinking: 1, least: 5, dropping: [2, 0]) })
  }

  @Test("where there is room, or no terminal, the table is whole")
  func whole() {
    let whole = [
      "+------+-----------------------+------+", "| Kind | Description           | When |",
      "+------+-----------------------+------+", "| a    | the very first of all | 2026 |",
      "| bb   | é                     |      |", "+------+-----------------------+------+",
    ]
    #expect(lines(nil) == whole)
    #expect(lines(39) == whole)
  }

  @Test("on a narrow terminal long texts are cut")
  func cut() {
    #expect(lines(30)[3] == "| a    | the very fi… | 2026 |")
    #expect(lines(30).allSatisfy { $0.count == 30 })
  }

  @Test("then columns go, in their order")
  func dropped() {
    #expect(lines(20)[1] == "| Kind | Descript… |")
    #expect(lines(12)[1] == "| Descrip… |")
  }

  @Test("what must stay stays, however narrow it is")
  func narrow() { #expect(lines(1)[1] == "| Desc… |") }

  @Test(
    "times are in the unit that people would use",
    arguments: [
      (0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (59_999, "59.9 s"), (245_000, "4 min 5 s"),
      (7_440_000, "2 h 4 min"),
    ])
  func times(milliseconds: Int, text: String) { #expect(SpentTime.text(milliseconds) == text) }
}
