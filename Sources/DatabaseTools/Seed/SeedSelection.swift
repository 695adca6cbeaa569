package import SeedData

extension SeedPlanFile {
  /// The tables that a run needs, and those of them that it fills.
  /// - Throws: `Failure` for names that the plan does not have: the command line is wrong.
  package func selection(_ request: SeedRequest) throws(Failure) -> (plan: SeedPlan, selected: [String]) {
    var plan = self.plan
    if let seed = request.seed { plan.seed = seed }
    let names = plan.tables.map(\.name)
    for name in request.rows.keys.sorted() {
      guard let table = plan.table(name) else {
        throw .usage("the plan has no table \(name)", hint: "it has \(names.joined(separator: ", "))")
      }
      if let parent = table.parent {
        throw .usage(
          "the rows of \(name) follow from \(parent)", hint: "ask for more of these: --rows \(parent)=N")
      }
    }
    guard let only = request.only else { return (plan, names) }
    if only.isEmpty {
      throw .usage("--only names no table", hint: "the plan has \(names.joined(separator: ", "))")
    }
    for name in only where !names.contains(name) {
      throw .usage("the plan has no table \(name)", hint: "it has \(names.joined(separator: ", "))")
    }
    if request.task == .load || request.task == .dryRun {
      for name in only {
        for summed in plan.table(name)?.summedTables ?? [] where !only.contains(summed) {
          throw .usage(
            "\(name) adds up rows of \(summed), which would not be made",
            hint: "name both: --only \(name),\(summed)")
        }
      }
    }
    var needed = Set(only)
    var open = only
    while let name = open.popLast() {
      for other in (plan.table(name)?.neededTables ?? []) + (plan.table(name)?.summedTables ?? [])
      where needed.insert(other).inserted { open.append(other) }
    }
    plan.tables.removeAll { !needed.contains($0.name) }
    return (plan, only)
  }
}
