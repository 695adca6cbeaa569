import Synchronization

/// How several loops are, together.
final class SnapshotSum: Sendable {
  private struct State {
    var missing: Int
    var sum: PoolSnapshot?
  }

  private let state: Mutex<State>

  init(of loops: Int) { state = Mutex(State(missing: loops)) }

  /// - Returns: how all are, when this was the last one.
  func add(_ snapshot: PoolSnapshot) -> PoolSnapshot? {
    state.withLock { state in
      state.missing -= 1
      if state.sum == nil { state.sum = snapshot } else { state.sum?.add(snapshot) }
      return state.missing == 0 ? state.sum : nil
    }
  }
}

extension PoolSnapshot {
  /// Another loop of the same pool.
  package mutating func add(_ other: PoolSnapshot) {
    counters.add(other.counters)
    for field in Self.counts { self[keyPath: field] += other[keyPath: field] }
    cap = max(cap, other.cap)
    longestWaitNanoseconds = max(longestWaitNanoseconds, other.longestWaitNanoseconds)
    isServerDown = isServerDown || other.isServerDown
    isServerReachable = (isServerReachable || other.isServerReachable) && !isServerDown
    isDraining = isDraining || other.isDraining
    maxClients = max(maxClients, other.maxClients)
    serverDownNanoseconds = max(serverDownNanoseconds, other.serverDownNanoseconds)
    if serverError.isEmpty { serverError = other.serverError }
    loopCPU.merge(other.loopCPU) { $0 &+ $1 }
    ranking.add(other.ranking)
  }

  private static var counts: [WritableKeyPath<PoolSnapshot, Int>] {
    [
      \.clientsLoggingIn, \.clientsIdle, \.waiting, \.clientsActive, \.clientsClosing, \.encryptedClients,
      \.clientsPinned, \.backendsIdle, \.backendsInUse, \.backendsInTransaction, \.backendsConnecting,
      \.backendsClosing, \.encryptedBackends,
    ]
  }
}

extension PoolCounters {
  /// Those of another loop.
  package mutating func add(_ other: PoolCounters) {
    for field in Self.numbers { self[keyPath: field] &+= other[keyPath: field] }
    for field in Self.times { self[keyPath: field].add(other[keyPath: field]) }
    pins.add(other.pins)
  }

  private static var numbers: [WritableKeyPath<PoolCounters, UInt64>] {
    [
      \.clientConnectionsReceived,
      \.clientSetupsSucceeded,
      \.clientSetupsFailedAuthentication,
      \.clientConnectionsClosed,
      \.clientsRefused,
      \.queueRefusals, \.nestedRefusals,
      \.unreachableRefusals,
      \.shutdownRefusals,
      \.databaseRefusals,
      \.encryptionRefusals,
      \.ruleRefusals,
      \.protocolViolations,
      \.loginTimeouts,
      \.transactions,
      \.queries,
      \.encryptedQueries,
      \.borrows,
      \.borrowTimeouts,
      \.queryTimeouts,
      \.transactionTimeouts,
      \.idleTransactionTimeouts,
      \.stalePlans,
      \.repeats,
      \.losses,
      \.cancelsPassedOn,
      \.cancelsForwarded,
      \.bytesToServer,
      \.bytesToClients,
      \.backendConnects,
      \.encryptedBackendConnects,
      \.backendConnectsSucceeded,
      \.backendConnectsFailed,
      \.backendsClosed,
      \.cleanings,
    ]
  }

  private static var times: [WritableKeyPath<PoolCounters, Histogram>] {
    [\.borrowWait, \.transactionTime, \.queryTime, \.serverTime, \.loginTime, \.backendConnectTime]
  }
}
