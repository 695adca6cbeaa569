import SeedData
import Testing

/// The expected bits come from a second implementation, the Python one in `seeds/shop.toml`.
@Suite("The random numbers of a column")
struct CounterStreamTests {
  @Test(
    "are fixed for all time",
    arguments: [
      (RowAddress(1), 0, 0xE44A_BDB9_51DF_CA2C), (RowAddress(1), 1, 0x64E5_010F_AA7E_7538),
      (RowAddress(2), 0, 0x63DA_5159_3F94_B4F1), (RowAddress(1_000_000), 0, 0xB0AD_87AB_336B_939B),
      (RowAddress(1, line: 1), 0, 0x4F97_A784_FD25_8ED9), (RowAddress(1, line: 2), 3, 0x70EC_2BAE_67F4_911A),
    ] as [(RowAddress, Int, UInt64)])
  func vectors(_ row: RowAddress, _ index: Int, _ expected: UInt64) {
    #expect(CounterStream(seed: 1, table: "sessions", column: "token").draw(row, index) == expected)
  }

  @Test("differ with the seed, the table and the column")
  func separation() {
    let streams = [
      CounterStream(seed: 1, table: "sessions", column: "token"),
      CounterStream(seed: 2, table: "sessions", column: "token"),
      CounterStream(seed: 1, table: "session", column: "stoken"),
      CounterStream(seed: 1, table: "sessions", column: "id"),
    ]
    #expect(Set(streams.map { $0.draw(RowAddress(1)) }).count == streams.count)
    #expect(streams[1].draw(RowAddress(1)) == 0x52D2_1396_1B53_7288)
  }

  @Test("stay below their bound and reach every value", arguments: [1, 2, 3, 7, 100] as [UInt64])
  func bounds(_ bound: UInt64) {
    let stream = CounterStream(seed: 1, table: "t", column: "c")
    let values = Set((1...3000).map { stream.draw(RowAddress($0), below: bound) })
    #expect(values == Set(0..<bound))
  }
}
