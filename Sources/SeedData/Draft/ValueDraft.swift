/// Values for columns that refer to nothing, by type, checks and name.
struct ValueDraft {
  private let table: TableShape
  private let limits: ColumnLimits
  private let clock: String
  /// How many columns come before a column by the checks: `start_date < end_date`.
  private let levels: [String: Int]
  /// Checks from which nothing followed.
  let unread: [String]

  /// What a unique column gets.
  struct Unique {
    var text: String
    /// So many rows can have it at most.
    var most = Int.max
    /// Of several columns the one with the lowest becomes unique.
    var rank: Int
  }

  init(_ table: TableShape, _ limits: ColumnLimits, clock: String) {
    self.table = table
    self.limits = limits
    self.clock = clock
    var levels: [String: Int] = [:]
    // As often as there can be steps; checks that contradict each other end here too.
    for _ in 0..<min(limits.ascending.count, 8) {
      for (first, second) in limits.ascending {
        levels[second] = max(levels[second] ?? 0, (levels[first] ?? 0) + 1)
      }
    }
    if limits.ascending.isEmpty {
      let times = table.columns.filter { Self.isTime($0) }
      if times.contains(where: { Words.isEarly($0.name) }) {
        for column in times where Words.isLate(column.name) { levels[column.name] = 1 }
      }
    }
    self.levels = levels
    unread = table.checks.filter { CheckExpression(definition: $0) == .other }
  }

  private static func isTime(_ column: ColumnShape) -> Bool {
    ["date", "timestamp", "timestamptz"].contains(column.type) && !column.isArray
  }

  // MARK: - Unique values

  /// Nil when the type or a check leaves too few.
  func unique(_ column: ColumnShape) -> Unique? {
    let limit = limits[column.name]
    guard limit.allowed.isEmpty, column.labels.isEmpty else { return nil }
    if case .list(let name, _)? = table.partitions, name == column.name { return nil }
    if column.isArray {
      return Self.isText(column.type) || Self.isNumber(column.type)
        ? Unique(text: "\"{{{n}}}\"", rank: 6) : nil
    }
    switch column.type {
    case "int2", "int4", "int8", "oid", "numeric", "float4", "float8", "money": return uniqueNumber(column)
    case "uuid": return Unique(text: "{ uuid = true }", rank: 1)
    case "date", "timestamp", "timestamptz":
      if case .range(let name, _, _)? = table.partitions, name == column.name { return nil }
      // A Julian day: every row has its own.
      return Unique(text: "\"J245{n:04}\"", most: 9999, rank: 4)
    case "bytea": return Unique(text: "\"\\\\x{n:08}\"", rank: 5)
    case "inet", "cidr": return Unique(text: "\"2001:db8::{n}\"", most: 9999, rank: 3)
    case "macaddr": return Unique(text: "\"0200{n:08}\"", rank: 3)
    case "interval": return Unique(text: "\"{n} minutes\"", rank: 5)
    case "json", "jsonb": return Unique(text: TOMLText.string("{{\"n\": {n}}}"), rank: 6)
    case "int4range", "int8range", "numrange": return Unique(text: "\"[{n},{n}]\"", rank: 5)
    case "ltree": return Unique(text: "\"n{n}\"", rank: 2)
    default: return Self.isText(column.type) ? uniqueText(column) : nil
    }
  }

  private func uniqueNumber(_ column: ColumnShape) -> Unique? {
    let limit = limits[column.name]
    let most = min(Self.most(column), limit.most ?? .infinity)
    guard let least = limit.least, least > 1 else {
      return most >= 1 ? Unique(text: "\"{n}\"", most: Int(min(most, 1e15)), rank: 2) : nil
    }
    let digits = String(Int(min(least, 1e15))).count
    // One digit more than the least: always above it.
    let text = "1" + String(repeating: "9", count: digits)
    guard (Double(text) ?? .infinity) <= most else { return nil }
    return Unique(text: "\"1{n:0\(digits)}\"", most: Self.power(digits) - 1, rank: 2)
  }

