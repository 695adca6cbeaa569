import SeedData
import Testing

@Suite("Word lists")
struct WordListTests {
  private func fields(_ text: String) throws -> [[String]] {
    try CSV.rows(Array(text.utf8)).map { row in row.fields.map { String(decoding: $0, as: UTF8.self) } }
  }

  @Test("fields may be quoted, and hold commas, quotes and line ends")
  func quoting() throws {
    let text = "\u{FEFF}a,b\r\n\"x,\"\"y\"\"\n\",2\n\n,\n\"\"\nlast,one"
    #expect(try fields(text) == [["a", "b"], ["x,\"y\"\n", "2"], ["", ""], [""], ["last", "one"]])
  }

  @Test("a row knows the line it starts on")
  func lines() throws {
    #expect(try CSV.rows(Array("a\n\"b\nc\"\nd\n".utf8)).map(\.line) == [1, 2, 4])
  }

  @Test(
    "a file that is not right is refused with its line",
    arguments: [
      ("a,b\n1\n", nil, false, 2), ("a\n\"open\n", nil, false, 2), ("a\nb\"c\n", nil, false, 2),
      ("", nil, false, 1),
      ("a\n", nil, false, 1), ("a,a\n1,2\n", nil, false, 1), ("a,w\nx,-1\n", "w", false, 2),
      ("a,w\nx,0\n", "w", false, 1), ("a,w\nx,1\n", "v", false, 1), ("a,w\nx,1\n", "w", true, 1),
    ] as [(String, String?, Bool, Int)])
  func refusals(_ text: String, _ weight: String?, _ isDealt: Bool, _ line: Int) {
    let problem = #expect(throws: PlanProblem.self) {
      try WordList(name: "l", rows: CSV.rows(Array(text.utf8)), weight: weight, isDealt: isDealt)
    }
    guard case .csv(let found, _)? = problem?.kind else {
      Issue.record("not a problem of the file: \(String(describing: problem))")
      return
    }
    #expect(found == line)
  }

  @Test("text that is not UTF-8 is refused")
  func encoding() {
    #expect(throws: PlanProblem.self) {
      try WordList(name: "l", rows: CSV.rows([0x61, 0x0A, 0xFF, 0x0A]))
    }
  }
}
