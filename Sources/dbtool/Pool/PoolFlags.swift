import ArgumentParser
import DatabaseTools

/// What one flag of `dbtool pool` said.
struct PoolFlag: Sendable {
  let key: PoolKey
  let text: String
}

extension Option where Value == [PoolFlag] {
  /// The flag of a key: name, help and completion come from ``PoolKeys``. Given twice, the last one counts; lists
  /// take all.
  init(key name: String) {
    let key = PoolKeys.scalar(name)
    var completion: CompletionKind?
    if case .choice(let words) = key.kind { completion = .list(words) }
    if name.hasSuffix("_file") { completion = .file() }
    let fallback = key.fallback.map { $0.isEmpty ? "" : "Default: \($0). " } ?? ""
    self.init(
      wrappedValue: [], name: .customLong(key.flag), parsing: .singleValue,
      help: ArgumentHelp("\(key.meaning) \(fallback)(\(key.variable))", valueName: key.placeholder),
      completion: completion, transform: { PoolFlag(key: key, text: $0) })
  }
}

/// A flag for every scalar key, in the order of ``PoolKeys/scalars``.
struct PoolFlags: ParsableArguments {
  @Option(key: "listen") var listen: [PoolFlag]
  @Option(key: "http_listen") var httpListen: [PoolFlag]
  @Option(key: "max_client_connections") var maxClientConnections: [PoolFlag]
  @Option(key: "login_timeout") var loginTimeout: [PoolFlag]
  @Option(key: "idle_client_timeout") var idleClientTimeout: [PoolFlag]
  @Option(key: "idle_transaction_timeout") var idleTransactionTimeout: [PoolFlag]
  @Option(key: "tcp_user_timeout") var tcpUserTimeout: [PoolFlag]
  @Option(key: "pool_id") var poolID: [PoolFlag]

  @Option(key: "auth_file") var authFile: [PoolFlag]
  @Option(key: "auth_user") var authUser: [PoolFlag]
  @Option(key: "auth_query") var authQuery: [PoolFlag]
  @Option(key: "auth_dbname") var authDbname: [PoolFlag]
  @Option(key: "auth_hba_file") var authHBAFile: [PoolFlag]
  @Option(key: "proxy_protocol_networks") var proxyProtocolNetworks: [PoolFlag]

  @Option(key: "max_connections") var maxConnections: [PoolFlag]
  @Option(key: "max_connections_percent") var maxConnectionsPercent: [PoolFlag]
  @Option(key: "max_idle_connections_percent") var maxIdleConnectionsPercent: [PoolFlag]
  @Option(key: "min_connections") var minConnections: [PoolFlag]
  @Option(key: "server_idle_timeout") var serverIdleTimeout: [PoolFlag]
  @Option(key: "server_lifetime") var serverLifetime: [PoolFlag]
  @Option(key: "connect_timeout") var connectTimeout: [PoolFlag]
  @Option(key: "init_query") var initQuery: [PoolFlag]
  @Option(key: "max_prepared_statements") var maxPreparedStatements: [PoolFlag]

  @Option(key: "pool_mode") var poolMode: [PoolFlag]
  @Option(key: "borrow_timeout") var borrowTimeout: [PoolFlag]
  @Option(key: "borrow_notice") var borrowNotice: [PoolFlag]
  @Option(key: "max_borrow_queue") var maxBorrowQueue: [PoolFlag]
  @Option(key: "failover_hold") var failoverHold: [PoolFlag]
  @Option(key: "max_replica_lag") var maxReplicaLag: [PoolFlag]
  @Option(key: "query_timeout") var queryTimeout: [PoolFlag]
  @Option(key: "transaction_timeout") var transactionTimeout: [PoolFlag]

  @Option(key: "session_state") var sessionState: [PoolFlag]
  @Option(key: "session_check") var sessionCheck: [PoolFlag]
  @Option(key: "max_pinned_percent") var maxPinnedPercent: [PoolFlag]

  @Option(key: "threads") var threads: [PoolFlag]
  @Option(key: "io") var io: [PoolFlag]
  @Option(key: "slow_transaction") var slowTransaction: [PoolFlag]
  @Option(key: "log_format") var logFormat: [PoolFlag]
  @Option(key: "drain_delay") var drainDelay: [PoolFlag]
  @Option(key: "drain_timeout") var drainTimeout: [PoolFlag]
  @Option(key: "sqlstate_compat") var sqlstateCompat: [PoolFlag]
  @Option(key: "admin_users") var adminUsers: [PoolFlag]
  @Option(key: "stats_users") var statsUsers: [PoolFlag]

  @Option(key: "tls.mode") var tlsMode: [PoolFlag]
  @Option(key: "tls.cert_file") var tlsCertFile: [PoolFlag]
  @Option(key: "tls.key_file") var tlsKeyFile: [PoolFlag]
  @Option(key: "tls.ca_file") var tlsCaFile: [PoolFlag]

  @Option(key: "fleet.enabled") var fleetEnabled: [PoolFlag]
  @Option(key: "fleet.name") var fleetName: [PoolFlag]

  /// All flags that were given. Reads the properties above by reflection, as ArgumentParser itself finds them, so
  /// that none can be forgotten here.
  var given: [PoolFlag] {
    Mirror(reflecting: self).children.flatMap { ($0.value as? Option<[PoolFlag]>)?.wrappedValue ?? [] }
  }

  /// The values by key.
  /// - Throws: `Failure` with the status of a wrong command line.
  func values() throws(Failure) -> [String: PoolValue] {
    var result: [String: PoolValue] = [:]
    for flag in given {
      let value = try PoolText.value(
        flag.key, flag.text, from: "--\(flag.key.flag)", separator: " ", isFlag: true)
      if case .list(let more) = value, case .list(let sofar) = result[flag.key.name] {
        result[flag.key.name] = .list(sofar + more)
      } else {
        result[flag.key.name] = value
      }
    }
    return result
  }
}
