/// How often which latency was seen, in microseconds: exact up to 63, above that in steps of at most 1/32 of
/// the value (log-linear), so a quantile is never more than 3.2 % too high. Small, and merging is adding.
package struct LatencyHistogram: Sendable, Equatable {
  private static let linear = 64
  private static let stepsPerDoubling = 32
  /// Doublings above 64 µs; the last bucket holds everything from 67 s on.
  private static let doublings = 20

  private var counts = [UInt64](repeating: 0, count: linear + doublings * stepsPerDoubling)
  package private(set) var count: UInt64 = 0
  /// The largest value, exactly.
  package private(set) var maximum: UInt64 = 0

  package init() {}

  package mutating func record(microseconds value: UInt64) {
    counts[Self.bucket(of: value)] += 1
    count += 1
    maximum = max(maximum, value)
  }

  package mutating func merge(_ other: LatencyHistogram) {
    for index in counts.indices { counts[index] += other.counts[index] }
    count += other.count
    maximum = max(maximum, other.maximum)
  }

  /// The microseconds that at least `percent` of 100 of all values do not pass; 0 when there are none.
  package func percentile(_ percent: Double) -> UInt64 {
    guard count > 0 else { return 0 }
    let wanted = (Double(count) * min(max(percent, 0), 100) / 100).rounded(.up)
    var seen: UInt64 = 0
    for (bucket, number) in counts.enumerated() where number > 0 {
      seen += number
      if Double(seen) >= wanted { return min(Self.upperBound(of: bucket), maximum) }
    }
    return maximum
  }

  private static func bucket(of value: UInt64) -> Int {
    if value < UInt64(linear) { return Int(value) }
    let doubling = 63 - value.leadingZeroBitCount - 6
    guard doubling < doublings else { return linear + doublings * stepsPerDoubling - 1 }
    // The five bits below the highest one.
    let step = Int(value >> UInt64(doubling + 1)) & (stepsPerDoubling - 1)
    return linear + doubling * stepsPerDoubling + step
  }

  /// The largest value that falls into the bucket.
  private static func upperBound(of bucket: Int) -> UInt64 {
    guard bucket >= linear else { return UInt64(bucket) }
    let (doubling, step) = (bucket - linear).quotientAndRemainder(dividingBy: stepsPerDoubling)
    return (UInt64(stepsPerDoubling + step + 1) << UInt64(doubling + 1)) - 1
  }
}
