import SeedData
import Testing

@Suite("Drafting a first plan")
struct DraftTests {
  private func plan(_ tables: TableShape...) -> String {
    PlanDraft(tables, clock: "2025-11-28T00:00:00Z").text
  }

  private func table(
    _ columns: [ColumnShape], uniques: [[String]] = [], checks: [String] = []
  ) -> TableShape {
    TableShape(
      name: "things", columns: [ColumnShape("id", "int4", isNotNull: true)] + columns,
      uniques: [TableShape.Unique(name: "pk", columns: ["id"])]
        + uniques.map { TableShape.Unique(name: $0.joined(separator: "_"), columns: $0) },
      checks: checks)
  }

  @Test(
    "checks are kept as far as they are understood",
    arguments: [
      ("CHECK ((c >= 5))", "int4", "c  = { int = [5, 1000] }"),
      ("CHECK (((c > 5) AND (c < 9)))", "int4", "c  = { int = [6, 8] }"),
      (
        "CHECK ((((c)::numeric >= 1.5) AND ((c)::numeric <= '3.5'::numeric)))", "numeric",
        "c  = { int = [2, 3] }"
      ),
      ("CHECK ((c = ANY (ARRAY['a'::text, 'it''s'::text])))", "text", #"c  = { list = ["a", "it's"] }"#),
      (
        "CHECK (((c)::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])))",
        "varchar",
        #"c  = { list = ["x", "y"] }"#
      ),
      ("CHECK ((c ~ '^[A-Z]{2}-[0-9]{4}$'::text))", "text", #"c  = "AA-{n:04}""#),
      ("CHECK (((c IS NULL) OR (c > 100)))", "int4", "c  = { int = [101, 1000] }"),
      ("CHECK ((char_length(c) <= 5))", "text", "c  = { hex = 5 }"),
      ("CHECK ((c = 'only'::text))", "text", #"c  = { list = ["only"] }"#),
    ])
  func checks(_ check: String, _ type: String, _ line: String) {
    let text = plan(table([ColumnShape("c", type)], checks: [check]))
    #expect(text.split(separator: "\n").contains(Substring(line)), "\(text)")
  }

  @Test("columns that a check puts in order get ranges one after the other")
  func ordered() {
    let text = plan(
      table(
        [
          ColumnShape("opens", "date"), ColumnShape("shuts", "date"), ColumnShape("low", "int4"),
          ColumnShape("high", "int4"),
        ],
        checks: ["CHECK ((shuts > opens))", "CHECK ((low <= high))"]))
    #expect(text.contains(#"opens = { time = ["-730d", "-641d"] }"#), "\(text)")
    #expect(text.contains(#"shuts = { time = ["-640d", "-551d"] }"#), "\(text)")
    #expect(text.contains("low   = { int = [1, 124] }"), "\(text)")
    #expect(text.contains("high  = { int = [125, 248] }"), "\(text)")
  }

  @Test("a check that is not understood stands beside the table")
  func unread() {
    let check = "CHECK ((NOT (c = 3)))"
    #expect(
      plan(table([ColumnShape("c", "int4")], checks: [check])).contains("# not looked after: \(check)\n"))
  }

  @Test("a table without a unique index is left out, and so is what cannot be without it")
  func leftOut() {
    let log = TableShape(name: "log", columns: [ColumnShape("line", "text")])
    var child = table([ColumnShape("log_id", "int4", isNotNull: true)])
    child.foreignKeys = [TableShape.ForeignKey(columns: ["log_id"], table: "log", referenced: ["line"])]
    let text = plan(log, child)
    #expect(text.contains("# log is left out: it has no unique index that could know its rows again."))
    #expect(text.contains("# things is left out: it needs rows of log, which is left out."))
    #expect(!text.contains("[[table]]"))
  }

  @Test("a unique name knows rows again better than a number does")
  func key() {
    var shape = table([ColumnShape("name", "text", isNotNull: true)], uniques: [["name"]])
    shape.columns[0].isNumbered = true
    let text = plan(shape)
    #expect(text.contains("key  = [\"name\"]\n[table.columns]\nname = \"Thing {n}\"\n"), "\(text)")
  }

  @Test("a text that must be unique and short has as many rows as fit")
  func short() {
    let shape = TableShape(
      name: "codes", columns: [ColumnShape("code", "bpchar", length: 1, isNotNull: true)],
      uniques: [TableShape.Unique(name: "pk", columns: ["code"])])
    #expect(plan(shape).contains("rows = 9\nkey  = [\"code\"]\n[table.columns]\ncode = \"{n}\"\n"))
  }

  @Test("names that TOML would not read bare are quoted")
  func quoting() {
    let shape = table([ColumnShape("Hit Count", "int4")])
    #expect(plan(shape).contains("\"Hit Count\" = { int = [1, 100] }"))
  }
}
