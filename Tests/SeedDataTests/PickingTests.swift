import SeedData
import Testing

@Suite("Picking rows of other tables")
struct PickingTests {
  private static func reference(
    _ table: String, distinct: Bool = false, dealt: Bool = false, matching: [ColumnMatch] = []
  ) -> Generator {
    .reference(
      table: table, column: "id", zipf: nil, isDistinct: distinct, isDealt: dealt, matching: matching)
  }

  private func numbered(_ name: String, _ rows: Int, _ columns: [ColumnPlan] = []) throws -> TablePlan {
    Plans.table(name, rows: rows, [ColumnPlan("id", try Plans.template("{n}"))] + columns)
  }

  @Test("distinct references of a table without a parent never come in the same combination twice")
  func pairs() throws {
    let maker = try Plans.maker([
      try numbered("a", 7), try numbered("b", 5),
      try numbered(
        "t", 35,
        [
          ColumnPlan("x", Self.reference("a", distinct: true)),
          ColumnPlan("y", Self.reference("b", distinct: true)),
        ]),
    ])
    let pairs = try (1...35).map { number in
      [try maker.number("x", of: "t", number), try maker.number("y", of: "t", number)]
    }
    #expect(Set(pairs).count == 35)
    #expect(Set(pairs.map { $0[0] }) == Set(1...7))
    #expect(Set(pairs.map { $0[1] }) == Set(1...5))
    // Few rows do not all share one partner.
    #expect(Set(pairs[..<5].map { $0[1] }).count == 5)
  }

  @Test("one distinct reference goes through all rows once")
  func single() throws {
    let maker = try Plans.maker([
      try numbered("a", 20), try numbered("t", 20, [ColumnPlan("x", Self.reference("a", distinct: true))]),
    ])
    #expect(Set(try (1...20).map { try maker.number("x", of: "t", $0) }) == Set(1...20))
  }

  @Test("dealt references take rows in turn")
  func dealt() throws {
    let maker = try Plans.maker([
      try numbered("a", 3), try numbered("t", 9, [ColumnPlan("x", Self.reference("a", dealt: true))]),
    ])
    #expect(try (1...7).map { try maker.number("x", of: "t", $0) } == [1, 2, 3, 1, 2, 3, 1])
  }

  @Test("a reference that must agree finds only rows of the same tenant")
  func matching() throws {
    let maker = try Plans.maker([
      try numbered("tenants", 4),
      try numbered("users", 10, [ColumnPlan("tenant", Self.reference("tenants", dealt: true))]),
      try numbered(
        "tasks", 200,
        [
          ColumnPlan("tenant", Self.reference("tenants")),
          ColumnPlan(
            "owner", Self.reference("users", matching: [ColumnMatch(referenced: "tenant", own: "tenant")])),
          ColumnPlan("note", try Plans.template("{owner.tenant}")),
        ]),
    ])
    for number in 1...200 {
      let owner = try maker.number("owner", of: "tasks", number)
      let tenant = try maker.number("tenant", of: "tasks", number)
      #expect(try maker.number("tenant", of: "users", owner) == tenant)
      #expect(try maker.number("note", of: "tasks", number) == tenant)
    }
  }

  @Test("a reference that finds no row to agree with says which values it looked for")
  func noAgreement() throws {
    let maker = try Plans.maker([
      try numbered("tenants", 4),
      try numbered("users", 1, [ColumnPlan("tenant", Self.reference("tenants", dealt: true))]),
      try numbered(
        "tasks", 1,
        [
          ColumnPlan("tenant", try Plans.template("3")),
          ColumnPlan(
            "owner", Self.reference("users", matching: [ColumnMatch(referenced: "tenant", own: "tenant")])),
        ]),
    ])
    let problem = #expect(throws: PlanProblem.self) { try maker.row("tasks", 1) }
    #expect(
      problem?.message.hasPrefix("tasks.owner: no row of users agrees with row 1 in tenant (3)") == true)
  }

  @Test("two ways to pick at once are refused")
  func conflicting() throws {
    let tables = [
      try numbered("a", 3),
      try numbered(
        "t", 3,
        [
          ColumnPlan(
            "x", .reference(table: "a", column: "id", zipf: 1 << 32, isDistinct: false, isDealt: true))
        ]),
    ]
    let problem = #expect(throws: PlanProblem.self) { try Plans.maker(tables) }
    #expect(problem?.message == "t.x: zipf, deal and distinct are three ways to pick a row; take one")
  }

  @Test("without a database, the columns that number rows are those that references name")
  func identities() throws {
    let plan = SeedPlan(
      seed: 1, lists: [],
      tables: [
        Plans.table("a", [ColumnPlan("code", try Plans.template("{n}"))]), try numbered("b", 1),
        Plans.table(
          "t",
          [
            ColumnPlan("a_id", Self.reference("a")), ColumnPlan("b_id", Self.reference("b")),
          ]),
      ])
    #expect(plan.impliedIdentities == ["a": "id"])
  }

  @Test(
    "how many values a column can take is known where it can be",
    arguments: [
      ("list", 3), ("int", 10), ("hex", 256), ("product", 30), ("number", nil), ("uuid", nil), ("ref", 4),
      ("listed", 2),
    ] as [(String, Int?)])
  func values(_ column: String, _ most: Int?) throws {
    let plan = try Plans.maker(
      [
        try numbered("a", 4),
        Plans.table(
          "t", key: ["list"],
          [
            ColumnPlan("list", .choice(["a", "b", "c", "a"], weights: nil)),
            ColumnPlan("int", .integer(.value(1), .value(10))), ColumnPlan("hex", .hex(digits: 2)),
            ColumnPlan("product", try Plans.template("{list}/{int}")),
            ColumnPlan("number", try Plans.template("{list}{n}")), ColumnPlan("uuid", .uuid),
            ColumnPlan("ref", Self.reference("a")), ColumnPlan("listed", try Plans.template("{l.w}")),
          ]),
      ], lists: [try Plans.list("l", "w\nx\ny\ny\n")]
    ).plan
    #expect(plan.mostValues(of: [column], in: "t") == most)
  }
}
