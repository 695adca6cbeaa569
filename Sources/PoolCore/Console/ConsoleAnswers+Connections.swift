// What SHOW tells of single connections.

extension ConsoleAnswers {
  func clientRow(_ client: ConsoleClient, isDetailed: Bool) -> [ConsoleCell] {
    row(
      type: "C", client.user, client.database, client.replication,
      isDetailed ? Self.socketState(client.state) : client.state.rawValue, client.address,
      client.connectedAt, client.requestedAt, waiting: client.waitingSince, closeNeeded: false,
      ptr: Self.hexadecimal(UInt64(client.id)), link: client.link.map { Self.hexadecimal($0) } ?? "",
      process: 0, client.tls, client.application, client.preparedStatements, id: UInt64(client.id))
      + (isDetailed ? buffers(client.unread, client.unsent) : [])
      + [ConsoleCell(client.loop), ConsoleCell(client.pin)]
  }

  func backendRow(_ backend: ConsoleBackend, isDetailed: Bool) -> [ConsoleCell] {
    row(
      type: "S", backend.user, backend.database, backend.replication,
      isDetailed ? Self.socketState(backend.state) : backend.state.rawValue, backend.address,
      backend.connectedAt, backend.requestedAt, waiting: nil, closeNeeded: backend.closeNeeded,
      ptr: Self.hexadecimal(backend.id), link: backend.link.map { Self.hexadecimal(UInt64($0)) } ?? "",
      process: backend.process, backend.tls, backend.application, backend.preparedStatements, id: backend.id)
      + (isDetailed ? buffers(backend.unread, backend.unsent) : []) + [ConsoleCell(backend.loop), .null]
  }

  private func row(
    type: String, _ user: String, _ database: String, _ replication: String, _ state: String,
    _ address: ConsoleAddress, _ connectedAt: UInt64, _ requestedAt: UInt64, waiting: UInt64?,
    closeNeeded: Bool, ptr: String, link: String, process: UInt32, _ tls: String, _ application: String,
    _ preparedStatements: Int, id: UInt64
  ) -> [ConsoleCell] {
    [
      .text(type), .text(user), .text(database), .text(replication), .text(state), .text(address.address),
      ConsoleCell(address.port), .text(address.localAddress), ConsoleCell(address.localPort),
      facts.time(connectedAt), facts.time(requestedAt),
    ] + facts.wait(since: waiting) + [
      ConsoleCell(closeNeeded ? 1 : 0), .text(ptr), .text(link), ConsoleCell(process), .text(tls),
      .text(application), ConsoleCell(preparedStatements), ConsoleCell(id),
    ]
  }

  /// PgBouncer's counters of one buffer; ours are two queues.
  private func buffers(_ unread: Int, _ unsent: Int) -> [ConsoleCell] {
    [
      ConsoleCell(unread), ConsoleCell(0), ConsoleCell(0), ConsoleCell(0), ConsoleCell(0),
      ConsoleCell(unread),
      ConsoleCell(unsent),
    ]
  }

  private static func hexadecimal(_ number: UInt64) -> String { "0x" + String(number, radix: 16) }

  private static func socketState(_ state: ConsoleClient.State) -> String { "cl_\(state.rawValue)" }

  private static func socketState(_ state: ConsoleBackend.State) -> String {
    state == .new ? "sv_login" : "sv_\(state.rawValue)"
  }

  // MARK: Who waits, who holds, who keeps

  /// The longest first.
  var queue: [[ConsoleCell]] {
    let waiting = report.clients.filter { $0.waitingSince != nil }
      .sorted { ($0.waitingSince ?? 0) < ($1.waitingSince ?? 0) }
    return waiting.enumerated().map { place, client in
      [ConsoleCell(place + 1)] + who(client) + [ConsoleCell(client.id)]
        + facts.wait(since: client.waitingSince) + [
          client.waitsUntil.map { ConsoleCell($0 > facts.now ? ($0 - facts.now) / 1_000_000 : 0) } ?? .null,
          ConsoleCell(client.loop),
        ]
    }
  }

  /// The longest first.
  var holders: [[ConsoleCell]] {
    report.clients.filter { $0.borrowedAt != nil }.sorted { ($0.borrowedAt ?? 0) < ($1.borrowedAt ?? 0) }
      .map { client in
        facts.wait(since: client.borrowedAt) + who(client) + [
          .text(client.isIdleInTransaction ? "idle in transaction" : client.state.rawValue),
          ConsoleCell(client.pin), ConsoleCell(client.id), ConsoleCell(client.serverProcess ?? 0),
          ConsoleCell(client.loop),
        ]
      }
  }

  /// The longest first.
  var pins: [[ConsoleCell]] {
    report.clients.filter { $0.pin != nil }.sorted { ($0.pinnedAt ?? 0) < ($1.pinnedAt ?? 0) }
      .map { client in
        facts.wait(since: client.pinnedAt) + who(client) + [
          ConsoleCell(client.pin), .text(client.pinnedBy), ConsoleCell(client.id),
          ConsoleCell(client.serverProcess ?? 0), ConsoleCell(client.loop),
        ]
      }
  }

  private func who(_ client: ConsoleClient) -> [ConsoleCell] {
    [
      .text(client.database), .text(client.user), .text(client.address.address),
      ConsoleCell(client.address.port), .text(client.application),
    ]
  }
}
