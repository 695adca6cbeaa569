/// The random numbers of one column: draw `i` of row `n` is a pure function of (seed, table, column, n, i).
///
/// There is no state and no order: rows can be made in any sequence, by any number of workers, on any
/// machine, and come out the same; a new column moves no other. The rule is short enough to write again in
/// a load test's own language, and `seeds/shop.toml` does. It must not change: rows that exist were made
/// by it. Not for secrets: whoever knows the seed knows every value.
package struct CounterStream: Sendable, Equatable {
  private let key: UInt64

  /// FNV-1a over the names, each ended by a zero byte, mixed with the seed.
  package init(seed: UInt64, table: String, column: String) {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for name in [table, column] {
      for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      hash = hash &* 0x100_0000_01B3
    }
    key = mix(hash ^ mix(seed))
  }

  /// Sixty-four even bits.
  package func draw(_ row: RowAddress, _ index: Int = 0) -> UInt64 {
    var state = mix(key &+ UInt64(truncatingIfNeeded: row.number) &* 0x9E37_79B9_7F4A_7C15)
    if row.line != 0 {
      state = mix(state &+ UInt64(truncatingIfNeeded: row.line) &* 0xA076_1D64_78BD_642F)
    }
    return mix(state &+ UInt64(truncatingIfNeeded: index) &* 0xD1B5_4A32_D192_ED03)
  }

  /// A number from 0 up to, not including, `bound`, which is at least 1. The bias is below bound / 2⁶⁴.
  package func draw(_ row: RowAddress, _ index: Int = 0, below bound: UInt64) -> UInt64 {
    draw(row, index).multipliedFullWidth(by: bound).high
  }
}

/// Which row of a table: the n-th, or the line-th row that belongs to the n-th row of the parent table.
package struct RowAddress: Sendable, Equatable, Hashable {
  /// From 1.
  package var number: Int
  /// From 1 in a table that has a parent; 0 in one that stands by itself.
  package var line: Int

  package init(_ number: Int, line: Int = 0) {
    self.number = number
    self.line = line
  }
}

/// Every input bit reaches every output bit. Source: SplitMix64's finalizer (variant 13 of David Stafford).
func mix(_ value: UInt64) -> UInt64 {
  var value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
  value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
  return value ^ (value >> 31)
}
