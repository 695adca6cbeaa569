/// A first plan for tables that nobody has written one for: it runs as it is, and is there to be changed.
///
/// What makes it run: keys and unique columns get the row's number in some form, foreign keys refer to rows of the
/// plan (those of several columns to one and the same row), and checks are kept as far as they are understood.
package struct PlanDraft {
  private let tables: [TableShape]
  private let clock: String
  /// Tables that are left out, and why.
  private var omitted: [(table: String, reason: String)] = []

  private static let usualRows = 100

  /// - Parameter clock: what "now" means in the plan, such as `2025-11-28T00:00:00Z`.
  package init(_ tables: [TableShape], clock: String) {
    self.clock = clock
    var left = tables
    while true {
      let names = Set(left.map(\.name))
      let gone = left.compactMap { table -> (table: String, reason: String)? in
        if Self.keys(of: table).isEmpty {
          return (table.name, "it has no unique index that could know its rows again")
        }
        for key in table.foreignKeys where !names.contains(key.table) {
          let mustHave = key.columns.allSatisfy {
            table.column($0).map { $0.isNotNull && !$0.isGenerated } ?? false
          }
          if mustHave { return (table.name, "it needs rows of \(key.table), which is left out") }
        }
        return nil
      }
      if gone.isEmpty { break }
      omitted += gone
      left.removeAll { table in gone.contains { $0.table == table.name } }
    }
    self.tables = left
  }

  /// The unique indexes by which rows can be known again.
  static func keys(of table: TableShape) -> [TableShape.Unique] {
    table.uniques.filter { unique in
      unique.isKey
        && unique.columns.allSatisfy { name in
          table.column(name).map { !$0.isGenerated } ?? false
        }
    }
  }

  /// The plan's text.
  package var text: String {
    var lines = [
      "# Made from the schema by dbtool seed --init. It runs as it is; change what shall look different.",
      "# What can stand in it is in docs/seed.md.",
      "", "version = 1", "seed    = 1",
      "clock   = \"\(clock)\"   # what \"now\" means, so that a run can be repeated",
    ]
    for (table, reason) in omitted { lines += ["", "# \(table) is left out: \(reason)."] }
    let names = tables.map(\.name)
    let needs = tables.flatMap { table in
      table.foreignKeys.map { TableOrder.Need(from: table.name, to: $0.table, isDeferred: true) }
    }
    // Every need may give way here, so no circle is an error.
    let order = (try? TableOrder.order(names, needs: needs).tables) ?? names
    var rows: [String: Int] = [:]
    for name in order {
      guard let table = tables.first(where: { $0.name == name }) else { continue }
      var draft = TableDraft(table, rows: Self.usualRows, of: rows, clock: clock)
      draft.work(isReferencedTogether: referencedTogether(name), known: Set(names))
      rows[name] = draft.rows
      lines += draft.lines
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The columns of a table that foreign keys of several columns refer to.
  private func referencedTogether(_ name: String) -> Set<String> {
    var columns: Set<String> = []
    for table in tables {
      for key in table.foreignKeys where key.table == name && key.columns.count > 1 {
        columns.formUnion(key.referenced)
      }
    }
    return columns
  }
}

/// Text as TOML has it.
enum TOMLText {
  static func string(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  static func key(_ name: String) -> String {
    let isBare =
      !name.isEmpty
      && name.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
      }
    return isBare ? name : string(name)
  }

  static func list(_ values: [String]) -> String {
    "[" + values.map { string($0) }.joined(separator: ", ") + "]"
  }
}
