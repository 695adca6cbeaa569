import DatabaseTools
import Logging
import PoolServer

/// Tries what a configuration asks of the server, by a pool that listens nowhere.
struct PoolChecker {
  let settings: PoolSettings

  /// - Throws: ``PoolStartError`` for what would keep the pool from starting.
  func run() throws(PoolStartError) -> PoolCheckReport {
    var report = PoolCheckReport()
    let targets = settings.targets.filter { $0.role != .reader }
    var usable: Int?
    for target in targets {
      do throws(PoolStartError) {
        let found = try check(target, isOnly: targets.count == 1, &report)
        // All may become the one that is used.
        usable = [usable, found].compactMap(\.self).min()
      } catch {
        guard targets.count > 1 else { throw error }
        report.add(.fails, target.name, error.message, hint: error.hint)
      }
    }
    if let usable {
      report.addCap(
        settings.maxConnections, percent: settings.maxConnectionsPercent, usable: usable,
        forLookups: !settings.lookupUser.isEmpty)
      for user in settings.users where user.maxConnections > usable {
        report.add(
          .note, "user \(user.name.quoted)",
          "its max_connections, \(user.maxConnections), is more than the server's \(usable)")
      }
    }
    return report
  }

  /// Enters one server as everybody. Returns how many connections it leaves to ordinary roles, once somebody was let in.
  private func check(
    _ target: PoolSettings.Target, isOnly: Bool, _ report: inout PoolCheckReport
  ) throws(PoolStartError) -> Int? {
    var own = settings
    own.target = target
    own.furtherTargets = []
    own.listeners = []
    own.http = nil
    own.threads = 1
    own.lanes = []
    own.minConnections = 0
    // So that the server is asked what it has.
    own.maxConnections = nil
    own.maxConnectionsPercent = 100
    let pool = try PoolServer.start(
      settings: own, logger: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() })
    defer { pool.stop() }
    let patience = Int(clamping: settings.connectTimeout > 0 ? settings.connectTimeout : 15_000) + 2_000
    let place = isOnly ? "" : "\(target.name): "
    var usable: Int?
    for user in users() {
      for database in databases(user) {
        let subject = "\(place)user \(user.name.quoted) in \(database.quoted)"
        switch pool.enter(user.name, database, within: patience) {
        case .entered(let isEncrypted, let version, let ordinary):
          usable = ordinary
          let way = isEncrypted ? "over TLS" : "without TLS"
          let number = version.prefix { $0 != " " }
          report.add(.works, subject, "the server (PostgreSQL \(number)) lets the pool in, \(way)")
        case .needsClient:
          report.add(
            .note, subject,
            "the pool has a SCRAM verifier and no key: works once a client has logged in as this user",
            hint: "until then nothing is opened for it; a plain password does without")
        case .refused(let sqlState, let reason, let hint):
          let state = sqlState.map { " (SQLSTATE \($0))" } ?? ""
          report.add(.fails, subject, reason + state, hint: hint ?? advice(sqlState, reason, target))
        case .unknownUser, .notYet:
          report.add(.fails, subject, "the user has no password in the configuration")
        }
      }
    }
    if !settings.lookupUser.isEmpty { checkLookups(pool, place, patience, &report) }
    return usable
  }

  private func checkLookups(
    _ pool: RunningPool, _ place: String, _ patience: Int, _ report: inout PoolCheckReport
  ) {
    let database = settings.databases.first?.name ?? settings.probeDatabase ?? "postgres"
    let subject = "\(place)auth_query as \(settings.lookupUser.quoted)"
    switch pool.lookUp(settings.lookupUser, database, within: patience) {
    case .found: report.add(.works, subject, "tells stored passwords")
    case .nobody(let reason):
      report.add(
        .note, subject, "is answered, but not with the password of auth_user itself: \(reason)",
        hint: "see whether it tells those of others: run it by hand as this role")
    case .failed(let reason):
      report.add(
        .fails, subject, reason,
        hint: "pg_shadow is for superusers: give auth_user a function with SECURITY DEFINER (docs/pool.md)")
    }
  }

  /// Those of the configuration, then those of auth_file.
  private func users() -> [PoolSettings.User] {
    let listed = (try? PoolServer.listedUsers(settings)) ?? []
    return settings.users
      + listed.filter { name in !settings.users.contains { $0.name.utf8.elementsEqual(name.utf8) } }
      .map { PoolSettings.User(name: $0, password: "") }
  }

  /// Their names at the server.
  private func databases(_ user: PoolSettings.User) -> [String] {
    if !settings.databases.isEmpty { return settings.databases.map(\.target) }
    return [settings.probeDatabase ?? user.serverUser ?? user.name]
  }

  private func advice(_ sqlState: String?, _ reason: String, _ target: PoolSettings.Target) -> String? {
    switch sqlState {
    case nil: "see host, port and sslmode of the target: \(target.host), \(target.port)"
    case "28P01": "the password here is not the server's: see password, password_file or auth_file"
    case "28000" where reason.contains("not permitted to log in"): "ALTER ROLE … LOGIN"
    case "28000": "the server's pg_hba.conf has no line that lets this in: user, database, address, TLS"
    case "3D000": "see target_database in [[pool.databases]]"
    case "42501": "GRANT CONNECT ON DATABASE … TO the role"
    case "53300": "the server is full now"
    default: nil  // the server's own words must do
    }
  }
}
