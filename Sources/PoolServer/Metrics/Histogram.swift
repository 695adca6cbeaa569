/// How long something took, many times over: counts in fixed buckets, from 16 µs to 134 s, two for each doubling.
///
/// A plain value without memory of its own, so that recording touches no allocator and a snapshot is a copy.
/// A bucket holds what is at most its bound, as OpenMetrics wants it (`le`).
package struct Histogram: Sendable {
  /// Buckets with a bound; one more takes what is longer than the last bound.
  package static let boundedBuckets = 47
  private static let firstBoundMicroseconds: UInt64 = 16

  private var counts = InlineArray<48, UInt64>(repeating: 0)
  /// How many were recorded.
  package private(set) var count: UInt64 = 0
  /// All durations together, in nanoseconds; wraps after 584 years.
  package private(set) var sumNanoseconds: UInt64 = 0
  /// The longest, in nanoseconds.
  package private(set) var longestNanoseconds: UInt64 = 0

  package init() {}

  /// Adds one duration. Constant time.
  @inline(__always)
  package mutating func record(_ nanoseconds: UInt64) {
    counts[Self.bucket(of: nanoseconds)] &+= 1
    count &+= 1
    sumNanoseconds &+= nanoseconds
    if nanoseconds > longestNanoseconds { longestNanoseconds = nanoseconds }
  }

  /// What was recorded elsewhere.
  package mutating func add(_ other: Histogram) {
    for bucket in 0...Self.boundedBuckets { counts[bucket] &+= other.counts[bucket] }
    count &+= other.count
    sumNanoseconds &+= other.sumNanoseconds
    longestNanoseconds = max(longestNanoseconds, other.longestNanoseconds)
  }

  /// The bucket whose bound is the least that is not below the duration.
  @inline(__always)
  static func bucket(of nanoseconds: UInt64) -> Int {
    guard nanoseconds > firstBoundMicroseconds * 1_000 else { return 0 }
    // One nanosecond less, so that a bound itself still belongs to the bucket below it.
    let microseconds = (nanoseconds &- 1) / 1_000
    let exponent = 63 &- microseconds.leadingZeroBitCount
    let half = Int(truncatingIfNeeded: (microseconds >> UInt64(truncatingIfNeeded: exponent &- 1)) & 1)
    return min(1 &+ (exponent &- 4) &* 2 &+ half, boundedBuckets)
  }

  /// A bucket's upper bound in microseconds: 16, 24, 32, 48, 64 …; `nil` for the last bucket, which has none.
  package static func boundMicroseconds(_ bucket: Int) -> UInt64? {
    guard bucket >= 0, bucket < boundedBuckets else { return nil }
    let doublings = UInt64(bucket / 2)
    let base = firstBoundMicroseconds << doublings
    return bucket % 2 == 0 ? base : base + base / 2
  }

  /// How many fell into a bucket; 0 to ``boundedBuckets``.
  package func count(inBucket bucket: Int) -> UInt64 {
    precondition(bucket >= 0 && bucket <= Self.boundedBuckets)
    return counts[bucket]
  }

  /// An estimate, in seconds, of the duration that this share (0 to 1) of all did not pass: exact to a bucket's
  /// width, evenly spread within it. `nil` when nothing was recorded.
  package func quantile(_ share: Double) -> Double? {
    guard count > 0 else { return nil }
    let rank = max(1, min(Double(count), (share * Double(count)).rounded(.up)))
    var below: UInt64 = 0
    for bucket in 0...Self.boundedBuckets where counts[bucket] > 0 {
      let upTo = below + counts[bucket]
      if Double(upTo) >= rank {
        let longest = Double(longestNanoseconds) / 1e9
        guard let bound = Self.boundMicroseconds(bucket) else { return longest }
        let lower = bucket == 0 ? 0 : Double(Self.boundMicroseconds(bucket - 1) ?? 0)
        let part = (rank - Double(below)) / Double(counts[bucket])
        return min((lower + (Double(bound) - lower) * part) / 1e6, longest)
      }
      below = upTo
    }
    return Double(longestNanoseconds) / 1e9
  }

  /// The average in seconds; `nil` when nothing was recorded.
  package var mean: Double? {
    count == 0 ? nil : Double(sumNanoseconds) / Double(count) / 1e9
  }
}
