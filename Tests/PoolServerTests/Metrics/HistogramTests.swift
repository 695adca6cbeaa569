import PoolCore
import Testing

@testable import PoolServer

@Suite("Histograms")
struct HistogramTests {
  @Test(
    "a duration falls into the first bucket whose bound it does not pass",
    arguments: [
      (0, 16), (1, 16), (16_000, 16), (16_001, 24), (24_000, 24), (24_001, 32), (32_000, 32), (32_001, 48),
      (1_000_000, 1_024), (1_024_001, 1_536), (1_000_000_000, 1_048_576), (134_217_728_000, 134_217_728),
    ] as [(UInt64, UInt64)])
  func buckets(nanoseconds: UInt64, microseconds: UInt64) {
    #expect(Histogram.boundMicroseconds(Histogram.bucket(of: nanoseconds)) == microseconds)
  }

  @Test(
    "what is longer than the last bound falls into the bucket without one",
    arguments: [134_217_728_001, .max] as [UInt64])
  func overflow(nanoseconds: UInt64) {
    #expect(Histogram.bucket(of: nanoseconds) == Histogram.boundedBuckets)
    #expect(Histogram.boundMicroseconds(Histogram.boundedBuckets) == nil)
  }

  @Test("bounds grow, and each bound belongs to its own bucket")
  func bounds() {
    var before: UInt64 = 0
    for bucket in 0..<Histogram.boundedBuckets {
      let bound = Histogram.boundMicroseconds(bucket) ?? 0
      #expect(bound > before)
      #expect(Histogram.bucket(of: bound * 1_000) == bucket)
      #expect(Histogram.bucket(of: bound * 1_000 + 1) == bucket + 1)
      before = bound
    }
  }

  @Test("quantiles are right to a bucket's width: half of what they tell")
  func quantiles() throws {
    var histogram = Histogram()
    for milliseconds in UInt64(1)...1_000 { histogram.record(milliseconds * 1_000_000) }
    for (share, exact) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99), (1, 1)] {
      let estimate = try #require(histogram.quantile(share))
      #expect(abs(estimate - exact) / exact < 0.05, "\(share): \(estimate)")
    }
    #expect(histogram.count == 1_000)
    #expect(try #require(histogram.mean) == 0.5005)
    #expect(histogram.longestNanoseconds == 1_000_000_000)
  }

  @Test("a quantile is never longer than the longest")
  func longest() {
    var histogram = Histogram()
    histogram.record(1_100_000)
    #expect(histogram.quantile(0.99) == 0.0011)
    histogram.record(200_000_000_000)
    #expect(histogram.quantile(1) == 200)
  }

  @Test("nothing recorded has no quantile and no average")
  func empty() {
    #expect(Histogram().quantile(0.5) == nil)
    #expect(Histogram().mean == nil)
  }

  @Test("counters wrap, they do not trap")
  func wrapping() {
    var histogram = Histogram()
    histogram.record(.max)
    histogram.record(.max)
    #expect(histogram.count == 2)
  }

  @Test("there is room for every reason to pin")
  func pins() {
    var pins = PinCounts()
    for reason in PinReason.allCases {
      #expect(Int(reason.rawValue) < PinCounts.capacity)
      pins.add(reason)
      pins.add(reason)
    }
    #expect(pins.byReason.allSatisfy { $0.count == 2 })
    #expect(pins.total == UInt64(2 * PinReason.allCases.count))
  }
}
