import SeedData

/// Tables that are loaded together, range by range: one that stands by itself, with those whose rows belong to its rows.
/// A range of it and of theirs is one transaction, so that no parent is ever there without its lines.
struct SeedFamily: Equatable {
  /// The parent first.
  var tables: [String]
  /// Rows refer to rows of the same table, so ranges cannot be loaded side by side.
  var isWhole: Bool

  /// The families in the order in which they can be loaded.
  /// - Parameter needs: what rows of each table need.
  /// - Returns: nil when they go round in a circle: only one transaction can load such tables.
  static func all(
    _ plan: CompiledPlan, _ selected: [String], needs: [TableOrder.Need]
  ) -> [SeedFamily]? {
    func root(_ name: String) -> String {
      guard let index = plan.index(of: name), let parent = plan.tables[index].parent else { return name }
      return plan.tables[parent].name
    }
    var names: [String] = []
    for name in selected where !names.contains(root(name)) { names.append(root(name)) }
    let between = needs.map { TableOrder.Need(from: root($0.from), to: root($0.to)) }
    guard let order = try? TableOrder.order(names, needs: between) else { return nil }
    return order.tables.map { name in
      let members = selected.filter { root($0) == name }
      return SeedFamily(
        tables: members.filter { $0 == name } + members.filter { $0 != name },
        isWhole: needs.contains { need in
          members.contains(need.from) && members.contains(need.to)
            && !(need.to == name && need.from != name)
        })
    }
  }

  /// The ranges of row numbers that are loaded one by one.
  /// - Parameters:
  ///   - added: the rows that each of the tables gets.
  ///   - jobs: how many work at it.
  static func pieces(_ added: [[ClosedRange<Int>]], isWhole: Bool, jobs: Int) -> [ClosedRange<Int>] {
    let first = added.compactMap { $0.first?.lowerBound }.min()
    let last = added.compactMap { $0.last?.upperBound }.max()
    guard let first, let last else { return [] }
    if isWhole { return [first...last] }
    // Several for each, so that none is left with all the rest; not so small that commits count.
    let size = min(max((last - first + 1) / (jobs * 4), 1_000), 50_000)
    return stride(from: first, through: last, by: size).map { $0...min($0 + size - 1, last) }
  }

  /// The part of `ranges` that lies in `piece`.
  static func part(_ ranges: [ClosedRange<Int>], of piece: ClosedRange<Int>) -> [ClosedRange<Int>] {
    ranges.compactMap { range in
      range.overlaps(piece) ? range.clamped(to: piece) : nil
    }
  }
}
