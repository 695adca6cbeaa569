import PoolCore

/// Moments and numbers as tests say them.
func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

func client(_ number: Int) -> ClientID { ClientID(number) }

func backend(_ number: Int) -> BackendID { BackendID(number) }

extension Pool {
  /// A pool with one identity and so many idle backends.
  static func with(backends: Int, max: Int? = nil, isPart: Bool = false, maxQueue: Int = 0) -> (
    Pool, IdentityID
  ) {
    var pool = Pool(
      limits: PoolLimits(maxBackends: max ?? backends, isPart: isPart, maxQueue: maxQueue))
    let identity = pool.addIdentity()
    for _ in 0..<backends {
      if let backend = pool.openAhead(identity) { _ = pool.connected(backend, at: at(0)) }
    }
    return (pool, identity)
  }

  /// Opens or closes all that ``nextToOpen(at:)`` asks for.
  mutating func opened(at now: Instant) -> [OpenAction] {
    var actions: [OpenAction] = []
    while let action = nextToOpen(at: now) {
      if case .close(let backend) = action { closing(backend) }
      actions.append(action)
    }
    return actions
  }
}
