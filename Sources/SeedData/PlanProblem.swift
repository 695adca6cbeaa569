/// What is wrong with a plan, as a fact and a place in it. Text is made here and nowhere else.
package struct PlanProblem: Error, Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    case csv(line: Int, String)
    case unknownList(String)
    case unknownField(list: String, field: String, known: [String])
    case unknownColumn(table: String, column: String)
    case unknownTable(String)
    case duplicateTable(String)
    case template(String, reason: String)
    case cycle([String])
    case tableCycle([String])
    case range(String)
    case notANumber(String)
    case noRows(table: String)
    case key(String)
    case structure(String)
  }

  package let kind: Kind
  package var table: String?
  package var column: String?

  package init(_ kind: Kind, table: String? = nil, column: String? = nil) {
    self.kind = kind
    self.table = table
    self.column = column
  }

  /// The same problem, placed, unless it knows its place already.
  func at(_ table: String, _ column: String? = nil) -> PlanProblem {
    self.table != nil ? self : PlanProblem(kind, table: table, column: column)
  }

  /// `products.sku: there is no list "product"`
  package var message: String {
    guard let table else { return fact }
    return table + (column.map { ".\($0)" } ?? "") + ": " + fact
  }

  package var hint: String? {
    switch kind {
    case .unknownList: "name it under [lists]"
    case .unknownField(_, _, let known): "the list has \(known.joined(separator: ", "))"
    case .noRows(let table): "ask for some: --rows \(table)=N"
    case .tableCycle:
      "one column of the circle must be allowed to be NULL, or one of its foreign keys be DEFERRABLE"
    case .csv, .unknownColumn, .unknownTable, .duplicateTable, .template, .cycle, .range, .notANumber, .key,
      .structure:
      nil
    }
  }

  private var fact: String {
    switch kind {
    case .csv(_, let reason): reason
    case .unknownList(let name): "there is no list \"\(name)\""
    case .unknownField(let list, let field, _): "the list \"\(list)\" has no field \"\(field)\""
    case .unknownColumn(let table, let column): "\(table) has no column \"\(column)\" that the plan makes"
    case .unknownTable(let name): "there is no table \"\(name)\" in the plan"
    case .duplicateTable(let name): "table \"\(name)\" stands in the plan twice"
    case .template(let text, let reason): "the template \"\(text)\" \(reason)"
    case .cycle(let columns): "the value depends on itself: \(columns.joined(separator: " → "))"
    case .tableCycle(let tables): "tables refer to each other in a circle: \(tables.joined(separator: " → "))"
    case .range(let reason): reason
    case .notANumber(let text): "\"\(text)\" is not a whole number"
    case .noRows(let table): "it refers to \(table), of which the plan makes no rows"
    case .key(let reason): reason
    case .structure(let reason): reason
    }
  }
}
