import SeedData
import Testing

@Suite("Rows that refer to rows")
struct ReferenceTests {
  @Test("an order's total is the sum of its lines, at the prices of the products they name")
  func totals() throws {
    let shop = try Plans.shop()
    let lines = try #require(shop.plan.index(of: "lines"))
    for order in 1...200 {
      var sum = 0
      for line in 1...(try shop.lines(of: lines, parent: order)) {
        let product = try shop.number("product_id", of: "lines", order, line: line)
        let price = try shop.number("price", of: "products", product)
        #expect(try shop.number("unit", of: "lines", order, line: line) == price)
        sum += price * (try shop.number("quantity", of: "lines", order, line: line))
      }
      #expect(try shop.number("total", of: "orders", order) == sum)
    }
  }

  @Test(
    "the products of one order are distinct, also when there are hardly enough", arguments: [1, 2, 4, 20])
  func distinct(_ products: Int) throws {
    let shop = try Plans.shop(products: products)
    let lines = try #require(shop.plan.index(of: "lines"))
    for order in 1...200 {
      let count = try shop.lines(of: lines, parent: order)
      #expect((1...min(4, products)).contains(count))
      let picked = try (1...count).map { try shop.number("product_id", of: "lines", order, line: $0) }
      #expect(Set(picked).count == count)
      #expect(picked.allSatisfy { (1...products).contains($0) })
    }
  }

  @Test("skewed picks favour low rows, and still reach high ones")
  func skew() throws {
    let maker = try Plans.maker([
      Plans.table("p", rows: 1000, [ColumnPlan("id", try Plans.template("{n}"))]),
      Plans.table(
        "c", rows: 20_000,
        [
          ColumnPlan("id", try Plans.template("{n}")),
          ColumnPlan("p", .reference(table: "p", column: "id", zipf: 1 << 32, isDistinct: false)),
        ]),
    ])
    let picks = try (1...20_000).map { try maker.number("p", of: "c", $0) }
    let counts = picks.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    // With s = 1 and a thousand rows, row 1 has 1 / 7.485 of the picks, row 2 half as many, row 10 a tenth.
    #expect((2450...2900).contains(counts[1] ?? 0))
    #expect((1200...1480).contains(counts[2] ?? 0))
    #expect((210...330).contains(counts[10] ?? 0))
    #expect(picks.contains { $0 > 900 })
    #expect(picks.allSatisfy { (1...1000).contains($0) })
  }

  @Test("even picks are even")
  func even() throws {
    let maker = try Plans.maker([
      Plans.table("p", rows: 10, [ColumnPlan("id", try Plans.template("{n}"))]),
      Plans.table(
        "c", rows: 5000,
        [
          ColumnPlan("id", try Plans.template("{n}")),
          ColumnPlan("p", .reference(table: "p", column: "id", zipf: nil, isDistinct: false)),
        ]),
    ])
    let counts = try (1...5000).reduce(into: [Int: Int]()) {
      $0[try maker.number("p", of: "c", $1), default: 0] += 1
    }
    #expect(counts.count == 10)
    #expect(counts.values.allSatisfy { (400...600).contains($0) })
  }

  @Test("a row that has got another number in the database is referred to by that number")
  func renumbered() throws {
    let shop = try Plans.shop(products: 1)
    let products = try #require(shop.plan.index(of: "products"))
    shop.identities[products][1] = 4711
    #expect(try shop.number("product_id", of: "lines", 1, line: 1) == 4711)
    #expect(try shop.row("products", 1).hasPrefix("4711\tP-00001\t"))
  }

  @Test("a key is sent with the row's number")
  func keys() throws {
    let shop = try Plans.shop()
    var bytes: [UInt8] = []
    try shop.appendKey(try #require(shop.plan.index(of: "products")), RowAddress(12), to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == "12\tP-00012\n")
  }

  @Test("more rows leave the rows that are not skewed by them as they were")
  func growth() throws {
    let small = try Plans.shop(products: 20)
    let large = try Plans.shop(products: 2000)
    for number in 1...20 {
      #expect(try small.row("products", number) == large.row("products", number))
    }
  }

  @Test(
    "rows of one table refer to rows before them, whatever the row count; the first to none, or to itself")
  func tree() throws {
    func maker(_ rows: Int, nulls: UInt64) throws -> RowMaker {
      try Plans.maker([
        Plans.table(
          "t", rows: rows,
          [
            ColumnPlan("id", try Plans.template("{n}")),
            ColumnPlan(
              "boss", .reference(table: "t", column: "id", zipf: nil, isDistinct: false), nullShare: nulls),
          ])
      ])
    }
    let tree = try maker(50, nulls: 1)
    let larger = try maker(500, nulls: 1)
    #expect(try tree.value("boss", of: "t", RowAddress(1)) == nil)
    for number in 2...50 {
      #expect((1..<number).contains(try tree.number("boss", of: "t", number)))
      #expect(try tree.number("boss", of: "t", number) == larger.number("boss", of: "t", number))
    }
    #expect(try maker(50, nulls: 0).number("boss", of: "t", 1) == 1)
  }

  @Test("a column may refer to its own table")
  func selfReference() throws {
    let maker = try Plans.maker([
      Plans.table(
        "t", rows: 30,
        [
          ColumnPlan("id", try Plans.template("c{n}")),
          ColumnPlan("boss", .reference(table: "t", column: "id", zipf: nil, isDistinct: false)),
          ColumnPlan("note", try Plans.template("{id} under {boss} ({boss.id})")),
        ])
    ])
    for number in 1...30 {
      let boss = try #require(try maker.value("boss", of: "t", RowAddress(number)))
      #expect(try maker.value("note", of: "t", RowAddress(number)) == "c\(number) under \(boss) (\(boss))")
    }
  }
}
