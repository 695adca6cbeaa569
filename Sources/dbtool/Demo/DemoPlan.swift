import DatabaseTools

/// The numbers of the demo: the smaller shop's database server and its fleet at full size.
struct DemoPlan {
  /// Connections that PostgreSQL leaves to the application: a `db.t3.medium`.
  static let room = 85
  /// What PostgreSQL keeps for superusers (its default); an ordinary role is refused when no more are free.
  static let reserved = 3
  /// The demo's own two sessions, as superuser: one looks on ten times a second, one sets up and adds up.
  static let own = 2
  static let maxConnections = room + reserved + own

  static let products = 100
  static let users = 1000
  static let sessions = 1000

  static let database = "shop"
  /// Migrations grant this role what the shop needs. Source: migrations/afterMigrate.sql.
  static let role = "shop_app"

  let clients: Int
  let duration: Duration

  /// Both ends of each connection are in this process, which also talks to the server.
  var openFiles: Int { clients * 2 + Self.room + 200 }

  /// Pieces of each product that come in before the doors open, so that the shop does not sell out: more than
  /// the fastest machine orders. What the seeds left sold out stays so, and is refused when it is ordered.
  var delivery: Int {
    let perSecond = 50.0
    return Int(min(1_000_000_000, 1000 + perSecond * (duration / .seconds(1))))
  }

  /// One line that shows where the server's limit comes from.
  static let arithmetic =
    "max_connections = \(maxConnections): \(room) for the application, \(reserved) that PostgreSQL keeps for "
    + "superusers, \(own) for this demo's own look at it"
}
