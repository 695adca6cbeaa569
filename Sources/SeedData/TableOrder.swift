/// The order in which tables can be filled: each after those that it refers to.
package enum TableOrder {
  /// - Parameters:
  ///   - names: the tables; where the references leave a choice, this order is kept.
  ///   - references: pairs of a table and one that it needs. A table may need itself; names that are not
  ///     among `names` are passed over.
  /// - Throws: `PlanProblem.tableCycle`.
  package static func order(
    _ names: [String], references: [(from: String, to: String)]
  ) throws(PlanProblem) -> [String] {
    var done: [String] = []
    var open = names
    while !open.isEmpty {
      let free = open.firstIndex { name in
        references.allSatisfy { $0.from != name || $0.to == name || !open.contains($0.to) }
      }
      guard let free else { throw PlanProblem(.tableCycle(cycle(open, references))) }
      done.append(open.remove(at: free))
    }
    return done
  }

  /// Every table of `open` needs another of them: following the need leads round.
  private static func cycle(_ open: [String], _ references: [(from: String, to: String)]) -> [String] {
    var path = [open[0]]
    while let last = path.last,
      let next = references.first(where: { $0.from == last && $0.to != last && open.contains($0.to) })?.to
    {
      if let start = path.firstIndex(of: next) { return path[start...] + [next] }
      path.append(next)
    }
    return path
  }
}
