/// Deadlines of many connections: one each, set and cancelled in constant time.
///
/// A wheel of slots, each a list threaded through the entries; a slot's span is the wheel's resolution. Deadlines
/// beyond one turn stay in their slot until their turn comes.
@usableFromInline
package struct TimerWheel: Sendable {
  @usableFromInline
  struct Entry: Sendable {
    var deadline: UInt64 = 0
    var previous: Int32 = -1
    var next: Int32 = -1
    @usableFromInline var slot: Int32 = -1
  }

  @usableFromInline var entries: [Entry] = []
  private var slots: [Int32]
  /// Nanoseconds that a slot spans.
  private let resolution: UInt64
  /// The first tick that has not been looked at.
  private var tick: UInt64
  @usableFromInline package private(set) var count = 0
  /// No timer is due before this moment. A lower bound: cancelling does not move it.
  @usableFromInline var earliest = UInt64.max

  /// - Parameter resolution: in nanoseconds; a timer fires at most this much late.
  package init(resolution: UInt64 = 8_000_000, slots: Int = 512, now: Instant) {
    self.resolution = max(1, resolution)
    self.slots = [Int32](repeating: -1, count: slots)
    tick = now.nanoseconds / self.resolution
  }

  /// Sets the number's timer, in place of one that it may have.
  package mutating func set(_ number: Int, _ deadline: Instant) {
    while entries.count <= number { entries.append(Entry()) }
    if entries[number].slot >= 0 { unlink(number) }
    // Rounded up: a timer never fires early, and never in a slot that has been passed.
    let due = max(deadline.nanoseconds / resolution + 1, tick)
    let slot = Int(truncatingIfNeeded: due % UInt64(slots.count))
    let first = slots[slot]
    entries[number] = Entry(deadline: deadline.nanoseconds, previous: -1, next: first, slot: Int32(slot))
    if first >= 0 { entries[Int(first)].previous = Int32(number) }
    slots[slot] = Int32(number)
    count += 1
    earliest = min(earliest, deadline.nanoseconds)
  }

  /// Harmless when no timer is set.
  @inlinable package mutating func cancel(_ number: Int) {
    if number < entries.count, entries[number].slot >= 0 { unlink(number) }
  }

  package func isSet(_ number: Int) -> Bool { number < entries.count && entries[number].slot >= 0 }

  /// A number whose deadline has passed; its timer is gone. Call until it answers `nil`.
  @inlinable package mutating func nextExpired(at now: Instant) -> Int? {
    now.nanoseconds >= earliest ? firstExpired(at: now) : nil
  }

  @usableFromInline mutating func firstExpired(at now: Instant) -> Int? {
    let current = now.nanoseconds / resolution
    // More than a whole turn behind: one turn visits every slot.
    if current > tick, current - tick > UInt64(slots.count) { tick = current - UInt64(slots.count) }
    while tick <= current {
      var number = slots[Int(truncatingIfNeeded: tick % UInt64(slots.count))]
      while number >= 0 {
        let next = entries[Int(number)].next
        if entries[Int(number)].deadline <= now.nanoseconds {
          unlink(Int(number))
          return Int(number)
        }
        number = next
      }
      if tick == current { break }
      tick += 1
    }
    earliest = nextOccupied ?? UInt64.max
    return nil
  }

  /// When to look again; `nil` while no timer is set.
  @inlinable package var nextLook: Instant? { count > 0 ? Instant(nanoseconds: earliest) : nil }

  /// The start of the next slot that holds something, at most one turn ahead. What is left in the slot of `tick`
  /// belongs to a later turn: counting it as due now made the loop spin for the rest of the slot.
  private var nextOccupied: UInt64? {
    guard count > 0 else { return nil }
    for step in 1...UInt64(slots.count) {
      let due = tick + step
      if slots[Int(truncatingIfNeeded: due % UInt64(slots.count))] >= 0 { return due * resolution }
    }
    return nil
  }

  @usableFromInline mutating func unlink(_ number: Int) {
    let entry = entries[number]
    if entry.previous >= 0 {
      entries[Int(entry.previous)].next = entry.next
    } else {
      slots[Int(entry.slot)] = entry.next
    }
    if entry.next >= 0 { entries[Int(entry.next)].previous = entry.previous }
    entries[number].slot = -1
    count -= 1
  }
}
