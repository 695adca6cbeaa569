/// What a run of the storefront mix came to.
package struct LoadReport: Sendable {
  /// One kind of request.
  package struct Kind: Sendable {
    package var served = 0
    /// Answers by which the shop said no: counted apart, they are business.
    package var refused = 0
    package var failed = 0
    /// Of everything that was answered, from the first byte sent to the last one received; in a client of the
    /// simple protocol a checkout is three round trips.
    package var latency = LatencyHistogram()

    package var requests: Int { served + refused + failed }
  }

  /// Clients that were to be connected, and those that were.
  package var clients = 0
  package var connected = 0
  /// Until the last client was logged in.
  package var connectTime = Duration.zero
  /// From the first request to the last answer.
  package var loadTime = Duration.zero
  package var errors = ErrorTally()
  package var refusals = ErrorTally()
  /// Whether the run was stopped before its time.
  package var wasInterrupted = false
  private var kinds = [Kind](repeating: Kind(), count: RequestKind.allCases.count)

  package init() {}

  package subscript(kind: RequestKind) -> Kind {
    get { kinds[kind.rawValue] }
    set { kinds[kind.rawValue] = newValue }
  }

  package var requests: Int { kinds.reduce(0) { $0 + $1.requests } }
  package var failed: Int { kinds.reduce(0) { $0 + $1.failed } }
  package var refused: Int { kinds.reduce(0) { $0 + $1.refused } }

  package var requestsPerSecond: Double {
    let seconds = loadTime / .seconds(1)
    return seconds > 0 ? Double(requests) / seconds : 0
  }

  /// Latency over all kinds.
  package var latency: LatencyHistogram {
    var all = LatencyHistogram()
    for kind in kinds { all.merge(kind.latency) }
    return all
  }

  mutating func add(_ outcome: RequestOutcome, _ kind: RequestKind, microseconds: UInt64) {
    // Written in place: copying a histogram out and back would cost its whole array.
    let index = kind.rawValue
    switch outcome {
    case .served:
      kinds[index].served += 1
      kinds[index].latency.record(microseconds: microseconds)
    case .refused(let error):
      kinds[index].refused += 1
      kinds[index].latency.record(microseconds: microseconds)
      refusals.add(error)
    case .failed(let error):
      kinds[index].failed += 1
      errors.add(error)
    }
  }
}

/// How one request ended.
package enum RequestOutcome: Equatable, Sendable {
  case served
  case refused(LoadError)
  case failed(LoadError)
}

/// Where a run is.
package struct LoadProgress: Sendable {
  package enum Phase: Sendable { case connecting, running, finishing }
  package var phase: Phase
  /// Since the phase `connecting` began, or since the first request.
  package var elapsed: Duration
  /// Clients that are logged in.
  package var connected: Int
  package var requests: Int
  package var failed: Int
  package var refused: Int
  /// Of the time since the last progress.
  package var requestsPerSecond: Double
}

/// What the one who watches wants.
package enum LoadVerdict: Sendable { case goOn, stop }