  private func uniqueText(_ column: ColumnShape) -> Unique? {
    let limit = limits[column.name]
    if let pattern = limit.pattern {
      guard let sample = PatternSample.template(pattern), sample.hasNumber else { return nil }
      return Unique(text: TOMLText.string(sample.text), most: 999, rank: 0)
    }
    if let prefix = limit.prefix { return Unique(text: TOMLText.string("\(prefix){n}"), rank: 0) }
    let length = min(column.length ?? 1000, limit.mostLength ?? 1000)
    let word = Words.singular(table.name, isLower: true)
    let least = limit.leastLength ?? 0
    let choices: [String] =
      Words.has(column.name, ["mail"])
      ? ["\(word){n}@example.com", "u{n}@example.com"]
      : Words.has(column.name, ["url", "link", "uri", "website"])
        ? ["https://example.com/\(word)/{n}"]
        : Words.has(
          column.name, ["slug", "handle", "login", "username", "code", "key", "sku", "domain", "path"])
          || limit.isLower
          ? ["\(word)-{n}"]
          : Words.has(column.name, ["hash", "token", "digest", "secret"])
            ? ["{n:032}", "{n:016}"] : ["\(Words.title(table.name)) {n}"]
    for choice in choices {
      let written = limit.isUpper ? choice.uppercased().replacing("{N", with: "{n") : choice
      // Six digits are more than a first plan has rows.
      let longest = choice.contains("{n:0") ? (choice.contains("032") ? 32 : 16) : choice.count - 3 + 6
      if longest <= length, choice.count - 3 + 1 >= least {
        return Unique(text: TOMLText.string(written), rank: 0)
      }
    }
    if least > 1, least <= 18, length >= least { return Unique(text: "\"{n:0\(least)}\"", rank: 1) }
    return Unique(text: "\"{n}\"", most: length < 15 ? Self.power(max(length, 1)) - 1 : .max, rank: 1)
  }

  // MARK: - Other values

  /// Nil for a type that has no value that is known here.
  func ordinary(_ column: ColumnShape) -> String? {
    let limit = limits[column.name]
    switch table.partitions {
    case .list(column.name, let values)?: return "{ list = \(TOMLText.list(values)) }"
    case .range(column.name, let from, let to)?:
      if Self.isTime(column) { return "{ time = [\(TOMLText.string(from)), \(TOMLText.string(to))] }" }
      if let from = Int(from), let to = Int(to), from < to { return "{ int = [\(from), \(to - 1)] }" }
    default: break
    }
    if column.isArray { return array(column) }
    if !limit.allowed.isEmpty { return "{ list = \(TOMLText.list(limit.allowed)) }" }
    if !column.labels.isEmpty { return "{ list = \(TOMLText.list(column.labels)) }" }
    if Self.isNumber(column.type) { return number(column) }
    if Self.isText(column.type) { return text(column) }
    switch column.type {
    case "bool": return "{ list = [true, false] }"
    case "date", "timestamp", "timestamptz": return time(column)
    case "time", "timetz": return "{ list = [\"08:00\", \"12:30\", \"17:45\"] }"
    case "interval": return "{ list = [\"15 minutes\", \"1 hour\", \"3 days\"] }"
    case "uuid": return "{ uuid = true }"
    case "json", "jsonb": return TOMLText.string("{{}}")
    case "bytea": return "\"\\\\x{n:08}\""
    case "inet", "cidr": return "{ list = [\"192.0.2.1\", \"192.0.2.7\", \"198.51.100.4\"] }"
    case "macaddr": return "\"0200{n:08}\""
    case "bit": return "\"\(String(repeating: "0", count: column.length ?? 1))\""
    case "varbit": return "\"0\""
    case "tsvector":
      // As a rule a trigger fills it.
      return column.hasDefault || !column.isNotNull ? nil : "{ sql = \"to_tsvector('')\" }"
    case "tsquery", "ltree": return "\"word\""
    case "xml": return "\"<a/>\""
    case "point": return "\"({n},1)\""
    case "box", "lseg": return "\"((0,0),(1,1))\""
    case "circle": return "\"<(0,0),1>\""
    case "path", "polygon": return "\"((0,0),(1,0),(1,1))\""
    case "line": return "\"{{1,1,0}}\""
    case "hstore": return TOMLText.string("\"n\"=>\"{n}\"")
    case "int4range", "int8range", "numrange": return "\"[{n},{n}]\""
    case "daterange", "tsrange", "tstzrange": return "\"empty\""
    default: return nil
    }
  }

  private func array(_ column: ColumnShape) -> String? {
    if let first = column.labels.first { return TOMLText.string("{{\"\(first)\"}}") }
    if Self.isText(column.type) { return "{ list = [\"{}\", \"{red}\", \"{red,blue}\"] }" }
    if Self.isNumber(column.type) { return "{ list = [\"{}\", \"{1}\", \"{1,2,3}\"] }" }
    return "\"{{}}\""
  }

  private func number(_ column: ColumnShape) -> String {
    let limit = limits[column.name]
    var (low, high) = Words.range(column.name)
    let most = min(Self.most(column), limit.most ?? .infinity)
    if let least = limit.least { low = max(low, least) }
    if limit.least == nil, most < low { low = most }
    if high < low { high = low + 100 }
    high = min(high, most)
    if high < low { low = limit.least ?? high }
    if high < low { high = low }
    // Columns that the checks put in order share the range out between them.
    let level = levels[column.name] ?? 0
    let isOrdered = level > 0 || limits.ascending.contains { $0.0 == column.name }
    if isOrdered, high - low >= 8 {
      let step = ((high - low) / 8).rounded(.down)
      let from = low + Double(min(level, 7)) * step
      (low, high) = (from, from + step - 1)
    }
    return "{ int = [\(Int(max(low, -1e15))), \(Int(min(high, 1e15)))] }"
  }

