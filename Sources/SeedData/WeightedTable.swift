/// Picks an index by weight: index `i` comes up `weights[i]` times out of their sum.
struct WeightedTable: Sendable, Equatable {
  /// Running sums, ascending; the last is the total.
  private let sums: [UInt64]

  /// Nil when there is no weight above 0, or their sum passes 2⁶².
  init?(_ weights: [UInt64]) {
    var sums: [UInt64] = []
    sums.reserveCapacity(weights.count)
    var total: UInt64 = 0
    for weight in weights {
      let (sum, overflow) = total.addingReportingOverflow(weight)
      guard !overflow, sum < 1 << 62 else { return nil }
      total = sum
      sums.append(sum)
    }
    guard total > 0 else { return nil }
    self.sums = sums
  }

  /// - Parameter bits: sixty-four even bits.
  func index(_ bits: UInt64) -> Int { find(bits).index }

  /// The index, how far into its weight the pick fell, and that weight.
  func find(_ bits: UInt64) -> (index: Int, offset: UInt64, weight: UInt64) {
    let target = bits.multipliedFullWidth(by: sums[sums.count - 1]).high
    var low = 0
    var high = sums.count - 1
    while low < high {
      let middle = (low + high) / 2
      if sums[middle] > target { high = middle } else { low = middle + 1 }
    }
    let before = low == 0 ? 0 : sums[low - 1]
    return (low, target - before, sums[low] - before)
  }
}
