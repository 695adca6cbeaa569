extension PoolSnapshot {
  /// All metrics as OpenMetrics text, the pool's own with the prefix `dbtool_pool_`. docs/metrics.md lists them beside
  /// RDS Proxy's and PgBouncer's names.
  func openMetrics(of process: ProcessFacts) -> String {
    var text = MetricsText(prefix: "dbtool_pool_")
    clientMetrics(&text)
    workMetrics(&text)
    timeMetrics(&text)
    backendMetrics(&text)
    stateMetrics(&text)
    process.write(to: &text)
    return text.finished()
  }

  private func clientMetrics(_ text: inout MetricsText) {
    text.family(.gauge, "client_connections", "Client connections now, by what they do.")
    for (phase, count) in [
      ("login", clientsLoggingIn), ("idle", clientsIdle), ("waiting", waiting), ("active", clientsActive),
      ("closing", clientsClosing),
    ] {
      text.sample(.gauge, "client_connections", [("phase", phase)], String(count))
    }
    text.gauge("client_connections_encrypted", "Client connections now that use TLS.", encryptedClients)
    text.gauge("max_client_connections", "Client connections that may be open at once.", maxClients)
    text.gauge(
      "clients_pinned", "Clients now that keep their backend beyond their transaction.", clientsPinned)
    text.counter(
      "client_connections_received", "Client connections accepted.", counters.clientConnectionsReceived)
    text.counter("client_setups_succeeded", "Client logins that succeeded.", counters.clientSetupsSucceeded)
    text.counter(
      "client_setups_failed_auth", "Client logins refused: wrong password or unknown user.",
      counters.clientSetupsFailedAuthentication)
    text.counter("client_connections_closed", "Client connections ended.", counters.clientConnectionsClosed)
    text.family(.counter, "refusals", "Clients or queries refused, by reason.")
    for (reason, count) in counters.refusals {
      text.sample(.counter, "refusals", [("reason", reason)], String(count))
    }
  }

  private func workMetrics(_ text: inout MetricsText) {
    text.counter("transactions", "Transactions that ended.", counters.transactions)
    text.counter("queries", "Queries answered; an extended batch up to its Sync is one.", counters.queries)
    text.counter("queries_encrypted", "Queries of clients that use TLS.", counters.encryptedQueries)
    text.counter("borrows", "Backends lent to clients.", counters.borrows)
    text.counter("borrow_timeouts", "Borrows given up after borrow_timeout.", counters.borrowTimeouts)
    text.family(.counter, "timeouts", "Queries cancelled and clients disconnected for taking too long.")
    for (limit, count) in counters.timeouts {
      text.sample(.counter, "timeouts", [("limit", limit)], String(count))
    }
    text.gauge("borrow_queue_length", "Clients waiting for a backend now.", waiting)
    text.single(
      .gauge, "longest_borrow_wait_seconds", "How long the longest waiter has waited by now.", unit: .seconds,
      MetricsText.seconds(nanoseconds: longestWaitNanoseconds))
    text.family(.counter, "pins", "Clients pinned to their backend, by reason.")
    for (reason, count) in counters.pins.byReason {
      text.sample(.counter, "pins", [("reason", reason)], String(count))
    }
    text.counter(
      "stale_plans", "Batches sent again because DDL had made a prepared statement's plan stale.",
      counters.stalePlans)
    text.counter(
      "repeats", "Queries sent again, since their backend ended before it did anything for them.",
      counters.repeats)
    text.counter(
      "losses", "Clients that went on without the backend that they had lost in the middle.", counters.losses)
    text.counter(
      "cancels_passed_on", "Cancel requests for clients of other pools.", counters.cancelsPassedOn)
    text.counter("cancels_forwarded", "Cancel requests passed on to the server.", counters.cancelsForwarded)
    text.family(.counter, "forwarded_bytes", "Bytes forwarded, by direction.", unit: .bytes)
    text.sample(.counter, "forwarded_bytes", [("direction", "to_server")], String(counters.bytesToServer))
    text.sample(.counter, "forwarded_bytes", [("direction", "to_clients")], String(counters.bytesToClients))
  }

  private func timeMetrics(_ text: inout MetricsText) {
    text.histogram("borrow_wait_seconds", "From asking for a backend to having one.", counters.borrowWait)
    text.histogram(
      "transaction_seconds", "From a transaction's getting its backend to its last answer.",
      counters.transactionTime)
    text.histogram(
      "query_seconds", "From a query's arrival to its last answer, waiting included.", counters.queryTime)
    text.histogram(
      "server_query_seconds", "From handing a query to the server to its last answer.", counters.serverTime)
    text.histogram(
      "login_seconds", "From a client's connection to the end of its login.", counters.loginTime)
    text.histogram(
      "backend_connect_seconds", "From the begin of a connect to the server to a backend ready for clients.",
      counters.backendConnectTime)
  }

  private func backendMetrics(_ text: inout MetricsText) {
    text.family(.gauge, "backends", "Connections to the server now, by what they do.")
    for (phase, count) in [
      ("idle", backendsIdle), ("in_use", backendsInUse), ("connecting", backendsConnecting),
      ("closing", backendsClosing),
    ] {
      text.sample(.gauge, "backends", [("phase", phase)], String(count))
    }
    text.gauge("backends_in_transaction", "Backends in a transaction now.", backendsInTransaction)
    text.gauge("backends_encrypted", "Connections to the server now that use TLS.", encryptedBackends)
    text.gauge("max_backends", "The most connections to the server that may be open.", cap)
    text.counter("backend_connects", "Connects to the server begun.", counters.backendConnects)
    text.counter(
      "backend_connects_encrypted", "Connects to the server begun that ask for TLS.",
      counters.encryptedBackendConnects)
    text.counter(
      "backend_connects_succeeded", "Backends logged in.", counters.backendConnectsSucceeded)
    text.counter(
      "backend_connects_failed", "Connects or logins at the server that failed.",
      counters.backendConnectsFailed)
    text.counter("backends_closed", "Backends ended after their login.", counters.backendsClosed)
    text.counter(
      "cleanings", "Session resets before a backend went to another client.", counters.cleanings)
  }

  private func stateMetrics(_ text: inout MetricsText) {
    text.gauge("server_reachable", "1 while the server answers.", isServerReachable ? 1 : 0)
    text.gauge("draining", "1 once the pool is on its way out.", isDraining ? 1 : 0)
    text.family(.counter, "loop_cpu_seconds", "CPU time of an event loop's thread.", unit: .seconds)
    for (loop, time) in loopCPU.sorted(by: { $0.key < $1.key }) {
      text.sample(
        .counter, "loop_cpu_seconds", [("loop", String(loop))], MetricsText.seconds(nanoseconds: time))
    }
  }
}

extension MetricsText {
  fileprivate mutating func gauge(_ name: String, _ help: String, _ value: Int) {
    single(.gauge, name, help, String(value))
  }

  fileprivate mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
    single(.counter, name, help, String(value))
  }
}
