import SeedData
import Testing

@Suite("Making rows")
struct RowMakerTests {
  private func one(_ generator: Generator, lists: [WordList] = [], nulls: UInt64 = 0) throws -> RowMaker {
    try Plans.maker(
      [
        Plans.table(
          "t", rows: 1000,
          [ColumnPlan("id", try Plans.template("{n}")), ColumnPlan("c", generator, nullShare: nulls)])
      ], lists: lists)
  }

  @Test("a template takes numbers, lists, columns and filters")
  func template() throws {
    let people = try Plans.list("person", "name\nŁukasz\n")
    let maker = try Plans.maker(
      [
        Plans.table(
          "t",
          [
            ColumnPlan("id", try Plans.template("{n:04}")),
            ColumnPlan("mail", try Plans.template("{person.name|ascii|lower}.{n}@{host}")),
            ColumnPlan("host", try Plans.template("{{example}}.COM"), isVirtual: true),
            ColumnPlan("both", try Plans.template("{mail}/{host|lower}")),
          ])
      ], lists: [people])
    #expect(
      try maker.row("t", 7) == "0007\tlukasz.7@{example}.COM\tlukasz.7@{example}.COM/{example}.com")
  }

  @Test("COPY's special bytes are escaped, and NULL is not a text")
  func escaping() throws {
    let maker = try Plans.maker(
      [
        Plans.table(
          "t",
          [
            ColumnPlan("id", try Plans.template("a\tb\\c\nd\re")),
            ColumnPlan("nothing", try Plans.template("x"), nullShare: 1 << 32),
            ColumnPlan("of_nothing", try Plans.template("{nothing}!")),
            ColumnPlan("backslash", try Plans.template("\\N")),
            ColumnPlan("empty", try Plans.template("")),
          ])
      ])
    #expect(try maker.row("t", 1) == "a\\tb\\\\c\\nd\\re\t\\N\t\\N\t\\\\N\t")
  }

  @Test("rows do not depend on the order in which they are made")
  func order() throws {
    let forward = try Plans.shop()
    let backward = try Plans.shop()
    let wanted = try (1...200).map { try forward.row("orders", $0) }
    #expect(try (1...200).reversed().map { try backward.row("orders", $0) }.reversed() == wanted)
    #expect(Set(wanted).count == 200)
  }

  @Test("a new column moves no other")
  func newColumn() throws {
    let columns = [
      ColumnPlan("id", .hex(digits: 20)), ColumnPlan("price", .money(.value(1), .value(999), endings: [])),
    ]
    let before = try Plans.maker([Plans.table("t", columns)])
    let after = try Plans.maker([Plans.table("t", [ColumnPlan("more", .uuid)] + columns)])
    for number in 1...50 {
      #expect(try after.row("t", number).hasSuffix("\t" + before.row("t", number)))
    }
  }

  @Test("another seed makes other rows")
  func seeds() throws {
    let table = Plans.table("t", [ColumnPlan("id", .hex(digits: 8))])
    #expect(try Plans.maker([table], seed: 1).row("t", 1) != Plans.maker([table], seed: 2).row("t", 1))
  }

  @Test("hexadecimal digits come in the number asked for", arguments: [1, 15, 16, 17, 32, 40])
  func hex(_ digits: Int) throws {
    let value = try #require(try one(.hex(digits: digits)).value("c", of: "t", RowAddress(1)))
    #expect(value.count == digits)
    #expect(value.allSatisfy { $0.isHexDigit && !$0.isUppercase })
  }

  @Test("a UUID says that it is random")
  func uuid() throws {
    let value = try #require(try one(.uuid).value("c", of: "t", RowAddress(3)))
    #expect(value.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
    let characters = Array(value)
    #expect(characters[14] == "4")
    #expect("89ab".contains(characters[19]))
  }

  @Test("whole numbers reach both ends of their range, and no further")
  func integers() throws {
    let maker = try one(.integer(.value(-2), .value(3)))
    #expect(Set(try (1...1000).map { try maker.number("c", of: "t", $0) }) == Set(-2...3))
    let widest = try one(.integer(.value(.min), .value(.max)))
    #expect(try widest.value("c", of: "t", RowAddress(1)) != nil)
  }

  @Test("prices keep to their range and their endings, and half of them lie below its middle on a log scale")
  func money() throws {
    let maker = try one(.money(.value(100), .value(1_000_000), endings: [99, 0]))
    let prices = try (1...1000).map { try maker.number("c", of: "t", $0) }
    #expect(prices.allSatisfy { (100...1_000_000).contains($0) && [0, 99].contains($0 % 100) })
    #expect((450...550).contains(prices.count { $0 < 10_000 }))
  }

  @Test("both ends of a range come from one row of a list")
  func bounds() throws {
    let stock = try Plans.list("stock", "min,max,w\n0,0,10\n50,60,90\n", weight: "w")
    let maker = try one(
      .integer(.field(list: "stock", field: "min"), .field(list: "stock", field: "max")), lists: [stock])
    let values = try (1...1000).map { try maker.number("c", of: "t", $0) }
    #expect(values.allSatisfy { $0 == 0 || (50...60).contains($0) })
    #expect((70...130).contains(values.count { $0 == 0 }))
  }

  @Test("a dealt list is used up before anything comes again")
  func dealing() throws {
    let list = try Plans.list("l", "w\n" + (1...40).map { "word\($0)\n" }.joined(), isDealt: true)
    let maker = try one(try Plans.template("{l.w}"), lists: [list])
    let words = try (1...80).map { try maker.value("c", of: "t", RowAddress($0)) ?? "" }
    #expect(Set(words[..<40]).count == 40)
    #expect(Array(words[..<40]) == Array(words[40...]))
    #expect(words[..<40].sorted() != Array(words[..<40]))
  }

  @Test("a share of NULLs is about that share, and leaves the other values as they were")
  func nulls() throws {
    let without = try one(.hex(digits: 4))
    let with = try one(.hex(digits: 4), nulls: 1 << 31)
    var count = 0
    for number in 1...1000 {
      let value = try with.value("c", of: "t", RowAddress(number))
      if value == nil {
        count += 1
      } else {
        #expect(try value == without.value("c", of: "t", RowAddress(number)))
      }
    }
    #expect((430...570).contains(count))
  }

  @Test("times stay inside their range, and peaks and hours are busier")
  func times() throws {
    let day = try #require(CivilTime.second("2025-11-28"))
    let rule = TimeRule(
      from: day - 20 * 86_400, to: day + 86_400,
      hours: [UInt64](repeating: 0, count: 12) + [UInt64](repeating: 1, count: 12),
      peaks: [TimeRule.Peak(second: day, times: 20)])
    let maker = try one(.time(rule))
    let times = try (1...1000).map { try maker.value("c", of: "t", RowAddress($0)) ?? "" }
    #expect(times.allSatisfy { $0 >= "2025-11-08" && $0 < "2025-11-29" })
    #expect(times.allSatisfy { Int($0.dropFirst(11).prefix(2)) ?? 0 >= 12 })
    #expect((430...570).contains(times.count { $0.hasPrefix("2025-11-28") }))
  }
}
