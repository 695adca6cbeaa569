/// What metrics and the status page call the counters that come in groups.
extension PoolCounters {
  var refusals: [(reason: String, count: UInt64)] {
    [
      ("too_many_clients", clientsRefused), ("queue_full", queueRefusals),
      ("nested", nestedRefusals),
      ("server_unreachable", unreachableRefusals), ("shutting_down", shutdownRefusals),
      ("unknown_database", databaseRefusals), ("encryption", encryptionRefusals), ("rule", ruleRefusals),
      ("protocol_violation", protocolViolations), ("login_timeout", loginTimeouts),
    ]
  }

  var timeouts: [(reason: String, count: UInt64)] {
    [
      ("query", queryTimeouts), ("transaction", transactionTimeouts),
      ("idle_transaction", idleTransactionTimeouts),
    ]
  }

  var histograms: [(name: String, values: Histogram)] {
    [
      ("borrow_wait", borrowWait), ("transaction", transactionTime), ("query", queryTime),
      ("server_query", serverTime), ("login", loginTime), ("backend_connect", backendConnectTime),
    ]
  }
}
