import SeedData
import Testing

@Suite("A plan that makes no sense")
struct PlanProblemTests {
  private func problem(
    _ generator: Generator, _ change: (inout TablePlan) -> Void = { _ in }
  ) throws -> String? {
    var broken = Plans.table("t", [ColumnPlan("id", generator)])
    change(&broken)
    let other = Plans.table("other", rows: 0, [ColumnPlan("id", try Plans.template("{n}"))])
    let list = try Plans.list("l", "a,n\nx,5\ny,z\n")
    do throws(PlanProblem) {
      let plan = try CompiledPlan(
        SeedPlan(seed: 1, lists: [list], tables: [broken, other]), rows: [:], identities: [:])
      try plan.checkReferences(of: "t")
      return nil
    } catch {
      return error.message
    }
  }

  @Test(
    "a template is refused for what it names",
    arguments: [
      ("{nope.a}", "t.id: there is no list \"nope\""), ("{l.b}", "t.id: the list \"l\" has no field \"b\""),
      ("{nope}", "t.id: t has no column \"nope\" that the plan makes"),
      ("{id}", "t.id: the value depends on itself: t.id → t.id"),
      ("{id.a}", "t.id: {id.a} needs id to be a reference"),
    ])
  func names(_ template: String, _ expected: String) throws {
    #expect(try problem(try Plans.template(template)) == expected)
  }

  @Test(
    "a template is refused for how it is written",
    arguments: ["{n", "n}", "{}", "{a.b.c}", "{.a}", "{n:5}", "{n:099}", "{n|upper}", "{a|}"])
  func form(_ template: String) {
    #expect(throws: PlanProblem.self) { try Template(template) }
  }

  @Test(
    "a generator is refused for its values",
    arguments: [
      (.integer(.value(3), .value(2)), "t.id: the range from 3 to 2 is empty"),
      (.money(.value(0), .value(2), endings: []), "t.id: the range from 0 to 2 is empty, or starts below 1"),
      (.money(.value(1), .value(2), endings: [100]), "t.id: endings are from 0 to 99"),
      (.integer(.field(list: "l", field: "n"), .value(9)), "t.id: \"z\" is not a whole number"),
      (.choice([], weights: nil), "t.id: the list has no values"),
      (.choice(["a", "b"], weights: [1]), "t.id: 2 values, but 1 weights"),
      (.choice(["a"], weights: [0]), "t.id: the weights add up to nothing, or to more than 2⁶²"),
      (.hex(digits: 0), "t.id: hex has 1 to 1024 digits"), (.multiply([]), "t.id: multiply needs columns"),
      (
        .time(TimeRule(from: 2, to: 1)),
        "t.id: the time range ends before it starts, or leaves the years 1 to 9999"
      ),
      (
        .time(TimeRule(from: 1, to: 2, hours: [1])),
        "t.id: hours needs twenty-four weights, not all of them 0"
      ),
      (
        .reference(table: "no", column: "id", zipf: nil, isDistinct: false),
        "t.id: there is no table \"no\" in the plan"
      ),
      (
        .reference(table: "other", column: "x", zipf: nil, isDistinct: false),
        "t.id: other has no column \"x\" that the plan makes"
      ),
      (
        .reference(table: "other", column: "id", zipf: nil, isDistinct: false),
        "t.id: it refers to other, of which the plan makes no rows"
      ),
      (
        .parent(table: "other", column: "id"),
        "t.id: @other.id copies from a parent, and other is not this table's"
      ),
      (
        .sum(table: "other", column: "id"),
        "t.id: a sum is over rows that belong to this one, and other is not per t"
      ),
    ] as [(Generator, String)])
  func values(_ generator: Generator, _ expected: String) throws {
    #expect(try problem(generator) == expected)
  }

  @Test("a table is refused for its key, its rows and its parent")
  func tables() throws {
    #expect(
      try problem(.uuid) { $0.key = ["x"] } == "t: the key's column \"x\" is not one that the plan writes")
    #expect(
      try problem(.uuid) { $0.columns[0].nullShare = 1 }
        == "t: the key's column \"id\" may be NULL, and NULL is not equal to itself")
    #expect(try problem(.uuid) { $0.key = [] }?.hasPrefix("t: it has no key") == true)
    #expect(try problem(.uuid) { $0.rows = -1 } == "t: -1 rows; there can be 0 to 2147483648")
    #expect(try problem(.uuid) { $0.parent = "x" } == "t: there is no table \"x\" in the plan")
    #expect(try problem(.uuid) { $0.name = "other" } == "table \"other\" stands in the plan twice")
    #expect(
      try problem(.uuid) { $0.count = .hex(digits: 1) }
        == "t: it has a count without a parent; \"per\" names the parent")
    #expect(
      try problem(.uuid) { table in
        table.parent = "other"
        table.count = .choice(["many"], weights: nil)
      } == "t.count: \"many\" is not a whole number")
  }

  @Test("what passes the largest number is an error, not a crash")
  func overflow() throws {
    let maker = try Plans.maker([
      Plans.table(
        "t",
        [
          ColumnPlan("id", try Plans.template("9223372036854775807")),
          ColumnPlan("b", .multiply(["id", "id"])),
          ColumnPlan("text", try Plans.template("x")), ColumnPlan("c", .multiply(["text"])),
        ])
    ])
    #expect(throws: PlanProblem.self) { try maker.value("b", of: "t", RowAddress(1)) }
    #expect(throws: PlanProblem.self) { try maker.value("c", of: "t", RowAddress(1)) }
  }
}
