/// The rows of every SHOW, from what the loops report and what is configured.
package struct ConsoleAnswers: Sendable {
  let report: ConsoleReport
  let facts: ConsoleFacts

  package init(_ report: ConsoleReport, _ facts: ConsoleFacts) {
    self.report = report
    self.facts = facts
  }

  package func table(_ view: ConsoleView) -> ConsoleTable {
    ConsoleTable(view.columns ?? [], rows(view))
  }

  private func rows(_ view: ConsoleView) -> [[ConsoleCell]] {
    switch view {
    case .help, .fds: []
    case .config: config
    case .databases: databases
    case .pools: pools
    case .clients: report.clients.filter { $0.state != .login }.map { clientRow($0, isDetailed: false) }
    case .servers: report.backends.map { backendRow($0, isDetailed: false) }
    case .sockets:
      report.clients.map { clientRow($0, isDetailed: true) }
        + report.backends.map { backendRow($0, isDetailed: true) }
    case .activeSockets:
      report.clients.filter { $0.unread > 0 || $0.unsent > 0 }.map { clientRow($0, isDetailed: true) }
        + report.backends.filter { $0.unread > 0 || $0.unsent > 0 }.map { backendRow($0, isDetailed: true) }
    case .users: users
    case .version: [[.text("PgBouncer 1.24.0 (dbtool \(facts.version))")]]
    case .lists: lists.map { [.text($0.0), ConsoleCell($0.1)] }
    case .mem:
      report.memory.map { memory in
        [
          .text(memory.name), ConsoleCell(memory.size), ConsoleCell(memory.used), ConsoleCell(memory.free),
          ConsoleCell(memory.size * (memory.used + memory.free)),
        ]
      }
    case .state:
      [
        [.text("active"), .text(facts.isPaused ? "no" : "yes")],
        [.text("paused"), .text(facts.isPaused ? "yes" : "no")], [.text("suspended"), .text("no")],
      ]
    case .stats: worked.map { [.text($0.name)] + $0.all.totals + $0.recent.averages(over: $0.span) }
    case .statsTotals: worked.map { [.text($0.name)] + $0.all.totals }
    case .statsAverages: worked.map { [.text($0.name)] + $0.recent.averages(over: $0.span) }
    case .totals: totals
    case .peers:
      facts.peers.map { [ConsoleCell($0.id), .text($0.host), ConsoleCell($0.port), .null] }
    case .peerPools:
      facts.peers.map { [ConsoleCell($0.id), ConsoleCell(report.counts.cancelsPassedOn)] + zeros(3) }
    case .dnsHosts:
      facts.addresses.sorted { $0.key < $1.key }.map {
        [.text($0.key), .null, .text($0.value.joined(separator: ","))]
      }
    case .dnsZones: []
    case .queue: queue
    case .holders: holders
    case .pins: pins
    case .lanes: lanes
    }
  }

  private func zeros(_ count: Int) -> [ConsoleCell] { [ConsoleCell](repeating: ConsoleCell(0), count: count) }

  // MARK: Pools, databases, users

  private var pools: [[ConsoleCell]] {
    report.groups.map { group in
      [
        .text(group.database), .text(group.user), ConsoleCell(group.clientsActive + group.clientsIdle),
        ConsoleCell(group.clientsWaiting),
      ] + zeros(2) + [
        ConsoleCell(group.backendsActive), ConsoleCell(0), ConsoleCell(group.backendsBeingCancelled),
        ConsoleCell(group.backendsIdle), ConsoleCell(0), ConsoleCell(group.backendsBeingCleaned),
        ConsoleCell(group.backendsLoggingIn),
      ] + ConsoleFacts.wait(group.longestWait) + [
        .text(group.mode), .null, ConsoleCell(group.clientsIdle), ConsoleCell(group.clientsPinned),
        ConsoleCell(group.backendsClosing),
      ]
    }
  }

  /// Those that are configured, or all that clients have come to; and the console.
  private var databases: [[ConsoleCell]] {
    var named = facts.databases
    if named.isEmpty {
      for group in report.groups
      where group.database != Self.console && !named.contains(where: { $0.name == group.database }) {
        named.append((group.database, group.target, nil))
      }
    }
    return [databaseRow(Self.console, Self.console, "statement", isConsole: true)]
      + named.map { databaseRow($0.name, $0.target, $0.mode, isConsole: false) }
  }

  /// The console's own name in its tables.
  package static let console = "pgbouncer"

  private func databaseRow(
    _ name: String, _ target: String, _ mode: String?, isConsole: Bool
  ) -> [ConsoleCell] {
    let groups = report.groups.filter { $0.target == target && ($0.database == Self.console) == isConsole }
    let size = isConsole ? 0 : facts.cap
    let isPaused = !isConsole && (facts.isPaused || facts.paused.contains(target))
    return [
      .text(name), isConsole ? .null : .text(facts.host),
      ConsoleCell(isConsole ? facts.listenPort : facts.port), .text(target),
      isConsole ? .text(Self.console) : .null, ConsoleCell(size),
    ] + zeros(3) + [
      ConsoleCell(isConsole ? 0 : facts.serverLifetimeSeconds), ConsoleCell(mode), .null, ConsoleCell(0),
      ConsoleCell(groups.reduce(0) { $0 + $1.backends }), ConsoleCell(0),
      ConsoleCell(groups.reduce(0) { $0 + $1.clients }), ConsoleCell(isPaused ? 1 : 0),
      ConsoleCell(facts.disabled.contains(name) ? 1 : 0),
    ]
  }

  private var users: [[ConsoleCell]] {
    var known = facts.users
    for group in report.groups where !known.contains(where: { $0.name == group.user }) {
      known.append((group.user, nil, 0))
    }
    return known.map { user in
      let groups = report.groups.filter { $0.user == user.name }
      return [
        .text(user.name), .null, .null, ConsoleCell(user.mode), ConsoleCell(user.maxBackends),
        ConsoleCell(groups.reduce(0) { $0 + $1.backends }), ConsoleCell(0),
        ConsoleCell(groups.reduce(0) { $0 + $1.clients }),
      ]
    }
  }

  private var lists: [(String, Int)] {
    let backends = report.groups.reduce(0) { $0 + $1.backends }
    return [
      ("databases", databases.count), ("users", users.count), ("peers", facts.peers.count),
      ("pools", report.groups.count), ("peer_pools", facts.peers.count),
      ("free_clients", report.counts.freeClients), ("used_clients", report.counts.clients),
      ("login_clients", report.counts.clientsLoggingIn), ("free_servers", max(0, facts.cap - backends)),
      ("used_servers", backends), ("dns_names", facts.addresses.count), ("dns_zones", 0),
      ("dns_queries", 0), ("dns_pending", 0),
    ]
  }

  /// The configuration under our names, then what exporters look for under PgBouncer's.
  private var config: [[ConsoleCell]] {
    facts.settings.map { setting in
      [
        .text(setting.key), .text(setting.value), .text(setting.fallback),
        .text(setting.isChangeable ? "yes" : "no"),
      ]
    }
      + [
        ("default_pool_size", facts.cap), ("listen_port", facts.listenPort),
        ("max_client_conn", facts.maxClients), ("max_user_connections", 0), ("stats_period", 60),
      ].map { [.text($0.0), .text(String($0.1)), .text(""), .text("no")] }
  }

  private var lanes: [[ConsoleCell]] {
    report.lanes.map { state in
      [
        .text(state.lane.name), ConsoleCell(state.lane.applicationName), ConsoleCell(state.lane.user),
        ConsoleCell(state.lane.database), ConsoleCell(state.lane.reserved),
        ConsoleCell(state.lane.maxBackends), ConsoleCell(state.lane.weight), ConsoleCell(state.lent),
        ConsoleCell(state.waiting),
      ]
    }
  }

  // MARK: Work

  private struct Worked {
    let name: String
    var all: Workload
    var recent: Workload
    var span: UInt64
  }

  /// By database.
  private var worked: [Worked] {
    var sums: [Worked] = []
    for group in report.groups {
      if let known = sums.firstIndex(where: { $0.name == group.database }) {
        sums[known].all.add(group.work)
        sums[known].recent.add(group.recentWork)
        sums[known].span = max(sums[known].span, group.recentTime)
      } else {
        sums.append(
          Worked(name: group.database, all: group.work, recent: group.recentWork, span: group.recentTime))
      }
    }
    return sums
  }

  private var totals: [[ConsoleCell]] {
    var sum = Worked(name: "", all: Workload(), recent: Workload(), span: 0)
    for entry in worked {
      sum.all.add(entry.all)
      sum.recent.add(entry.recent)
      sum.span = max(sum.span, entry.span)
    }
    return zip(Workload.sumNames, sum.all.totals + sum.recent.averages(over: sum.span)).map {
      [.text($0), $1]
    }
  }
}
