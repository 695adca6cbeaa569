/// Values by number, found again without an allocation or the cost of a Dictionary's hash.
///
/// The numbers are the pool's own (of statements, clients and names), so nobody can choose them to collide. An
/// open-addressing table of places; keys and values lie close together, in no order.
package struct NumberTable<Value: Sendable>: Sendable {
  /// Place + 1, or 0 for an empty bucket. Invariant: a power of two or none, at most half full.
  private var buckets: [UInt32] = []
  package private(set) var keys: [UInt64] = []
  /// Each at the place of its key.
  package private(set) var values: [Value] = []

  package init() {}

  package var count: Int { keys.count }
  package var isEmpty: Bool { keys.isEmpty }

  /// Where the number's value is, until one is removed; `nil` when it has none.
  package func place(of key: UInt64) -> Int? {
    if buckets.isEmpty { return nil }
    let mask = buckets.count &- 1
    var bucket = Self.home(of: key) & mask
    while buckets[bucket] != 0 {
      let place = Int(buckets[bucket] &- 1)
      if keys[place] == key { return place }
      bucket = (bucket &+ 1) & mask
    }
    return nil
  }

  /// The value at a place that ``place(of:)`` has told.
  package subscript(place place: Int) -> Value {
    get { values[place] }
    _modify { yield &values[place] }
  }

  package subscript(key: UInt64) -> Value? { place(of: key).map { values[$0] } }

  /// The number's value from now on.
  package mutating func set(_ key: UInt64, _ value: Value) {
    if let place = place(of: key) {
      values[place] = value
      return
    }
    keys.append(key)
    values.append(value)
    if keys.count * 2 > buckets.count { rehash(max(8, buckets.count * 2)) } else { insert(keys.count - 1) }
  }

  /// What it was; `nil` when it had none.
  @discardableResult
  package mutating func remove(_ key: UInt64) -> Value? {
    guard let place = place(of: key) else { return nil }
    let value = values[place]
    let last = keys.count - 1
    removeBucket(of: place)
    if place != last {
      // The last one moves to the place that has become free.
      buckets[bucket(of: last)] = UInt32(place + 1)
      keys[place] = keys[last]
      values[place] = values[last]
    }
    keys.removeLast()
    values.removeLast()
    return value
  }

  // MARK: Buckets

  /// The numbers are small and close together: a multiplication spreads them.
  @inline(__always)
  private static func home(of key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32)
  }

  /// Where a place stands that is in the table.
  private func bucket(of place: Int) -> Int {
    let mask = buckets.count - 1
    var bucket = Self.home(of: keys[place]) & mask
    while buckets[bucket] != UInt32(place + 1) { bucket = (bucket + 1) & mask }
    return bucket
  }

  private mutating func insert(_ place: Int) {
    let mask = buckets.count - 1
    var bucket = Self.home(of: keys[place]) & mask
    while buckets[bucket] != 0 { bucket = (bucket + 1) & mask }
    buckets[bucket] = UInt32(place + 1)
  }

  private mutating func rehash(_ capacity: Int) {
    buckets = [UInt32](repeating: 0, count: capacity)
    for place in keys.indices { insert(place) }
  }

  /// Linear probing without tombstones: what stands behind the hole moves up when it may.
  private mutating func removeBucket(of place: Int) {
    let mask = buckets.count - 1
    var hole = bucket(of: place)
    var next = (hole + 1) & mask
    while buckets[next] != 0 {
      let home = Self.home(of: keys[Int(buckets[next] - 1)]) & mask
      if (next &- home) & mask >= (next &- hole) & mask {
        buckets[hole] = buckets[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    buckets[hole] = 0
  }
}
