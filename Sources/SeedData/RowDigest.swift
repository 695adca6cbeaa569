/// A sum over rows that does not depend on their order, nor on who made which: equal sums mean equal rows, as
/// far as chance goes. No protection against somebody who wants two sets of rows to look alike.
package struct RowDigest: Sendable, Equatable {
  package private(set) var sum: UInt64 = 0
  private var state: UInt64 = 0

  package init() {}

  /// Sixteen hexadecimal digits.
  package var text: String {
    var bytes: [UInt8] = []
    bytes.append(hex: sum)
    return String(decoding: bytes, as: UTF8.self)
  }

  package static func + (one: RowDigest, other: RowDigest) -> RowDigest {
    var both = one
    both.sum &+= other.sum
    return both
  }

  /// A value of the row under way; its length is part of it, so that `ab, c` is not `a, bc`.
  mutating func add(_ source: [UInt8], _ range: Range<Int>) {
    var word = UInt64(truncatingIfNeeded: range.count & 0xFF)
    var shift: UInt64 = 8
    for index in range {
      word |= UInt64(source[index]) << shift
      shift += 8
      if shift == 64 {
        state = Self.fold(state ^ word)
        word = 0
        shift = 0
      }
    }
    state = Self.fold(state ^ word)
  }

  mutating func addNull() { state = Self.fold(state ^ .max) }

  mutating func addNumber(_ number: Int64) { state = Self.fold(state ^ UInt64(bitPattern: number)) }

  mutating func endRow() {
    sum &+= mix(state)
    state = 0
  }

  private static func fold(_ value: UInt64) -> UInt64 {
    let product = (value ^ 0x2D35_8DCC_AA6C_78A5).multipliedFullWidth(by: 0x8BB8_4B93_962E_ACC9)
    return product.high ^ product.low &+ 0x9E37_79B9_7F4A_7C15
  }
}
