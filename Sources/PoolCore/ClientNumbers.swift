/// The process numbers that clients are told at login, and the way back from one to its client and pool.
///
/// A CancelRequest may come in at any of several pools behind one address, so a number says whose it is: from the top
/// a zero bit (drivers take it for a signed number), nine bits for the pool, then chance, then the client's place in
/// the table. With the secret of 32 bits beside it, a table of up to 16,384 places leaves 40 bits to guess.
package struct ClientNumbers: Sendable {
  /// `pool_id` as it may be; 0 stands for a pool that has no peers, whose bits are left to chance, too.
  package static let pools = 0...511
  private static let poolShift = 22

  /// This pool's.
  package let pool: Int
  private let placeBits: Int

  /// - Parameters:
  ///   - pool: this pool's `pool_id`.
  ///   - capacity: places in the table of clients; at most 2 to the 22nd.
  package init(pool: Int, capacity: Int) {
    self.pool = pool
    placeBits = max(1, Int.bitWidth - max(1, capacity - 1).leadingZeroBitCount)
    precondition(placeBits <= Self.poolShift, "no process numbers for \(capacity) clients")
  }

  /// The number of the client at a place; never 0.
  package func number(at place: Int, random: UInt32) -> UInt32 {
    let highBits = pool == 0 ? 31 : Self.poolShift
    let chance = random << UInt32(placeBits) & (1 << UInt32(highBits) - 1)
    let number = UInt32(pool) << UInt32(Self.poolShift) | chance | UInt32(place)
    return number == 0 ? 1 << UInt32(placeBits) : number
  }

  /// Where the client of a number would be, if the number is one of ours at all.
  package func place(of number: UInt32) -> Int { Int(number & (1 << UInt32(placeBits) - 1)) }

  /// Which pool a number belongs to.
  package func pool(of number: UInt32) -> Int {
    pool == 0 ? 0 : Int(number >> UInt32(Self.poolShift) & UInt32(Self.pools.upperBound))
  }
}

/// What follows the key of a CancelRequest that one pool passes on to another, so that it goes one hop only.
package enum CancelHop {
  /// Longer than the shortest key, so that none is taken for it by chance alone.
  static let mark = Array("dbt-hop1".utf8)

  package static func marked(_ key: [UInt8]) -> [UInt8] { key + mark }

  /// The client's own key, and whether another pool has passed it on.
  package static func read(_ key: [UInt8]) -> (key: [UInt8], isPassedOn: Bool) {
    guard key.count >= mark.count + 4, key.suffix(mark.count).elementsEqual(mark) else { return (key, false) }
    return (Array(key.dropLast(mark.count)), true)
  }
}
