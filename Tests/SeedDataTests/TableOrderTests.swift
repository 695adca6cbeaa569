import SeedData
import Testing

@Suite("The order in which tables are filled")
struct TableOrderTests {
  private func needs(_ pairs: (String, String)...) -> [TableOrder.Need] {
    pairs.map { TableOrder.Need(from: $0.0, to: $0.1) }
  }

  @Test("tables come after those that they refer to, and otherwise as the plan has them")
  func order() throws {
    let needs = needs(
      ("lines", "orders"), ("lines", "products"), ("orders", "users"), ("users", "users"), ("x", "y"))
    let order = try TableOrder.order(["lines", "products", "orders", "users"], needs: needs)
    #expect(order.tables == ["products", "users", "orders", "lines"])
    #expect(order.waiting.isEmpty)
  }

  @Test("tables that refer to each other in a circle are named")
  func circle() {
    let problem = #expect(throws: PlanProblem.self) {
      try TableOrder.order(["a", "b", "c"], needs: needs(("a", "b"), ("b", "c"), ("c", "b")))
    }
    #expect(problem?.kind == .tableCycle(["b", "c", "b"]))
  }

  @Test("a column that may be NULL opens a circle: it is set in a second pass")
  func waiting() throws {
    var needs = needs(("a", "b"), ("b", "a"))
    needs[1].waiting = "a_id"
    let order = try TableOrder.order(["a", "b"], needs: needs)
    #expect(order.tables == ["b", "a"])
    #expect(order.waiting == ["b": ["a_id"]])
    #expect(!order.isDeferred)
  }

  @Test("a key that the server checks at the end opens a circle at no cost")
  func deferred() throws {
    var needs = needs(("a", "b"), ("b", "a"))
    needs[0].isDeferred = true
    needs[1].waiting = "a_id"
    let order = try TableOrder.order(["a", "b"], needs: needs)
    #expect(order.tables == ["a", "b"])
    #expect(order.waiting.isEmpty)
    #expect(order.isDeferred)
  }

  @Test("of two keys between the same tables both must give way")
  func both() throws {
    var needs = needs(("a", "b"), ("b", "a"), ("b", "a"))
    needs[1].waiting = "first_id"
    #expect(throws: PlanProblem.self) { try TableOrder.order(["a", "b"], needs: needs) }
    needs[2].waiting = "second_id"
    #expect(try TableOrder.order(["a", "b"], needs: needs).waiting == ["b": ["first_id", "second_id"]])
  }
}
