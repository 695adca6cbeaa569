/// The order in which tables can be filled: each after those that it refers to.
package enum TableOrder {
  /// That rows of `from` need rows of `to`.
  package struct Need: Sendable, Equatable {
    package var from: String
    package var to: String
    /// A column that may stay NULL at first and be set when all rows are there; nil when there is none.
    package var waiting: String?
    /// Whether the server looks only when the transaction ends.
    package var isDeferred: Bool

    package init(from: String, to: String, waiting: String? = nil, isDeferred: Bool = false) {
      self.from = from
      self.to = to
      self.waiting = waiting
      self.isDeferred = isDeferred
    }
  }

  package struct Order: Sendable, Equatable {
    package var tables: [String] = []
    /// Columns, by table, that are set in a second pass.
    package var waiting: [String: [String]] = [:]
    /// Whether the server must put off its checks until the transaction ends.
    package var isDeferred = false
  }

  /// - Parameters:
  ///   - names: the tables; where the needs leave a choice, this order is kept.
  ///   - needs: a table may need itself; names that are not among `names` are passed over.
  /// - Throws: `PlanProblem.tableCycle` when tables refer to each other in a circle of which no column may wait.
  package static func order(_ names: [String], needs: [Need]) throws(PlanProblem) -> Order {
    var order = Order()
    var open = names
    var needs = needs.filter { $0.from != $0.to }
    while !open.isEmpty {
      let free = open.firstIndex { name in
        needs.allSatisfy { $0.from != name || !open.contains($0.to) }
      }
      if let free {
        order.tables.append(open.remove(at: free))
        continue
      }
      let round = cycle(open, needs)
      let steps = zip(round, round.dropFirst()).map { step in
        needs.filter { $0.from == step.0 && $0.to == step.1 }
      }
      // Of all steps round the circle one is enough; the server's own deferring costs nothing.
      if let step = steps.first(where: { $0.allSatisfy(\.isDeferred) }) {
        order.isDeferred = true
        needs.removeAll { step.contains($0) }
      } else if let step = steps.first(where: { $0.allSatisfy { $0.isDeferred || $0.waiting != nil } }) {
        order.isDeferred = order.isDeferred || step.contains(where: \.isDeferred)
        for need in step where !need.isDeferred {
          if let column = need.waiting, order.waiting[need.from]?.contains(column) != true {
            order.waiting[need.from, default: []].append(column)
          }
        }
        needs.removeAll { step.contains($0) }
      } else {
        throw PlanProblem(.tableCycle(round), table: round.first)
      }
    }
    return order
  }

  /// Every table of `open` needs another of them: following the need leads round.
  private static func cycle(_ open: [String], _ needs: [Need]) -> [String] {
    var path = [open[0]]
    while let last = path.last,
      let next = needs.first(where: { $0.from == last && open.contains($0.to) })?.to
    {
      if let start = path.firstIndex(of: next) { return path[start...] + [next] }
      path.append(next)
    }
    return path
  }
}
