import PoolCore
import Testing

@Suite("The console's tables") struct ConsoleAnswerTests {
  private func facts() -> ConsoleFacts {
    var facts = ConsoleFacts()
    facts.version = "9.9"
    facts.host = "db"
    facts.port = 5432
    facts.cap = 10
    facts.databases = [("shop", "shop_v2", "session")]
    facts.users = [("app", nil, 3)]
    facts.settings = [
      ConsoleSetting(key: "borrow_timeout", value: "3s", fallback: "120s", isChangeable: true)
    ]
    facts.now = 10_000_000_000
    facts.wallSeconds = 1_795_312_286
    return facts
  }

  private func report() -> ConsoleReport {
    var report = ConsoleReport()
    var group = ConsoleGroup(user: "app", database: "shop", target: "shop_v2", mode: "transaction")
    group.clientsIdle = 2
    group.clientsActive = 1
    group.clientsWaiting = 1
    group.backendsActive = 1
    group.backendsIdle = 2
    group.longestWait = 2_000_345_000
    group.work.transactions = 7
    group.work.queryTime = 9_000
    group.work.bytesSent = 500
    group.recentWork = group.work
    group.recentTime = 2_000_000_000
    report.groups = [group]
    var client = ConsoleClient(user: "app", database: "shop", state: .waiting, id: 0x17, loop: 1)
    client.connectedAt = 9_000_000_000
    client.waitingSince = 8_000_000_000
    client.waitsUntil = 11_500_000_000
    report.clients = [client]
    report.backends = [
      ConsoleBackend(user: "app", database: "shop", state: .idle, process: 4, id: 1 << 40, loop: 0)
    ]
    return report
  }

  private func table(_ view: ConsoleView) -> ConsoleTable { ConsoleAnswers(report(), facts()).table(view) }

  private func cell(_ view: ConsoleView, _ column: String, row: Int = 0) -> ConsoleCell? {
    let table = table(view)
    guard let place = table.columns.firstIndex(where: { $0.name == column }), row < table.rows.count else {
      return nil
    }
    return table.rows[row][place]
  }

  @Test(
    "every row has as many cells as there are columns, each of its column's type",
    arguments: ConsoleView.allCases)
  func shapes(view: ConsoleView) {
    let table = table(view)
    for row in table.rows {
      #expect(row.count == table.columns.count)
      for (cell, column) in zip(row, table.columns) {
        switch cell {
        case .null: break
        case .text: #expect(column.kind == .text, "\(view) \(column.name)")
        case .number: #expect(column.kind == .number, "\(view) \(column.name)")
        }
      }
    }
    #expect(Set(table.columns.map(\.name)).count == table.columns.count)
  }

  @Test("SHOW POOLS counts clients and backends as PgBouncer does: idle clients are active ones")
  func pools() {
    #expect(cell(.pools, "database") == .text("shop"))
    #expect(cell(.pools, "cl_active") == .number(3))
    #expect(cell(.pools, "cl_waiting") == .number(1))
    #expect(cell(.pools, "sv_idle") == .number(2))
    #expect(cell(.pools, "maxwait") == .number(2))
    #expect(cell(.pools, "maxwait_us") == .number(345))
  }

  @Test("SHOW STATS: totals since the start, averages for each second or transaction, times in microseconds")
  func stats() {
    #expect(cell(.stats, "total_xact_count") == .number(7))
    #expect(cell(.stats, "total_query_time") == .number(9))
    #expect(cell(.stats, "avg_xact_count") == .number(3))
    #expect(cell(.stats, "avg_sent") == .number(250))
    #expect(table(.totals).rows.contains([.text("total_xact_count"), .number(7)]))
  }

  @Test("moments are told in UTC, waits in seconds and microseconds")
  func times() {
    #expect(cell(.clients, "connect_time") == .text("2026-11-22 01:51:25 UTC"))
    #expect(cell(.clients, "wait") == .number(2))
    #expect(cell(.clients, "ptr") == .text("0x17"))
    #expect(cell(.queue, "timeout_ms") == .number(1_500))
    #expect(cell(.servers, "request_time") == .null)
    #expect(CivilTime.text(secondsSince1970: 0) == "1970-01-01 00:00:00 UTC")
    #expect(CivilTime.text(secondsSince1970: 951_782_400) == "2000-02-29 00:00:00 UTC")
    #expect(CivilTime.text(secondsSince1970: 4_107_542_399) == "2100-02-28 23:59:59 UTC")
    #expect(CivilTime.text(secondsSince1970: -1) == "1969-12-31 23:59:59 UTC")
  }

  @Test("SHOW CONFIG has our keys and the ones that exporters look for, as whole numbers")
  func config() {
    let rows = table(.config).rows
    #expect(rows.contains([.text("borrow_timeout"), .text("3s"), .text("120s"), .text("yes")]))
    #expect(rows.contains { $0[0] == .text("max_client_conn") && $0[1] == .text("0") })
  }

  @Test("reports of several loops add up by user and database")
  func sums() {
    var sum = report()
    sum.add(report())
    #expect(sum.groups.count == 1)
    #expect(sum.clients.count == 2)
    #expect(sum.groups[0].clientsIdle == 4)
    #expect(sum.groups[0].work.transactions == 14)
    #expect(sum.groups[0].longestWait == 2_000_345_000)
  }

  @Test("a workload's difference is what came between")
  func differences() {
    var earlier = Workload()
    earlier.queries = 3
    var later = earlier
    later.queries = 10
    later.waitTime = 5
    #expect(later.since(earlier).queries == 7)
    #expect(later.since(earlier).waitTime == 5)
  }
}
