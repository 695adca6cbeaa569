/// `/status.json`, which the status page and `dbtool pool top` read. docs/metrics.md describes it.
extension PoolSnapshot {
  func statusJSON(of process: ProcessFacts) -> String {
    var text = ""
    text.reserveCapacity(16_384)
    JSONText.object([
      ("version", .text(PoolServer.version)),
      ("time_seconds", .seconds(process.timeNanoseconds)),
      ("uptime_seconds", .seconds(process.uptimeNanoseconds)),
      ("state", .text(stateName)),
      ("server_error", serverError.isEmpty ? .null : .text(serverError)),
      ("server_down_seconds", .seconds(serverDownNanoseconds)),
      ("max_backends", .count(cap)),
      ("max_client_connections", .count(maxClients)),
      ("backends", backendsJSON),
      ("clients", clientsJSON),
      (
        "queue",
        .object([("length", .count(waiting)), ("longest_seconds", .seconds(longestWaitNanoseconds))])
      ),
      ("totals", totalsJSON),
      ("refusals", Self.object(counters.refusals)),
      ("timeouts", Self.object(counters.timeouts)),
      ("pins", Self.object(counters.pins.byReason)),
      ("histograms", histogramsJSON),
      ("process", Self.json(process)),
      ("loops", loopsJSON),
      ("holders", .list(ranking.holders.map(Self.json))),
      ("waiters", .list(ranking.waiters.map(Self.json))),
      ("pinned", .list(ranking.pinned.map(Self.json))),
    ]).write(to: &text)
    return text + "\n"
  }

  private var stateName: String {
    isDraining ? "draining" : isServerReachable ? "ready" : "server_unreachable"
  }

  private var backendsJSON: JSONText {
    .object([
      ("in_use", .count(backendsInUse)), ("idle", .count(backendsIdle)),
      ("connecting", .count(backendsConnecting)), ("closing", .count(backendsClosing)),
      ("in_transaction", .count(backendsInTransaction)), ("encrypted", .count(encryptedBackends)),
    ])
  }

  private var clientsJSON: JSONText {
    .object([
      ("active", .count(clientsActive)), ("waiting", .count(waiting)), ("idle", .count(clientsIdle)),
      ("login", .count(clientsLoggingIn)), ("closing", .count(clientsClosing)),
      ("pinned", .count(clientsPinned)), ("encrypted", .count(encryptedClients)),
    ])
  }

  private var totalsJSON: JSONText {
    .object([
      ("transactions", .count(counters.transactions)), ("queries", .count(counters.queries)),
      ("borrows", .count(counters.borrows)), ("borrow_timeouts", .count(counters.borrowTimeouts)),
      ("cleanings", .count(counters.cleanings)),
      ("clients_received", .count(counters.clientConnectionsReceived)),
      ("logins", .count(counters.clientSetupsSucceeded)),
      ("logins_refused", .count(counters.clientSetupsFailedAuthentication)),
      ("backend_connects", .count(counters.backendConnects)),
      ("backend_connects_failed", .count(counters.backendConnectsFailed)),
      ("bytes_to_server", .count(counters.bytesToServer)),
      ("bytes_to_clients", .count(counters.bytesToClients)),
    ])
  }

  /// Counts of each bucket by itself: the difference of two documents is what happened in between.
  private var histogramsJSON: JSONText {
    let bounds = (0..<Histogram.boundedBuckets).map { bucket in
      JSONText.seconds((Histogram.boundMicroseconds(bucket) ?? 0) * 1_000)
    }
    return .object(
      [("bounds_seconds", .list(bounds))]
        + counters.histograms.map { name, histogram in
          let counts = (0...Histogram.boundedBuckets).map { JSONText.count(histogram.count(inBucket: $0)) }
          return (
            name,
            .object([
              ("counts", .list(counts)), ("sum_seconds", .seconds(histogram.sumNanoseconds)),
            ])
          )
        })
  }

  private var loopsJSON: JSONText {
    .list(
      loopCPU.sorted { $0.key < $1.key }.map { loop, time in
        .object([("loop", .count(loop)), ("cpu_seconds", .seconds(time))])
      })
  }

  private static func json(_ process: ProcessFacts) -> JSONText {
    .object([
      ("cpu_seconds", .seconds(process.cpuNanoseconds)), ("resident_bytes", .count(process.residentBytes)),
      ("open_fds", .count(process.openDescriptors)),
      ("max_fds", process.mostDescriptors.map { .count($0) } ?? .null),
    ])
  }

  private static func json(_ client: ClientFacts) -> JSONText {
    .object([
      ("id", .count(client.id)), ("user", .text(client.user)), ("database", .text(client.database)),
      ("application_name", .text(client.application)), ("address", .text(client.address)),
      ("encrypted", .flag(client.isEncrypted)), ("state", .text(client.state.rawValue)),
      ("seconds", .seconds(client.nanoseconds)), ("state_seconds", .seconds(client.stateNanoseconds)),
      ("pinned_seconds", .seconds(client.pinnedNanoseconds)),
      ("pin_reasons", .list(client.pinReasons.map { .text($0) })),
      ("server_process", client.serverProcess == 0 ? .null : .count(client.serverProcess)),
    ])
  }

  private static func object(_ counts: [(reason: String, count: UInt64)]) -> JSONText {
    .object(counts.map { ($0.reason, .count($0.count)) })
  }
}
