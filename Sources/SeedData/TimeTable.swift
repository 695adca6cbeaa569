/// A ``TimeRule`` made ready: weights of days and hours as running sums.
struct TimeTable: Sendable {
  private let from: Int64
  private let to: Int64
  private let firstDay: Int64
  private let dayCount: UInt64
  private let days: WeightedTable?
  private let hours: WeightedTable?
  private let isEven: Bool

  init(_ rule: TimeRule) throws(PlanProblem) {
    guard rule.from <= rule.to, CivilTime.range.contains(rule.from), CivilTime.range.contains(rule.to) else {
      throw PlanProblem(.range("the time range ends before it starts, or leaves the years 1 to 9999"))
    }
    from = rule.from
    to = rule.to
    firstDay = CivilTime.day(ofSecond: rule.from)
    let lastDay = CivilTime.day(ofSecond: max(rule.to - 1, rule.from))
    dayCount = UInt64(lastDay - firstDay + 1)
    isEven = rule.hours.isEmpty && rule.peaks.isEmpty
    if rule.hours.isEmpty {
      hours = nil
    } else {
      guard rule.hours.count == 24, let table = WeightedTable(rule.hours) else {
        throw PlanProblem(.range("hours needs twenty-four weights, not all of them 0"))
      }
      hours = table
    }
    if rule.peaks.isEmpty {
      days = nil
    } else {
      guard dayCount <= 100_000 else {
        throw PlanProblem(.range("peak needs a range of at most 100,000 days"))
      }
      var weights = [UInt64](repeating: 1, count: Int(dayCount))
      for peak in rule.peaks where (firstDay...lastDay).contains(peak.day) {
        weights[Int(peak.day - firstDay)] = peak.times
      }
      guard let table = WeightedTable(weights) else {
        throw PlanProblem(.range("the weights of the days add up to nothing, or to more than 2⁶²"))
      }
      days = table
    }
  }

  /// Seconds since 1970.
  func second(_ stream: CounterStream, _ address: RowAddress) -> Int64 {
    guard to > from else { return from }
    if isEven { return from + Int64(stream.draw(address, 0, below: UInt64(to - from))) }
    let bits = stream.draw(address, 0)
    let day =
      firstDay + (days.map { Int64($0.index(bits)) } ?? Int64(bits.multipliedFullWidth(by: dayCount).high))
    let hour =
      hours.map { Int64($0.index(stream.draw(address, 1))) } ?? Int64(stream.draw(address, 1, below: 24))
    let second = day * CivilTime.secondsPerDay + hour * 3600 + Int64(stream.draw(address, 2, below: 3600))
    // The first and the last day may be parts of a day.
    return min(max(second, from), to - 1)
  }
}
