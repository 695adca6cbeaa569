import PostgresWire

/// Byte strings by number: each is kept once, counted, and found again without an allocation.
///
/// An open-addressing table over Spans, so that the bytes of a message can be looked up where they lie. The hash
/// takes a seed from outside: clients choose the bytes and must not choose the collisions.
package struct ByteTable: Sendable {
  private struct Slot: Sendable {
    var bytes: [UInt8] = []
    var variant: UInt64 = 0
    var hash: UInt64 = 0
    /// 0 = the slot is free.
    var uses = 0
  }

  private var slots: [Slot] = []
  private var freeSlots: [UInt32] = []
  /// Number + 1, or 0 for an empty bucket. Invariant: a power of two, at most half full.
  private var buckets: [UInt32]
  private var used = 0
  private let seed: UInt64

  package init(seed: UInt64) {
    self.seed = seed
    buckets = [UInt32](repeating: 0, count: 64)
  }

  /// How many bytes they have in all.
  package private(set) var byteCount = 0

  /// How many different byte strings are kept.
  package var count: Int { used }

  package func bytes(of number: UInt32) -> [UInt8] { slots[Int(number)].bytes }

  package func variant(of number: UInt32) -> UInt64 { slots[Int(number)].variant }

  /// The number of bytes that are known; `nil` when they are not. The same bytes of another variant are others.
  package func find(_ bytes: Span<UInt8>, variant: UInt64 = 0) -> UInt32? {
    let hash = self.hash(bytes, variant)
    var bucket = Int(truncatingIfNeeded: hash) & (buckets.count &- 1)
    while buckets[bucket] != 0 {
      let number = buckets[bucket] &- 1
      if slots[Int(number)].hash == hash, slots[Int(number)].variant == variant, isEqual(Int(number), bytes) {
        return number
      }
      bucket = (bucket &+ 1) & (buckets.count &- 1)
    }
    return nil
  }

  /// The number of the bytes, used once more. `isNew` tells that nobody had them before.
  package mutating func retain(
    _ bytes: Span<UInt8>, variant: UInt64 = 0
  ) -> (number: UInt32, isNew: Bool) {
    if let known = find(bytes, variant: variant) {
      slots[Int(known)].uses += 1
      return (known, false)
    }
    var copy: [UInt8] = []
    copy.reserveCapacity(bytes.count)
    for offset in 0..<bytes.count { copy.append(bytes[offset]) }
    let slot = Slot(bytes: copy, variant: variant, hash: hash(bytes, variant), uses: 1)
    let number: UInt32
    if let free = freeSlots.popLast() {
      number = free
      slots[Int(free)] = slot
    } else {
      number = UInt32(slots.count)
      slots.append(slot)
    }
    used += 1
    byteCount += bytes.count
    if used * 2 > buckets.count { rehash(buckets.count * 2) } else { insert(number) }
    return (number, true)
  }

  package mutating func retain(_ number: UInt32) { slots[Int(number)].uses += 1 }

  /// One use less. True when that was the last: the number may be given to other bytes from now on.
  package mutating func release(_ number: UInt32) -> Bool {
    slots[Int(number)].uses -= 1
    guard slots[Int(number)].uses == 0 else { return false }
    removeBucket(of: number)
    byteCount -= slots[Int(number)].bytes.count
    slots[Int(number)].bytes = []
    freeSlots.append(number)
    used -= 1
    return true
  }

  // MARK: Buckets

  private func isEqual(_ number: Int, _ bytes: Span<UInt8>) -> Bool {
    areEqual(slots[number].bytes, bytes)
  }

  private mutating func insert(_ number: UInt32) {
    var bucket = Int(truncatingIfNeeded: slots[Int(number)].hash) & (buckets.count &- 1)
    while buckets[bucket] != 0 { bucket = (bucket &+ 1) & (buckets.count &- 1) }
    buckets[bucket] = number &+ 1
  }

  private mutating func rehash(_ capacity: Int) {
    buckets = [UInt32](repeating: 0, count: capacity)
    for number in slots.indices where slots[number].uses > 0 { insert(UInt32(number)) }
  }

  /// Linear probing without tombstones: what stands behind the hole moves up when it may.
  private mutating func removeBucket(of number: UInt32) {
    let mask = buckets.count &- 1
    var hole = Int(truncatingIfNeeded: slots[Int(number)].hash) & mask
    while buckets[hole] != number &+ 1 { hole = (hole &+ 1) & mask }
    var next = (hole &+ 1) & mask
    while buckets[next] != 0 {
      let home = Int(truncatingIfNeeded: slots[Int(buckets[next] &- 1)].hash) & mask
      if (next &- home) & mask >= (next &- hole) & mask {
        buckets[hole] = buckets[next]
        hole = next
      }
      next = (next &+ 1) & mask
    }
    buckets[hole] = 0
  }

  private func hash(_ bytes: Span<UInt8>, _ variant: UInt64) -> UInt64 {
    var hash = seed ^ UInt64(truncatingIfNeeded: bytes.count) ^ variant << 32
    var offset = 0
    while bytes.count &- offset >= 8 {
      hash = mix(hash ^ eightBytes(in: bytes, at: offset))
      offset &+= 8
    }
    var tail: UInt64 = 0
    while offset < bytes.count {
      tail = tail << 8 | UInt64(bytes[offset])
      offset &+= 1
    }
    return mix(hash ^ tail ^ 0x9E37_79B9_7F4A_7C15)
  }

  /// A full-width multiplication folded in two, seeded: every input bit reaches every output bit.
  private func mix(_ value: UInt64) -> UInt64 {
    let product = (value ^ seed).multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
    return product.high ^ product.low
  }
}
