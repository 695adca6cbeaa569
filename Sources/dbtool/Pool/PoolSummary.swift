import PoolServer

/// What the pool will do, for people: where it listens, whom it serves, how far it may go. Never a password.
struct PoolSummary: Sendable {
  let server: String
  let users: [String]
  let listeners: [String]
  /// `nil` when it is turned off.
  let http: String?
  let cap: String

  init(_ settings: PoolSettings) {
    server = settings.targets.map { target in
      target.host.hasPrefix("/")
        ? "\(target.host) (port \(target.port))" : ListenAddress.text(target.host, target.port)
    }.joined(separator: ", ")
    var users = settings.users.map { user in
      user.serverUser.map { $0 == user.name ? user.name : "\(user.name) as \($0)" } ?? user.name
    }
    if !settings.authFile.isEmpty { users.append("those of \(settings.authFile)") }
    self.users = users
    listeners = settings.listeners.map { ListenAddress.text($0) }
    http = settings.http.map { "http://" + ListenAddress.text($0.host, $0.port) }
    if let maximum = settings.maxConnections {
      cap = "\(maximum) backends"
    } else {
      cap = "\(settings.maxConnectionsPercent) % of what the server leaves to ordinary roles"
    }
  }

  var lines: [String] {
    [
      "server: \(server), for \(users.count == 1 ? "user" : "users") \(users.joined(separator: ", "))",
      "clients: \(listeners.joined(separator: ", ")); status: \(http ?? "off")",
      "cap: \(cap)",
    ]
  }
}
