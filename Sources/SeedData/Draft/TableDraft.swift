/// One table of a draft.
struct TableDraft {
  private let table: TableShape
  private let limits: ColumnLimits
  private let values: ValueDraft
  /// Rows of the tables that were drafted before.
  private let parents: [String: Int]
  private(set) var rows: Int
  private var key: [String] = []
  /// What stands behind each column's name.
  private var assigned: [String: Value] = [:]
  /// Columns that stay NULL, or that the server fills.
  private var left: Set<String> = []

  private enum Value {
    case text(String)
    case reference(Lead)
  }

  /// A column that picks a row of another table.
  private struct Lead {
    var column: String
    var source: String
    var key: TableShape.ForeignKey
    var isDistinct = false
    var isDealt = false
    var matches: [(referenced: String, own: String)] = []
    var isSometimesNull = false
  }

  init(_ table: TableShape, rows: Int, of parents: [String: Int], clock: String) {
    self.table = table
    self.rows = rows
    self.parents = parents
    limits = ColumnLimits(table)
    values = ValueDraft(table, limits, clock: clock)
  }

  /// - Parameters:
  ///   - isReferencedTogether: columns that other tables refer to together with others.
  ///   - known: the tables that the plan has.
  mutating func work(isReferencedTogether: Set<String>, known: Set<String>) {
    for column in table.columns where column.isGenerated || limits[column.name].isEmpty {
      left.insert(column.name)
    }
    refer(isReferencedTogether, known)
    let unique = makeUnique()
    chooseKey()
    for column in table.columns where assigned[column.name] == nil && !left.contains(column.name) {
      if column.isNumbered {
        // The server numbers the rows, unless the number is all that knows them again.
        if key.contains(column.name) {
          assigned[column.name] = .text("\"{n}\"")
        } else {
          left.insert(column.name)
        }
      } else if let value = unique[column.name] {
        assigned[column.name] = .text(value)
      } else if let value = values.ordinary(column) {
        assigned[column.name] = .text(value)
      } else {
        left.insert(column.name)
      }
    }
  }

  // MARK: - Foreign keys

  private mutating func refer(_ isReferencedTogether: Set<String>, _ known: Set<String>) {
    // Keys of several columns come first: what they bring along need not be picked again.
    for key in table.foreignKeys.sorted(by: { $0.columns.count > $1.columns.count }) {
      guard known.contains(key.table) else {
        left.formUnion(key.columns.filter { assigned[$0] == nil && table.column($0)?.isNotNull != true })
        continue
      }
      let pairs = Array(zip(key.columns, key.referenced))
      guard key.columns.allSatisfy({ !left.contains($0) }),
        let lead = pairs.last(where: { assigned[$0.0] == nil })
      else { continue }
      var made = Lead(column: lead.0, source: lead.1, key: key)
      for (own, referenced) in pairs where own != lead.0 {
        if assigned[own] == nil {
          assigned[own] = .text(TOMLText.string("{\(lead.0).\(referenced)}"))
        } else {
          made.matches.append((referenced, own))
        }
      }
      made.isDealt = made.matches.isEmpty && !isReferencedTogether.isDisjoint(with: key.columns)
      made.isSometimesNull =
        key.table == table.name && made.matches.count == key.columns.count - 1
        && table.column(lead.0)?.isNotNull == false
        && !table.uniques.contains { $0.columns.contains(lead.0) }
      assigned[lead.0] = .reference(made)
    }
  }

  // MARK: - Unique columns

  /// Sees to it that no unique index gets a value twice.
  /// - Returns: what columns of their own get for it.
  private mutating func makeUnique() -> [String: String] {
    var unique: [String: String] = [:]
    var setsOfReferences = 0
    for index in table.uniques {
      let columns = index.columns.filter { !left.contains($0) }
      if columns.isEmpty { continue }
      if columns.contains(where: {
        unique[$0] != nil || table.column($0)?.isNumbered == true && assigned[$0] == nil
      }) {
        continue
      }
      let free = columns.filter { assigned[$0] == nil }.compactMap { table.column($0) }
        .compactMap { column in values.unique(column).map { (column.name, $0) } }
        .min { $0.1.rank < $1.1.rank }
      if let (name, value) = free {
        unique[name] = value.text
        rows = min(rows, value.most)
        continue
      }
      var most = 1
      var leads = 0
      for name in columns {
        guard case .reference(var lead)? = assigned[name], lead.matches.isEmpty else { continue }
        lead.isDistinct = true
        lead.isDealt = false
        assigned[name] = .reference(lead)
        let (product, overflow) = most.multipliedReportingOverflow(
          by: parents[lead.key.table] ?? (lead.key.table == table.name ? rows : 1))
        most = overflow ? .max : product
        leads += 1
      }
      setsOfReferences += leads > 0 ? 1 : 0
      rows = min(rows, leads > 0 ? most : 1)
    }
    if setsOfReferences > 1 {
      // Combinations are gone through for all of them together; below this each is distinct by itself.
      for value in assigned.values {
        if case .reference(let lead) = value, lead.isDistinct {
          rows = min(rows, parents[lead.key.table] ?? 1)
        }
      }
    }
    return unique
  }

  /// A key that means something is better than a number.
  private mutating func chooseKey() {
    let keys = PlanDraft.keys(of: table).filter { $0.columns.allSatisfy { !left.contains($0) } }
    let meaningful = keys.first { unique in
      unique.columns.allSatisfy { name in
        table.column(name).map { $0.isNotNull && (!$0.isNumbered || assigned[name] != nil) } ?? false
      }
    }
    key = (meaningful ?? keys.first)?.columns ?? []
  }

  // MARK: - Text

  var lines: [String] {
    var lines = [
      "", "[[table]]", "name = \(TOMLText.string(table.name))", "rows = \(rows)",
      "key  = \(TOMLText.list(key))",
    ]
    lines.append("[table.columns]")
    let width =
      table.columns.filter { assigned[$0.name] != nil }.map { TOMLText.key($0.name).count }.max() ?? 0
    for column in table.columns {
      guard let value = assigned[column.name] else {
        if left.contains(column.name), column.isNotNull, !column.hasDefault, !column.isGenerated,
          !column.isNumbered
        {
          lines.append("# \(TOMLText.key(column.name)) = ?   # \(column.type): a value must be found by hand")
        }
        continue
      }
      let name = TOMLText.key(column.name)
      lines.append(name + String(repeating: " ", count: width - name.count) + " = " + text(value))
    }
    for check in values.unread {
      lines.append("# not looked after: \(check.split(whereSeparator: \.isNewline).joined(separator: " "))")
    }
    return lines
  }

  private func text(_ value: Value) -> String {
    switch value {
    case .text(let text): return text
    case .reference(let lead):
      var text = "{ ref = \(TOMLText.string(lead.key.table + "." + lead.source))"
      if lead.isDistinct { text += ", distinct = true" }
      if lead.isDealt { text += ", deal = true" }
      if !lead.matches.isEmpty {
        let pairs = lead.matches.map { "\(TOMLText.key($0.referenced)) = \(TOMLText.string($0.own))" }
        text += ", match = { \(pairs.joined(separator: ", ")) }"
      }
      if lead.isSometimesNull { text += ", null = 0.2" }
      return text + " }"
    }
  }
}