  private func time(_ column: ColumnShape) -> String {
    let limit = limits[column.name]
    if let after = limit.notAfter, CivilTime.second(String(after.prefix(10))) != nil {
      return
        "{ time = [\(TOMLText.string(String((limit.notBefore ?? "1950-01-01").prefix(10)))), \(TOMLText.string(String(after.prefix(10))))] }"
    }
    if let before = limit.notBefore, let second = CivilTime.second(String(before.prefix(10))),
      let now = CivilTime.second(clock), second > now - 730 * CivilTime.secondsPerDay
    {
      let year = String(String(before.prefix(4)).map { $0 })
      return
        "{ time = [\(TOMLText.string(String(before.prefix(10)))), \"\((Int(year) ?? 9000) + 2)-01-01\"] }"
    }
    let level = levels[column.name] ?? 0
    if Words.isFuture(column.name) {
      return "{ time = [\"\(1 + 400 * level)d\", \"\(365 + 400 * level)d\"] }"
    }
    if Words.has(column.name, ["birth", "dob"]) { return "{ time = [\"1950-01-01\", \"2007-12-31\"] }" }
    if Words.has(column.name, ["update", "modif", "changed"]), level == 0,
      let created = table.columns.first(where: {
        $0.type == column.type && Words.has($0.name, ["create", "insert"])
      }),
      created.name != column.name
    {
      return TOMLText.string("{\(created.name)}")
    }
    let start = -730 + 90 * min(level, 7)
    let isOrdered =
      level > 0 || limits.ascending.contains { $0.0 == column.name } || levels.values.contains { $0 > 0 }
    return isOrdered ? "{ time = [\"\(start)d\", \"\(start + 89)d\"] }" : "{ time = [\"-730d\", \"0d\"] }"
  }

  private func text(_ column: ColumnShape) -> String {
    let limit = limits[column.name]
    if let pattern = limit.pattern, let sample = PatternSample.template(pattern) {
      if Words.has(column.name, ["currency"]) { return "{ list = [\"EUR\", \"USD\", \"GBP\"] }" }
      return TOMLText.string(sample.text)
    }
    let length = min(column.length ?? 1000, limit.mostLength ?? 1000)
    let least = limit.leastLength ?? 0
    let value = Words.value(column.name, table: table.name)
    if let prefix = limit.prefix {
      if case .template(let template) = value, template.hasPrefix(prefix) { return TOMLText.string(template) }
      return TOMLText.string("\(prefix){n}")
    }
    func cased(_ text: String) -> String {
      limit.isLower ? text.lowercased() : limit.isUpper ? text.uppercased().replacing("{N", with: "{n") : text
    }
    switch value {
    case .list(let words):
      let fitting = words.map(cased).filter { $0.count <= length && $0.count >= least }
      if !fitting.isEmpty { return "{ list = \(TOMLText.list(fitting)) }" }
    case .template(let template):
      if template.count - 3 + 6 <= length, template.count - 3 + 1 >= least {
        return TOMLText.string(cased(template))
      }
    case .hex(let digits):
      return "{ hex = \(max(min(digits, length), 1)) }"
    }
    if length < 4 {
      return
        "{ list = \(TOMLText.list(["A", "B", "C"].map { cased(String(repeating: $0, count: max(1, min(length, max(least, 1))))) })) }"
    }
    return least > 6
      ? "\"{n:0\(min(least, 18))}\""
      : length < 8 ? "{ hex = \(max(length, least)) }" : TOMLText.string(cased("text {n}"))
  }

  // MARK: - Types

  static func isText(_ type: String) -> Bool {
    ["text", "varchar", "bpchar", "citext", "name"].contains(type)
  }

  static func isNumber(_ type: String) -> Bool {
    ["int2", "int4", "int8", "numeric", "float4", "float8", "money", "oid"].contains(type)
  }

  /// The largest whole number of a type.
  private static func most(_ column: ColumnShape) -> Double {
    switch column.type {
    case "int2": return 32_767
    case "int4", "oid", "money": return 2_147_483_647
    case "numeric":
      guard let digits = column.length else { return 1e15 }
      return digits - column.scale <= 0
        ? 0 : digits - column.scale > 15 ? 1e15 : Double(power(digits - column.scale) - 1)
    default: return 1e15
    }
  }

  private static func power(_ digits: Int) -> Int {
    (0..<min(digits, 18)).reduce(1) { product, _ in product * 10 }
  }
}
