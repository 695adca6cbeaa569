import StorefrontLoad
import Testing

@Suite("Counting errors") struct ErrorTallyTests {
  @Test("by SQLSTATE, the most frequent first, with the first message as an example")
  func counting() {
    var tally = ErrorTally()
    tally.add(LoadError(sqlState: "53300", message: "first"))
    tally.add(LoadError(sqlState: "08006", message: "gone"))
    tally.add(LoadError(sqlState: "53300", message: "second"))
    #expect(tally.total == 3)
    #expect(tally.entries.map(\.sqlState) == ["53300", "08006"])
    #expect(tally.entries.map(\.count) == [2, 1])
    #expect(tally.entries.map(\.example) == ["first", "gone"])
  }

  @Test(
    "what the shop refuses is an answer, everything else a failure",
    arguments: [("SH409", true), ("SH401", true), ("53300", false), ("08006", false), ("", false)])
  func refusals(sqlState: String, isRefusal: Bool) {
    #expect(LoadError(sqlState: sqlState, message: "").isRefusal == isRefusal)
  }
}
