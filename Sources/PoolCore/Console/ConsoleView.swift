/// What SHOW can show.
///
/// Names and columns are PgBouncer's, in its order, those of 1.18 to 1.24 together; what only this pool has stands
/// behind them. The test "PgBouncer's columns" compares them with an installed PgBouncer.
package enum ConsoleView: String, CaseIterable, Sendable {
  case help, config, databases, pools, clients, servers, users, version, lists, mem, state
  case stats
  case statsTotals = "stats_totals"
  case statsAverages = "stats_averages"
  case totals, sockets
  case activeSockets = "active_sockets"
  case fds, peers
  case peerPools = "peer_pools"
  case dnsHosts = "dns_hosts"
  case dnsZones = "dns_zones"
  // Beyond PgBouncer's.
  case queue, holders, pins, lanes

  /// `nil` where the answer is no table.
  package var columns: [ConsoleColumn]? {
    switch self {
    case .help, .fds: nil
    case .config: texts("key", "value", "default", "changeable")
    case .databases:
      texts("name", "host") + numbers("port") + texts("database", "force_user")
        + numbers("pool_size", "min_pool_size", "reserve_pool", "reserve_pool_size", "server_lifetime")
        + texts("pool_mode", "load_balance_hosts")
        + numbers(
          "max_connections", "current_connections", "max_client_connections", "current_client_connections",
          "paused", "disabled")
    case .pools:
      texts("database", "user")
        + numbers(
          "cl_active", "cl_waiting", "cl_active_cancel_req", "cl_waiting_cancel_req", "sv_active",
          "sv_active_cancel", "sv_being_canceled", "sv_idle", "sv_used", "sv_tested", "sv_login", "maxwait",
          "maxwait_us")
        + texts("pool_mode", "load_balance_hosts") + numbers("cl_idle", "cl_pinned", "sv_closing")
    case .clients, .servers: socketColumns + numbers("loop") + texts("pinned")
    case .sockets, .activeSockets:
      socketColumns
        + numbers(
          "recv_pos", "pkt_pos", "pkt_remain", "send_pos", "send_remain", "pkt_avail", "send_avail", "loop")
        + texts("pinned")
    case .users:
      texts("name") + numbers("pool_size", "reserve_pool_size") + texts("pool_mode")
        + numbers(
          "max_user_connections", "current_connections", "max_user_client_connections",
          "current_client_connections")
    case .version: texts("version")
    case .lists: texts("list") + numbers("items")
    case .mem: texts("name") + numbers("size", "used", "free", "memtotal")
    case .state: texts("key", "value")
    case .stats: texts("database") + numbers(Workload.totalNames) + numbers(Workload.averageNames)
    case .statsTotals, .statsAverages: texts("database") + numbers(Workload.names)
    case .totals: texts("name") + numbers("value")
    case .peers: numbers("peer_id") + texts("host") + numbers("port", "pool_size")
    case .peerPools:
      numbers("peer_id", "cl_active_cancel_req", "cl_waiting_cancel_req", "sv_active_cancel", "sv_login")
    case .dnsHosts: texts("hostname") + numbers("ttl") + texts("addrs")
    case .dnsZones: texts("zonename") + numbers("serial", "count")
    case .queue:
      numbers("position") + texts("database", "user", "addr") + numbers("port") + texts("application_name")
        + numbers("id", "wait", "wait_us", "timeout_ms", "loop")
    case .holders:
      numbers("held", "held_us") + texts("database", "user", "addr") + numbers("port")
        + texts("application_name", "state", "pinned") + numbers("id", "server_pid", "loop")
    case .pins:
      numbers("pinned_for", "pinned_for_us") + texts("database", "user", "addr") + numbers("port")
        + texts("application_name", "reason", "statement") + numbers("id", "server_pid", "loop")
    case .lanes:
      texts("name", "application_name", "user", "database")
        + numbers("reserved", "max_connections", "weight", "sv_active", "cl_waiting")
    }
  }

  /// What its rows are made of.
  package var needs: ConsoleNeeds {
    switch self {
    case .clients, .queue, .holders, .pins: .clients
    case .servers: .backends
    case .sockets, .activeSockets: [.clients, .backends]
    case .help, .config, .databases, .pools, .users, .version, .lists, .mem, .state, .stats, .statsTotals,
      .statsAverages, .totals, .fds, .peers, .peerPools, .dnsHosts, .dnsZones, .lanes:
      []
    }
  }

  private var socketColumns: [ConsoleColumn] {
    texts("type", "user", "database", "replication", "state", "addr") + numbers("port")
      + texts("local_addr") + numbers("local_port") + texts("connect_time", "request_time")
      + numbers("wait", "wait_us", "close_needed") + texts("ptr", "link") + numbers("remote_pid")
      + texts("tls", "application_name") + numbers("prepared_statements", "id")
  }

  private func texts(_ names: String...) -> [ConsoleColumn] { names.map { ConsoleColumn($0, .text) } }
  private func numbers(_ names: String...) -> [ConsoleColumn] { numbers(names) }
  private func numbers(_ names: [String]) -> [ConsoleColumn] { names.map { ConsoleColumn($0, .number) } }
}

/// What every loop must tell one by one, beside its sums.
package struct ConsoleNeeds: OptionSet, Sendable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let clients = ConsoleNeeds(rawValue: 1)
  package static let backends = ConsoleNeeds(rawValue: 2)
}
