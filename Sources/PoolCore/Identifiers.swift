/// A client's place in the loop's table. Reused once the client has gone.
@usableFromInline
package struct ClientID: Hashable, Sendable {
  @usableFromInline package let index: UInt32
  @inlinable package init(_ index: UInt32) { self.index = index }
  @inlinable package init(_ index: Int) { self.index = UInt32(truncatingIfNeeded: index) }
  /// No client.
  @inlinable package static var none: ClientID { ClientID(UInt32.max) }
}

/// A backend's place in the loop's table: a slot of the cap, reused once the server has closed it.
@usableFromInline
package struct BackendID: Hashable, Sendable {
  @usableFromInline package let index: UInt32
  @inlinable package init(_ index: UInt32) { self.index = index }
  @inlinable package init(_ index: Int) { self.index = UInt32(truncatingIfNeeded: index) }
  /// No backend.
  @inlinable package static var none: BackendID { BackendID(UInt32.max) }
}

/// Who a backend is entered as: one user in one database. Backends are lent within an identity only.
@usableFromInline
package struct IdentityID: Hashable, Sendable {
  @usableFromInline package let index: UInt32
  @inlinable package init(_ index: UInt32) { self.index = index }
  @inlinable package init(_ index: Int) { self.index = UInt32(truncatingIfNeeded: index) }
}

/// A moment of the monotonic clock, in nanoseconds. The loop reads the clock once a turn and hands it in.
@usableFromInline
package struct Instant: Comparable, Sendable {
  @usableFromInline package var nanoseconds: UInt64
  @inlinable package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
  @inlinable package static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

  /// Milliseconds since an earlier moment; 0 when `earlier` is later.
  @inlinable package func milliseconds(since earlier: Instant) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? (nanoseconds - earlier.nanoseconds) / 1_000_000 : 0
  }

  /// Nanoseconds since an earlier moment; 0 when `earlier` is later.
  @inlinable package func nanoseconds(since earlier: Instant) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
  }

  @inlinable package func advanced(byMilliseconds milliseconds: UInt64) -> Instant {
    Instant(nanoseconds: nanoseconds &+ milliseconds &* 1_000_000)
  }
}
