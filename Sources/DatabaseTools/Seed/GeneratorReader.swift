import SeedData

/// Reads what stands behind a column's name in a plan.
package struct GeneratorReader {
  /// What "now" is in the plan; nil when the plan does not say.
  let clock: Int64?

  package static let generators = [
    "text", "list", "int", "money", "time", "hex", "uuid", "ref", "sum", "multiply", "sql",
  ]
  /// Which settings each generator has besides its own and these two.
  package static let settings: [String: [String]] = [
    "list": ["weights"], "money": ["endings"], "time": ["hours", "peak"],
    "ref": ["zipf", "distinct", "deal", "match"],
  ]
  private static let common = ["virtual", "null"]

  /// A text is a template or `@parent.column`; a table has one generator and its settings; a number or a
  /// truth value stands for itself.
  func column(_ name: String, _ value: PlanValue, table: String) throws(PlanProblem) -> ColumnPlan {
    do throws(PlanProblem) {
      guard case .table(let members) = value else {
        return ColumnPlan(name, try plain(value))
      }
      let (kind, setting) = try only(members)
      var column = ColumnPlan(name, try generator(kind, setting, members))
      column.isVirtual = try flag(members["virtual"], "virtual")
      if let share = members["null"] { column.nullShare = try fixed(share, "null", 0...1) }
      return column
    } catch {
      throw PlanProblem(error.kind, table: table, column: name)
    }
  }

  /// How many rows a parent has: a number, a list or an int.
  func count(_ value: PlanValue, table: String) throws(PlanProblem) -> Generator {
    do throws(PlanProblem) {
      switch value {
      case .integer(let number): return .integer(.value(Int64(number)), .value(Int64(number)))
      case .table(let members):
        let (kind, setting) = try only(members)
        return try generator(kind, setting, members)
      case .text, .number, .bool, .list, .moment:
        throw PlanProblem(.structure("count is a number, a list or an int, not \(value.kind)"))
      }
    } catch {
      throw PlanProblem(error.kind, table: table, column: "count")
    }
  }

  // MARK: - Generators

  private func plain(_ value: PlanValue) throws(PlanProblem) -> Generator {
    if case .text(let text) = value, text.hasPrefix("@") {
      let (table, column) = try pair(String(text.dropFirst()), "@")
      return .parent(table: table, column: column)
    }
    return .template(try Template(try scalar(value)))
  }

  private func only(_ members: [String: PlanValue]) throws(PlanProblem) -> (String, PlanValue) {
    let found = members.filter { Self.generators.contains($0.key) }
    guard let (kind, value) = found.first, found.count == 1 else {
      let names = members.keys.filter { !Self.common.contains($0) }.sorted()
      throw PlanProblem(
        .structure(
          found.isEmpty
            ? "there is no generator in \(names); generators are \(Self.generators.joined(separator: ", "))"
            : "it has more than one generator: \(found.keys.sorted().joined(separator: ", "))"))
    }
    let known = [kind] + Self.common + (Self.settings[kind] ?? [])
    if let other = members.keys.sorted().first(where: { !known.contains($0) }) {
      throw PlanProblem(
        .structure("\(kind) has no setting \"\(other)\"; it has \(known.dropFirst().joined(separator: ", "))")
      )
    }
    return (kind, value)
  }

  private func generator(
    _ kind: String, _ value: PlanValue, _ members: [String: PlanValue]
  ) throws(PlanProblem) -> Generator {
    switch kind {
    case "text": return try plain(value)
    case "list":
      return .choice(
        try list(value, "list", scalar),
        weights: try members["weights"].map { (weights) throws(PlanProblem) in
          try self.list(weights, "weights", weight)
        })
    case "int":
      let (low, high) = try bounds(value, "int")
      return .integer(low, high)
    case "money":
      let (low, high) = try bounds(value, "money")
      var endings: [Int64] = []
      if let value = members["endings"] { endings = try list(value, "endings", integer) }
      return .money(low, high, endings: endings)
    case "time": return .time(try time(value, members))
    case "hex": return .hex(digits: Int(try integer(value)))
    case "uuid":
      guard case .bool(true) = value else { throw PlanProblem(.structure("uuid = true is all there is")) }
      return .uuid
    case "ref":
      let (table, column) = try pair(try text(value, "ref"), "ref")
      return .reference(
        table: table, column: column,
        zipf: try members["zipf"].map { (zipf) throws(PlanProblem) in try fixed(zipf, "zipf", 0...10) },
        isDistinct: try flag(members["distinct"], "distinct"), isDealt: try flag(members["deal"], "deal"),
        matching: try members["match"].map { (match) throws(PlanProblem) in try self.matching(match) } ?? [])
    case "sum":
      let (table, column) = try pair(try text(value, "sum"), "sum")
      return .sum(table: table, column: column)
    case "sql": return .expression(try text(value, "sql"))
    default:  // multiply: the only other name that `only` lets through
      return .multiply(
        try list(value, "multiply") { (name) throws(PlanProblem) in try text(name, "multiply") })
    }
  }

  /// `{ tenant_id = "tenant_id" }`: a column of the referenced table, and the column of this one that it agrees with.
  private func matching(_ value: PlanValue) throws(PlanProblem) -> [ColumnMatch] {
    guard case .table(let pairs) = value, !pairs.isEmpty else {
      throw PlanProblem(.structure("match is a table such as { tenant_id = \"tenant_id\" }"))
    }
    var matches: [ColumnMatch] = []
    for (referenced, own) in pairs.sorted(by: { $0.key < $1.key }) {
      matches.append(ColumnMatch(referenced: referenced, own: try text(own, "match")))
    }
    return matches
  }

  private func time(_ value: PlanValue, _ members: [String: PlanValue]) throws(PlanProblem) -> TimeRule {
    let ends = try list(value, "time") { (end) throws(PlanProblem) in try moment(try text(end, "time")) }
    guard ends.count == 2 else {
      throw PlanProblem(.structure("time needs two ends, such as [\"-30d\", \"0d\"]"))
    }
    var rule = TimeRule(from: ends[0], to: ends[1])
    if let hours = members["hours"] { rule.hours = try list(hours, "hours", weight) }
    if let peak = members["peak"] {
      guard case .table(let days) = peak else {
        throw PlanProblem(.structure("peak is a table such as { \"2025-11-28\" = 10 }"))
      }
      for (day, times) in days.sorted(by: { $0.key < $1.key }) {
        guard day.utf8.count == 10, let second = CivilTime.second(day) else {
          throw PlanProblem(.structure("peak: \"\(day)\" is not a day such as 2025-11-28"))
        }
        rule.peaks.append(TimeRule.Peak(second: second, times: try weight(times)))
      }
    }
    return rule
  }

  /// `-730d` from the plan's clock (s, m, h, d, w), or a date.
  private func moment(_ text: String) throws(PlanProblem) -> Int64 {
    if let second = CivilTime.second(text) { return second }
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    guard let unit = text.last.flatMap({ units[$0] }), let number = Int64(text.dropLast()),
      number.magnitude < 10_000_000_000
    else {
      throw PlanProblem(.structure("\"\(text)\" is neither a date nor a distance such as -30d"))
    }
    guard let clock else {
      throw PlanProblem(.structure("\"\(text)\" counts from the plan's clock, and the plan has none"))
    }
    return clock + number * unit
  }

  // MARK: - Values

  private func bounds(_ value: PlanValue, _ what: String) throws(PlanProblem) -> (Bound, Bound) {
    let ends = try list(value, what) { (end) throws(PlanProblem) -> Bound in
      if case .text(let text) = end {
        let (list, field) = try pair(text, what)
        return .field(list: list, field: field)
      }
      return .value(try integer(end))
    }
    guard ends.count == 2 else { throw PlanProblem(.structure("\(what) needs two ends, such as [1, 100]")) }
    return (ends[0], ends[1])
  }

  private func list<Element>(
    _ value: PlanValue, _ what: String, _ element: (PlanValue) throws(PlanProblem) -> Element
  ) throws(PlanProblem) -> [Element] {
    guard case .list(let values) = value else {
      throw PlanProblem(.structure("\(what) is a list, not \(value.kind)"))
    }
    var result: [Element] = []
    for value in values { result.append(try element(value)) }
    return result
  }

  private func scalar(_ value: PlanValue) throws(PlanProblem) -> String {
    switch value {
    case .text(let text): return text
    case .integer(let number): return String(number)
    case .number(let number): return String(number)
    case .bool(let flag): return String(flag)
    case .list, .table, .moment:
      throw PlanProblem(.structure("a value is a text or a number, not \(value.kind)"))
    }
  }

  private func text(_ value: PlanValue, _ what: String) throws(PlanProblem) -> String {
    guard case .text(let text) = value else {
      throw PlanProblem(.structure("\(what) is a text, not \(value.kind)"))
    }
    return text
  }

  private func integer(_ value: PlanValue) throws(PlanProblem) -> Int64 {
    guard case .integer(let number) = value else {
      throw PlanProblem(.structure("a whole number is needed, not \(value.kind)"))
    }
    return Int64(number)
  }

  private func weight(_ value: PlanValue) throws(PlanProblem) -> UInt64 {
    let number = try integer(value)
    guard number >= 0 else { throw PlanProblem(.range("a weight is a whole number from 0 up")) }
    return UInt64(number)
  }

  private func flag(_ value: PlanValue?, _ what: String) throws(PlanProblem) -> Bool {
    guard let value else { return false }
    guard case .bool(let flag) = value else {
      throw PlanProblem(.structure("\(what) is true or false, not \(value.kind)"))
    }
    return flag
  }

  /// A number with 32 binary places.
  private func fixed(
    _ value: PlanValue, _ what: String, _ range: ClosedRange<Double>
  ) throws(PlanProblem) -> UInt64 {
    let number: Double? =
      switch value {
      case .number(let number): number
      case .integer(let number): Double(number)
      case .text, .bool, .list, .table, .moment: nil
      }
    guard let number, range.contains(number) else {
      throw PlanProblem(
        .range("\(what) is a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))"))
    }
    return UInt64((number * 4_294_967_296).rounded(.down))
  }

  private func pair(_ text: String, _ what: String) throws(PlanProblem) -> (String, String) {
    // A schema may stand in front of the table: what is behind the last dot is the column.
    guard let dot = text.lastIndex(of: "."), dot != text.startIndex, text.index(after: dot) != text.endIndex
    else {
      throw PlanProblem(.structure("\(what): \"\(text)\" is not of the form table.column"))
    }
    return (String(text[..<dot]), String(text[text.index(after: dot)...]))
  }
}
