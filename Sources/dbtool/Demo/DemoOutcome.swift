import DatabaseTools
import StorefrontLoad

/// Everything the demo has seen, and whether it is as promised.
struct DemoOutcome {
  let plan: DemoPlan
  /// `150018` for 15.18.
  let serverVersion: Int
  let storm: ConnectStorm.Report
  /// The most backends that the monitor saw while everybody connected directly.
  let mostDirect: Int
  let migrations: Int
  let seeded: SeedReport
  let load: LoadReport
  /// How long clients waited for a backend, in seconds; nil when none was borrowed.
  let borrowWait: (p50: Double, p99: Double)?
  /// The most backends that the monitor saw behind the pool, and how often it looked.
  let mostPooled: Int
  let looks: Int
  let before: DemoBooks
  let after: DemoBooks

  var sold: Int { before.stock - after.stock }
  var ordered: Int { after.ordered - before.ordered }
  var orders: Int { after.orders - before.orders }
  var checkouts: Int { load[.checkout].served }

  /// Something that must hold.
  struct Promise {
    /// Its name in JSON.
    let key: String
    let isKept: Bool
    /// What is wrong when it is not kept.
    let complaint: String
  }

  var promises: [Promise] {
    [
      Promise(
        key: "backendsWithinRoom", isKept: looks > 0 && mostPooled <= DemoPlan.room,
        complaint: looks > 0
          ? "pg_stat_activity showed \(mostPooled) backends, of \(DemoPlan.room) that may be"
          : "nobody looked at pg_stat_activity"),
      Promise(
        key: "noFailedRequest",
        isKept: load.errors.total == 0 && load.requests > 0 && load.connected == plan.clients,
        complaint: "\(load.errors.total) errors, \(load.connected) of \(plan.clients) clients connected, "
          + "\(load.requests) requests"),
      Promise(
        key: "stockSoldEqualsOrders", isKept: sold == ordered,
        complaint: "\(sold) pieces left the stock, \(ordered) were ordered"),
      Promise(
        // A checkout whose answer was lost may have been placed all the same: then there may be more orders.
        key: "ordersEqualCheckouts",
        isKept: load.errors.total == 0 ? orders == checkouts : orders >= checkouts,
        complaint: "the database has \(orders) new orders, the clients placed \(checkouts)"),
    ]
  }

  var broken: [Promise] { promises.filter { !$0.isKept } }
}
