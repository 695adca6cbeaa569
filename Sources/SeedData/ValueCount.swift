extension CompiledPlan {
  /// How many different combinations of values some columns of a table can take at most, as far as the plan
  /// tells; nil when there is no telling, or no end.
  ///
  /// It says when a unique column is bound to get a value twice. That it does not is not proved: values that
  /// are drawn may be drawn twice.
  package func mostValues(of columns: [String], in table: String) -> Int? {
    guard let index = index(of: table), tables[index].parent == nil else { return nil }
    var most = 1
    for name in columns {
      guard let column = tables[index].columns.firstIndex(where: { $0.name == name }),
        let values = values(column, of: index), let product = Self.product(most, values)
      else { return nil }
      most = product
    }
    return most
  }

  private func values(_ column: Int, of table: Int) -> Int? {
    let compiled = tables[table].columns[column]
    // NULL is not equal to itself.
    if compiled.nullShare > 0 { return nil }
    switch compiled.operation {
    case .choice(let values, _): return Set(values).count
    case .integer(.value(let low), .value(let high)):
      let (span, overflow) = high.subtractingReportingOverflow(low)
      return overflow || span == .max ? nil : Int(span) + 1
    case .hex(let digits): return digits < 15 ? 1 << (4 * digits) : nil
    case .reference(let reference): return reference.count
    case .given(let values): return values.contains(nil) ? nil : Set(values).count
    case .template(let parts):
      var most = 1
      for part in parts {
        let values: Int? =
          switch part {
          case .text: 1
          case .rowNumber, .line: nil
          case .column(let index, _): self.values(index, of: table)
          case .list(_, let texts): Set(texts).count
          case .referenced(_, let reference, _, _): reference.count
          }
        guard let values, let product = Self.product(most, values) else { return nil }
        most = product
      }
      return most
    case .integer, .money, .time, .uuid, .parent, .sum, .multiply, .expression: return nil
    }
  }

  private static func product(_ one: Int, _ other: Int) -> Int? {
    let (product, overflow) = one.multipliedReportingOverflow(by: other)
    return overflow ? nil : product
  }
}
