import DatabaseTools
import StorefrontLoad

extension DemoOutcome {
  /// The summary for programs. Times are in milliseconds where the name says so, else in seconds.
  var json: JSONValue {
    .object([
      .init("operation", .string("demo")),
      .init("serverVersion", .string("\(serverVersion / 10000).\(serverVersion % 10000)")),
      .init("maxConnections", .integer(DemoPlan.maxConnections)),
      .init("room", .integer(DemoPlan.room)),
      .init("direct", direct),
      .init("migrations", .integer(migrations)),
      .init("seeded", .integer(seeded.added)),
      .init("pooled", pooled),
      .init(
        "stock",
        .object([
          .init("sold", .integer(sold)), .init("ordered", .integer(ordered)),
          .init("orders", .integer(orders)),
          .init("checkouts", .integer(checkouts)),
        ])),
      .init(
        "promises", .object(promises.map { .init($0.key, .bool($0.isKept)) })),
      .init("ok", .bool(broken.isEmpty)),
    ])
  }

  private var direct: JSONValue {
    .object([
      .init("clients", .integer(storm.attempted)),
      .init("accepted", .integer(storm.accepted)),
      .init("failed", .integer(refusedDirectly)),
      .init("mostBackends", .integer(mostDirect)),
      .init(
        "errors",
        .array(storm.refusals.map { Self.error($0.error.sqlState, $0.count, $0.error.message) })),
    ])
  }

  private var pooled: JSONValue {
    .object([
      .init("clients", .integer(load.clients)),
      .init("connected", .integer(load.connected)),
      .init("seconds", .number(Figures.fixed(load.loadTime / .seconds(1), 3))),
      .init("requests", .integer(load.requests)),
      .init("requestsPerSecond", .number(Figures.fixed(load.requestsPerSecond, 1))),
      .init("failed", .integer(load.errors.total)),
      .init("errors", Self.list(load.errors)),
      .init("refused", .integer(load.refused)),
      .init("refusals", Self.list(load.refusals)),
      .init(
        "latencyMilliseconds",
        .object(
          [.init("all", Self.latency(load.latency, load.requests))]
            + RequestKind.allCases.map {
              .init($0.key, Self.latency(load[$0].latency, load[$0].requests))
            })),
      .init(
        "borrowWaitMilliseconds",
        borrowWait.map {
          .object([
            .init("p50", .number(Figures.fixed($0.p50 * 1000, 3))),
            .init("p99", .number(Figures.fixed($0.p99 * 1000, 3))),
          ])
        } ?? .null),
      .init("mostBackends", .integer(mostPooled)),
      .init("looks", .integer(looks)),
    ])
  }

  private static func latency(_ histogram: LatencyHistogram, _ requests: Int) -> JSONValue {
    .object(
      [.init("requests", .integer(requests))]
        + [50, 95, 99].map { percent in
          let milliseconds = Double(histogram.percentile(Double(percent))) / 1000
          return .init("p\(percent)", .number(Figures.fixed(milliseconds, 3)))
        })
  }

  private static func list(_ tally: ErrorTally) -> JSONValue {
    .array(tally.entries.map { error($0.sqlState, $0.count, $0.example) })
  }

  private static func error(_ sqlState: String, _ count: Int, _ message: String) -> JSONValue {
    .object([
      .init("sqlState", .string(sqlState)), .init("count", .integer(count)),
      .init("message", .string(message)),
    ])
  }
}
