extension SeedPlan {
  /// The columns that number rows, as far as the plan tells without a database: what others refer to, and the
  /// table's own columns do not make.
  package var impliedIdentities: [String: String] {
    var identities: [String: String] = [:]
    func note(_ table: String, _ column: String) {
      guard let plan = self.table(table), plan.parent == nil, plan.column(column) == nil else { return }
      if identities[table] == nil { identities[table] = column }
    }
    for table in tables {
      for column in table.columns {
        switch column.generator {
        case .reference(let other, let name, _, _, _, let matching):
          note(other, name)
          for match in matching { note(other, match.referenced) }
        case .parent(let other, let name): note(other, name)
        case .template(let template):
          for case .member(let owner, let name, _) in template.parts {
            if case .reference(let other, _, _, _, _, _) = table.column(owner)?.generator {
              note(other, name)
            }
          }
        case .choice, .integer, .money, .time, .hex, .uuid, .sum, .multiply, .given, .expression: break
        }
      }
    }
    return identities
  }
}
