package import PoolCore

/// How often clients were pinned, by reason. Plain integers without memory of their own.
package struct PinCounts: Sendable {
  /// Room for all reasons; a test holds that it is enough.
  static let capacity = 32
  private var counts = InlineArray<32, UInt64>(repeating: 0)

  package init() {}

  @inline(__always)
  package mutating func add(_ reason: PinReason) { counts[Int(reason.rawValue)] &+= 1 }

  package mutating func add(_ other: PinCounts) {
    for reason in PinReason.allCases { counts[Int(reason.rawValue)] &+= other[reason] }
  }

  package subscript(reason: PinReason) -> UInt64 { counts[Int(reason.rawValue)] }

  /// All reasons by the name that logs and metrics use.
  package var byReason: [(reason: String, count: UInt64)] {
    PinReason.allCases.map { ($0.name, self[$0]) }
  }

  package var total: UInt64 { PinReason.allCases.reduce(0) { $0 &+ self[$1] } }
}
