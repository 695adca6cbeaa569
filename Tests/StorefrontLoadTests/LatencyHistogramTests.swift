import StorefrontLoad
import Testing

@Suite("The latency histogram") struct LatencyHistogramTests {
  @Test("nothing recorded has percentile 0")
  func empty() {
    #expect(LatencyHistogram().percentile(50) == 0)
    #expect(LatencyHistogram().count == 0)
  }

  @Test("up to 63 µs every value is exact")
  func exact() {
    var histogram = LatencyHistogram()
    for value in 1...50 { histogram.record(microseconds: UInt64(value)) }
    #expect(histogram.percentile(2) == 1)
    #expect(histogram.percentile(50) == 25)
    #expect(histogram.percentile(98) == 49)
    #expect(histogram.percentile(100) == 50)
  }

  @Test(
    "a percentile is never below the value, and at most 1/32 above it",
    arguments: [64, 65, 100, 127, 128, 1000, 4095, 4096, 123_456, 1_000_000, 66_999_999] as [UInt64])
  func precision(value: UInt64) {
    var histogram = LatencyHistogram()
    histogram.record(microseconds: value)
    histogram.record(microseconds: .max)
    let found = histogram.percentile(50)
    #expect(found >= value)
    #expect(found - value <= value / 32)
  }

  @Test("a percentile never passes the largest value")
  func clipped() {
    var histogram = LatencyHistogram()
    histogram.record(microseconds: 1000)
    #expect(histogram.percentile(99) == 1000)
    #expect(histogram.maximum == 1000)
  }

  @Test("hours are counted in the last bucket, and the largest is still known")
  func beyond() {
    var histogram = LatencyHistogram()
    histogram.record(microseconds: 7_200_000_000)
    histogram.record(microseconds: .max)
    #expect(histogram.count == 2)
    #expect(histogram.maximum == .max)
  }

  @Test("merging is as recording everything in one")
  func merging() {
    var one = LatencyHistogram()
    var other = LatencyHistogram()
    var both = LatencyHistogram()
    for value in stride(from: 10 as UInt64, to: 100_000, by: 37) {
      if value % 2 == 0 { one.record(microseconds: value) } else { other.record(microseconds: value) }
      both.record(microseconds: value)
    }
    one.merge(other)
    #expect(one == both)
  }

  @Test("p50, p95 and p99 of a thousand values are where they are")
  func percentiles() {
    var histogram = LatencyHistogram()
    for value in 1...1000 { histogram.record(microseconds: UInt64(value * 1000)) }
    for (percent, value) in [(50.0, 500_000.0), (95, 950_000), (99, 990_000)] {
      let found = Double(histogram.percentile(percent))
      #expect(found >= value && found <= value * 1.032)
    }
  }
}
