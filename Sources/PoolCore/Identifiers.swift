/// A client's place in the loop's table. Reused once the client has gone.
package struct ClientID: Hashable, Sendable {
  package let index: UInt32
  @inlinable package init(_ index: UInt32) { self.index = index }
  @inlinable package init(_ index: Int) { self.index = UInt32(truncatingIfNeeded: index) }
  /// No client.
  package static let none = ClientID(UInt32.max)
}

/// A backend's place in the loop's table: a slot of the cap, reused once the server has closed it.
package struct BackendID: Hashable, Sendable {
  package let index: UInt32
  @inlinable package init(_ index: UInt32) { self.index = index }
  @inlinable package init(_ index: Int) { self.index = UInt32(truncatingIfNeeded: index) }
  /// No backend.
  package static let none = BackendID(UInt32.max)
}

/// Who a backend is entered as: one user in one database. Backends are lent within an identity only.
package struct IdentityID: Hashable, Sendable {
  package let index: UInt32
  @inlinable package init(_ index: UInt32) { self.index = index }
  @inlinable package init(_ index: Int) { self.index = UInt32(truncatingIfNeeded: index) }
}

/// A moment of the monotonic clock, in nanoseconds. The loop reads the clock once a turn and hands it in.
package struct Instant: Comparable, Sendable {
  package var nanoseconds: UInt64
  @inlinable package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
  @inlinable package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

  /// Milliseconds since an earlier moment; 0 when `earlier` is later.
  package func milliseconds(since earlier: Instant) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? (nanoseconds - earlier.nanoseconds) / 1_000_000 : 0
  }

  /// Nanoseconds since an earlier moment; 0 when `earlier` is later.
  @inlinable package func nanoseconds(since earlier: Instant) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
  }

  package func advanced(byMilliseconds milliseconds: UInt64) -> Instant {
    Instant(nanoseconds: nanoseconds &+ milliseconds &* 1_000_000)
  }
}
