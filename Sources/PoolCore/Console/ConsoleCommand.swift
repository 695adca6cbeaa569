/// What somebody at the console wants.
package enum ConsoleCommand: Equatable, Sendable {
  case show(ConsoleView)
  /// Drivers ask for these, and set them, before they are asked to: answered as by a server with its defaults.
  case sessionSetting(name: String, value: String)
  /// `SELECT 1`: is anybody there?
  case one
  /// Accepted, and without effect here.
  case ignored(tag: String, isSet: Bool)
  case begin, commit, rollback
  case order(ConsoleOrder)

  /// Of what it answers with; `nil`: nothing but its tag.
  package var columns: [ConsoleColumn]? {
    switch self {
    case .show(let view): view.columns
    case .sessionSetting(let name, _): [ConsoleColumn(name, .text)]
    case .one: [ConsoleColumn("?column?", .number)]
    case .ignored, .begin, .commit, .rollback, .order: nil
    }
  }

  /// Of its CommandComplete.
  package var tag: String {
    switch self {
    case .show, .sessionSetting: "SHOW"
    case .one: "SELECT 1"
    case .ignored(let tag, _): tag
    case .begin: "BEGIN"
    case .commit: "COMMIT"
    case .rollback: "ROLLBACK"
    case .order(let order): order.tag
    }
  }
}

/// What changes something: for `admin_users` only. A database is named as clients name it; `nil`: all of them.
package enum ConsoleOrder: Equatable, Sendable {
  case set(key: String, value: String)
  case pause(String?)
  case resume(String?)
  case reconnect(String?)
  case kill(String?)
  case killClient(UInt32)
  case disable(String)
  case enable(String)
  case waitClose(String?)
  case shutdown(ConsoleShutdown)
  case reload
  case suspend

  package var tag: String {
    switch self {
    case .set: "SET"
    case .pause: "PAUSE"
    case .resume: "RESUME"
    case .reconnect: "RECONNECT"
    case .kill: "KILL"
    case .killClient: "KILL_CLIENT"
    case .disable: "DISABLE"
    case .enable: "ENABLE"
    case .waitClose: "WAIT_CLOSE"
    case .shutdown: "SHUTDOWN"
    case .reload: "RELOAD"
    case .suspend: "SUSPEND"
    }
  }
}

/// How the pool is to end.
package enum ConsoleShutdown: Equatable, Sendable {
  /// At once: whatever runs is cut off.
  case immediate
  /// As SIGTERM does: running transactions may end.
  case afterTransactions
  /// No new clients; those that are in stay until they leave.
  case afterClients
}

/// Who somebody is at the console.
package enum ConsoleRights: Equatable, Sendable {
  /// Everything.
  case admin
  /// SHOW.
  case stats
}
