import SeedData
import Testing

@Suite("Rows for files")
struct RowFormatTests {
  private func maker() throws -> RowMaker {
    try Plans.maker([
      Plans.table(
        "t",
        [
          ColumnPlan("id", .integer(.value(7), .value(7))),
          ColumnPlan("quote", try Plans.template("it's \"so\", ok")),
          ColumnPlan("back", try Plans.template("a\\b\nc")),
          ColumnPlan("none", try Plans.template("x"), nullShare: 1 << 32),
          ColumnPlan("empty", try Plans.template("")),
          ColumnPlan("money", try Plans.template("${{x}}")),
        ])
    ])
  }

  private func row(_ format: RowFormat) throws -> String {
    var bytes: [UInt8] = []
    try maker().appendRow(0, RowAddress(1), as: format, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("CSV tells nothing from an empty text, and quotes what would end a field")
  func csv() throws {
    #expect(try row(.csv) == "7,\"it's \"\"so\"\", ok\",\"a\\b\nc\",,\"\",${x}\n")
  }

  @Test("SQL literals mean the same under every setting, and begin no placeholder of a migration")
  func sql() throws {
    #expect(
      try row(.sql) == "('7', 'it''s \"so\", ok', E'a\\\\b\nc', NULL, '', E'$\\x7Bx}')")
  }

  @Test("JSON has numbers where the plan makes numbers")
  func json() throws {
    #expect(
      try row(.jsonl)
        == #"{"id":7,"quote":"it's \"so\", ok","back":"a\\b\u000ac","none":null,"empty":"","money":"${x}"}"#
        + "\n")
  }

  @Test("a header row quotes names as rows quote values")
  func header() {
    #expect(String(decoding: RowFormat.csvHeader(["a", "b,c"]), as: UTF8.self) == "a,\"b,c\"\n")
  }

  @Test("the digest of rows does not depend on format, order or worker, and tells values apart")
  func digest() throws {
    func digest(_ numbers: [Int], _ format: RowFormat) throws -> String {
      let shop = try Plans.shop()
      var bytes: [UInt8] = []
      for number in numbers { try shop.appendRow(1, RowAddress(number), as: format, to: &bytes) }
      return shop.digests[1].text
    }
    let whole = try digest(Array(1...50), .copy)
    #expect(try digest((1...50).reversed(), .csv) == whole)
    #expect(try digest(Array(1...49), .copy) != whole)
    let one = try Plans.shop()
    let other = try Plans.shop()
    var bytes: [UInt8] = []
    for number in 1...25 { try one.appendRow(1, RowAddress(number), to: &bytes) }
    for number in 26...50 { try other.appendRow(1, RowAddress(number), to: &bytes) }
    #expect((one.digests[1] + other.digests[1]).text == whole)
  }

  @Test("columns that a second pass sets are left out of the row, and still count")
  func waiting() throws {
    let maker = try maker()
    let whole = try self.maker()
    var bytes: [UInt8] = []
    try whole.appendRow(0, RowAddress(1), to: &bytes)
    bytes = []
    maker.waiting[0] = [0, 2]
    try maker.appendRow(0, RowAddress(1), as: .csv, to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == "\"it's \"\"so\"\", ok\",,\"\",${x}\n")
    #expect(maker.digests[0] == whole.digests[0])
  }
}
