package import PoolServer

/// Where the clients connect to, and as whom.
package struct LoadTarget: Sendable {
  package var address: SocketAddress
  package var user: String
  package var database: String
  package var password: String

  package init(address: SocketAddress, user: String, database: String, password: String) {
    self.address = address
    self.user = user
    self.database = database
    self.password = password
  }
}

/// How the storefront is visited.
package struct LoadSettings: Sendable {
  package var target: LoadTarget
  package var shop: Shop
  /// Connections, all open for the whole run.
  package var clients = 1600
  /// From the first request until no new one is started.
  package var duration = Duration.seconds(30)
  /// How long a visitor thinks before each request, evenly spread; nil: not at all.
  package var thinkTime: ClosedRange<Duration>?
  /// Of 100 clients so many talk the simple protocol, the rest the extended one.
  package var simplePercent = 40
  /// The same seed asks for the same things.
  package var seed: UInt64 = 1
  /// What idempotency keys begin with; two runs on one database need two names.
  package var name = "load"
  /// Logins under way at a time.
  package var loginsAtOnce = 64
  /// How long all logins together may take, and how long the last answers.
  package var patience = Duration.seconds(60)
  /// Between two calls of the one who watches.
  package var progressInterval = Duration.seconds(1)

  package init(target: LoadTarget, shop: Shop) {
    self.target = target
    self.shop = shop
  }
}
