import CLinux

/// Time as the loop counts it: nanoseconds of the monotonic clock.
enum Nanoseconds {
  @inline(__always)
  static var now: UInt64 { clinux_now() }

  /// A negative duration counts as none.
  static func of(_ duration: Duration) -> UInt64 {
    UInt64(max(0, min(duration / .nanoseconds(1), 9e18)))
  }

  static func duration(_ count: UInt64) -> Duration { .nanoseconds(Int64(clamping: count)) }
}
