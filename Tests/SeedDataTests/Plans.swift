import SeedData

/// Small plans in few words.
enum Plans {
  static func list(_ name: String, _ text: String, weight: String? = nil, isDealt: Bool = false) throws
    -> WordList
  {
    try WordList(name: name, rows: CSV.rows(Array(text.utf8)), weight: weight, isDealt: isDealt)
  }

  static func table(
    _ name: String, rows: Int = 10, per parent: String? = nil, count: Generator? = nil,
    key: [String] = ["id"],
    _ columns: [ColumnPlan]
  ) -> TablePlan {
    TablePlan(name: name, rows: rows, parent: parent, count: count, key: key, columns: columns)
  }

  static func template(_ text: String) throws -> Generator { .template(try Template(text)) }

  static func maker(
    _ tables: [TablePlan], lists: [WordList] = [], seed: UInt64 = 1, rows: [String: Int] = [:],
    identities: [String: String] = [:]
  ) throws -> RowMaker {
    RowMaker(
      try CompiledPlan(SeedPlan(seed: seed, lists: lists, tables: tables), rows: rows, identities: identities)
    )
  }

  /// A shop of four tables: products, users, orders and their lines.
  static func shop(products: Int = 20, orders: Int = 200) throws -> RowMaker {
    let lines = Generator.choice(["1", "2", "3", "4"], weights: [60, 25, 10, 5])
    return try maker(
      [
        table(
          "products", rows: products, key: ["sku"],
          [
            ColumnPlan("sku", try template("P-{n:05}")),
            ColumnPlan("price", .money(.value(1000), .value(50_000), endings: [99, 95])),
          ]),
        table(
          "orders", rows: orders, key: ["code"],
          [
            ColumnPlan("code", try template("O-{n}")),
            ColumnPlan("total", .sum(table: "lines", column: "cents")),
          ]),
        table(
          "lines", per: "orders", count: lines, key: ["order_id", "product_id"],
          [
            ColumnPlan("order_id", .parent(table: "orders", column: "id")),
            ColumnPlan(
              "product_id", .reference(table: "products", column: "id", zipf: 4_724_464_025, isDistinct: true)
            ),
            ColumnPlan("quantity", .integer(.value(1), .value(3))),
            ColumnPlan("unit", try template("{product_id.price}")),
            ColumnPlan("cents", .multiply(["quantity", "unit"]), isVirtual: true),
          ]),
      ], identities: ["products": "id", "orders": "id"])
  }
}

extension RowMaker {
  /// A row as COPY text, without its newline.
  func row(_ table: String, _ number: Int, line: Int = 0) throws -> String {
    guard let index = plan.index(of: table) else { return "" }
    var bytes: [UInt8] = []
    try appendRow(index, RowAddress(number, line: line), to: &bytes)
    return String(decoding: bytes.dropLast(), as: UTF8.self)
  }

  func number(_ column: String, of table: String, _ number: Int, line: Int = 0) throws -> Int {
    Int(try value(column, of: table, RowAddress(number, line: line)) ?? "") ?? -1
  }
}
