/// Finds a column whose value needs itself, over however many columns and tables.
struct DependencyCheck {
  private struct Node: Hashable {
    var table: Int
    var column: Int
  }

  private let tables: [CompiledTable]

  init(_ tables: [CompiledTable]) { self.tables = tables }

  /// - Throws: `PlanProblem.cycle`.
  func run() throws(PlanProblem) {
    var finished: Set<Node> = []
    for table in tables.indices {
      for column in tables[table].columns.indices {
        var path: [Node] = []
        try visit(Node(table: table, column: column), &path, &finished)
      }
    }
  }

  private func visit(_ node: Node, _ path: inout [Node], _ finished: inout Set<Node>) throws(PlanProblem) {
    if finished.contains(node) { return }
    if let start = path.firstIndex(of: node) {
      let names = (path[start...] + [node]).map {
        tables[$0.table].name + "." + tables[$0.table].columns[$0.column].name
      }
      throw PlanProblem(
        .cycle(names), table: tables[node.table].name, column: tables[node.table].columns[node.column].name)
    }
    path.append(node)
    for next in needs(of: node) { try visit(next, &path, &finished) }
    path.removeLast()
    finished.insert(node)
  }

  private func needs(of node: Node) -> [Node] {
    func target(_ table: Int, _ column: ColumnIndex) -> [Node] {
      switch column {
      case .identity: []
      case .made(let index): [Node(table: table, column: index)]
      }
    }
    switch tables[node.table].columns[node.column].operation {
    case .choice, .integer, .money, .time, .hex, .uuid, .given, .expression: return []
    case .reference(let reference):
      return target(reference.table, reference.column)
        + reference.matches.flatMap { match in
          [Node(table: node.table, column: match.own)] + target(reference.table, match.referenced)
        }
    case .parent(let table, let column), .sum(let table, let column): return target(table, column)
    case .multiply(let columns): return columns.map { Node(table: node.table, column: $0) }
    case .template(let parts):
      return parts.flatMap { part -> [Node] in
        switch part {
        case .text, .rowNumber, .line, .list: []
        case .column(let index, _): [Node(table: node.table, column: index)]
        case .referenced(_, let reference, let column, _):
          target(reference.table, column) + reference.matches.map { Node(table: node.table, column: $0.own) }
        }
      }
    }
  }
}
