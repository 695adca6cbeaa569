/// Random numbers without a state: draw `index` of a client's `number`-th request is a pure function of the
/// seed and these three. A run can be repeated, whatever the order in which its answers come in.
package struct Draws: Sendable {
  private let seed: UInt64

  package init(seed: UInt64) { self.seed = Self.mixed(seed &+ 0x9E37_79B9_7F4A_7C15) }

  /// Sixty-four even bits.
  package func bits(client: Int, number: Int, index: Int) -> UInt64 {
    let one = Self.mixed(seed &+ UInt64(truncatingIfNeeded: client) &* 0x9E37_79B9_7F4A_7C15)
    let two = Self.mixed(one &+ UInt64(truncatingIfNeeded: number) &* 0xA076_1D64_78BD_642F)
    return Self.mixed(two &+ UInt64(truncatingIfNeeded: index) &* 0xD1B5_4A32_D192_ED03)
  }

  /// A number from 0 up to, not including, `bound`; 0 when `bound` is below 1.
  package func number(below bound: Int, client: Int, number: Int, index: Int) -> Int {
    guard bound > 0 else { return 0 }
    return Int(bits(client: client, number: number, index: index).multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// Every input bit reaches every output bit. Source: SplitMix64's finalizer.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
