/// Picks a row so that row k comes up in proportion to 1 / k^s: few best-sellers, a long tail.
///
/// The first 256 rows have a weight each. After them thirty-two ranges to an octave share one weight,
/// that of their middle, evenly: the table stays small for millions of rows, and the skew is smooth.
struct ZipfTable: Sendable, Equatable {
  private static let exact = 256
  private static let rangesPerOctave = 32

  private let starts: [Int]
  private let widths: [Int]
  private let table: WeightedTable

  /// - Parameters:
  ///   - count: how many rows there are, from 1 to 2³¹.
  ///   - exponent: s, as fixed point with 32 binary places.
  init?(count: Int, exponent: UInt64) {
    guard count >= 1, count <= 1 << 31 else { return nil }
    var starts: [Int] = []
    var widths: [Int] = []
    var weights: [UInt64] = []
    var start = 1
    while start <= count {
      let octave = 1 << (Int.bitWidth - 1 - start.leadingZeroBitCount)
      let width = start <= Self.exact ? 1 : min(max(octave / Self.rangesPerOctave, 1), count - start + 1)
      let middle = UInt64(start + width / 2)
      let product = FixedPoint.log2(middle).multipliedFullWidth(by: exponent)
      let power = product.high >= 1 << 31 ? UInt64.max : (product.high << 32) | (product.low >> 32)
      // No row is out of reach, however steep the curve.
      let weight = max(FixedPoint.inverseExp2(power), 1)
      starts.append(start)
      widths.append(width)
      weights.append(weight * UInt64(width))
      start += width
    }
    guard let table = WeightedTable(weights) else { return nil }
    self.starts = starts
    self.widths = widths
    self.table = table
  }

  /// A row from 1 to the count.
  func row(_ bits: UInt64) -> Int {
    let found = table.find(bits)
    let perRow = found.weight / UInt64(widths[found.index])
    return starts[found.index] + min(Int(found.offset / perRow), widths[found.index] - 1)
  }
}
