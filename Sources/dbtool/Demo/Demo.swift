import DatabaseTools
import Glibc
import Logging
import PoolServer
import PostgresWire
import StorefrontLoad

/// The whole story on a throwaway server: the problem, then the tool, then the problem gone.
struct Demo {
  private let plan: DemoPlan
  private let console: Console
  private let interruption: Interruption
  private var steps: DemoSteps

  init(_ plan: DemoPlan, _ console: Console, _ signals: TerminationSignals) {
    self.plan = plan
    self.console = console
    interruption = Interruption(signals)
    steps = DemoSteps(console)
  }

  /// - Throws: `Failure`; after a signal with status 128 + n. Nothing is left behind in any case.
  mutating func run() throws(Failure) -> DemoOutcome {
    let folders = try DemoFolders.find()
    let limit = FileLimit.raise()
    guard limit >= plan.openFiles else {
      throw Failure(
        "\(Figures.count(plan.clients)) clients need \(plan.openFiles) open files; the limit is \(limit)",
        hint: "raise it (ulimit -n), or ask for fewer: --clients \(max(1, (limit - 300) / 2))")
    }

    steps.begin("a throwaway PostgreSQL with room for \(DemoPlan.room) application connections")
    steps.note(DemoPlan.arithmetic)
    let server = try EphemeralServer.start(settings: try settings(), signals: interruption.signals)
    defer { if let rest = server.stop() { console.warn(rest) } }
    steps.note(
      "PostgreSQL \(server.version / 10000).\(server.version % 10000) "
        + "after \(Figures.seconds(server.startTime))"
    )
    let database = try DemoDatabase(on: server.target)
    defer { database.close() }
    let monitor = try BackendMonitor(database.target, role: DemoPlan.role)
    defer { monitor.stop() }
    try interruption.check()

    let storm = try connectDirectly(server, database, monitor)
    let mostDirect = try monitor.takeMost().most
    let migrations = try migrate(folders, database)
    let seeded = try seed(folders, database)
    let before = try database.books()

    let pool = try startPool(server, database)
    defer { pool.stop() }
    _ = try monitor.takeMost()
    let load = try visit(pool, database)
    let wait = pool.snapshot()?.counters.borrowWait
    let (mostPooled, looks) = try monitor.takeMost()
    return DemoOutcome(
      plan: plan, serverVersion: server.version, storm: storm, mostDirect: mostDirect, migrations: migrations,
      seeded: seeded, load: load,
      borrowWait: wait.flatMap { wait in
        guard let p50 = wait.quantile(0.5), let p99 = wait.quantile(0.99) else { return nil }
        return (p50, p99)
      }, mostPooled: mostPooled, looks: looks, before: before, after: try database.books())
  }

  private func settings() throws(Failure) -> EphemeralSettings {
    var settings = EphemeralSettings()
    try settings.set("max_connections=\(DemoPlan.maxConnections)")
    try settings.set("superuser_reserved_connections=\(DemoPlan.reserved)")
    return settings
  }

  // MARK: - The steps

  private mutating func connectDirectly(
    _ server: EphemeralServer, _ database: DemoDatabase, _ monitor: BackendMonitor
  ) throws(Failure) -> ConnectStorm.Report {
    steps.begin("without a pool: \(Figures.count(plan.clients)) clients connect to the server")
    let target = try loadTarget(host: server.target.host, port: server.target.port, database)
    var progress = DemoProgress(console)
    let report: ConnectStorm.Report
    do throws(SystemError) {
      report = try ConnectStorm.run(target, count: plan.clients, hash: .openSSL) { accepted, failed in
        progress.show(accepted: accepted, failed: failed)
        return interruption.hasCome ? .stop : .goOn
      } allTried: {
        monitor.lookOnce()
      }
    } catch {
      throw Failure("\(error.call): \(error.reason)")
    }
    progress.clear()
    try interruption.check()
    steps.note(
      "\(Figures.count(report.accepted)) are in, "
        + console.errPaint.red("\(Figures.count(report.attempted - report.accepted)) failed"))
    for refusal in report.refusals {
      steps.note(
        "\(Figures.count(refusal.count)) × \(refusal.error.message) (SQLSTATE \(refusal.error.sqlState))")
    }
    // Their backends end a moment after the clients have gone; the pool must find all the room.
    let deadline = ContinuousClock.now + .seconds(30)
    while try database.applicationBackends() > 0 {
      guard ContinuousClock.now < deadline else {
        throw Failure("the server keeps backends whose clients have gone")
      }
      usleep(10_000)
      try interruption.check()
    }
    return report
  }

  private mutating func migrate(_ folders: DemoFolders, _ database: DemoDatabase) throws(Failure) -> Int {
    steps.begin("dbtool migrate: the shop's schema")
    let start = ContinuousClock.now
    let count = try database.migrate(folders, console)
    steps.note("\(count) migrations applied in \(Figures.seconds(ContinuousClock.now - start))")
    try interruption.check()
    return count
  }

  private mutating func seed(_ folders: DemoFolders, _ database: DemoDatabase) throws(Failure) -> SeedReport {
    steps.begin("dbtool seed: products with stock, users, sessions")
    let start = ContinuousClock.now
    let report = try database.seed(folders, console)
    let tables = report.tables.filter { $0.added > 0 }.map { "\(Figures.count($0.added)) \($0.name)" }
    steps.note(tables.joined(separator: ", ") + " in \(Figures.seconds(ContinuousClock.now - start))")
    try database.deliver(pieces: plan.delivery)
    steps.note("a delivery: \(Figures.count(plan.delivery)) more of each product that is not sold out")
    try interruption.check()
    return report
  }

  private mutating func startPool(
    _ server: EphemeralServer, _ database: DemoDatabase
  ) throws(Failure) -> RunningPool {
    steps.begin("dbtool pool: in front of the server, with max_connections = \(DemoPlan.room)")
    var settings = PoolSettings(
      target: .init(host: server.target.host ?? "", port: UInt16(server.target.port ?? "") ?? 0),
      users: [.init(name: DemoPlan.role, password: database.password)])
    settings.listeners = [.tcp(host: "127.0.0.1", port: 0)]
    settings.http = nil
    settings.maxConnections = DemoPlan.room
    settings.maxClientConnections = plan.clients + 10
    let level: Logger.Level = console.talk == .verbose ? .info : .error
    let logger = Logger(label: "pool") { LineLogHandler(label: $0, format: .text, logLevel: level) }
    do throws(PoolStartError) {
      let pool = try PoolServer.start(settings: settings, logger: logger)
      steps.note("listening on \(pool.listeningAddresses.joined(separator: ", "))")
      return pool
    } catch {
      throw Failure(error.message, hint: error.hint)
    }
  }

  private mutating func visit(_ pool: RunningPool, _ database: DemoDatabase) throws(Failure) -> LoadReport {
    steps.begin(
      "with the pool: the same \(Figures.count(plan.clients)) clients, "
        + "\(Figures.seconds(plan.duration)) of Black Friday"
    )
    steps.note("60 % catalogue, 20 % inventory, 20 % checkout; nobody pauses between two requests")
    let address = pool.listeningAddresses.first ?? ""
    let colon = address.lastIndex(of: ":") ?? address.endIndex
    let target = try loadTarget(
      host: String(address[..<colon]), port: String(address[colon...].dropFirst()), database)
    var settings = LoadSettings(target: target, shop: try database.shop())
    settings.clients = plan.clients
    settings.duration = plan.duration
    settings.name = "demo"
    settings.progressInterval = .milliseconds(250)
    var progress = DemoProgress(console)
    let report: LoadReport
    do throws(SystemError) {
      report = try StorefrontRun.run(settings, hash: .openSSL) {
        progress.show($0, pool)
        return interruption.hasCome ? .stop : .goOn
      }
    } catch {
      throw Failure("\(error.call): \(error.reason)")
    }
    progress.clear()
    try interruption.check()
    return report
  }

  // MARK: - Helpers

  private func loadTarget(
    host: String?, port: String?, _ database: DemoDatabase
  ) throws(Failure) -> LoadTarget {
    do throws(AddressError) {
      let addresses = try SocketAddress.resolve(host: host ?? "", port: UInt16(port ?? "") ?? 0)
      if let address = addresses.first {
        return LoadTarget(
          address: address, user: DemoPlan.role, database: DemoPlan.database, password: database.password)
      }
    } catch {
      throw Failure(error.message)
    }
    throw Failure("\(host ?? "") has no address")
  }
}

/// Whether a signal has told the demo to end.
private final class Interruption {
  let signals: TerminationSignals
  private var number: Int32?

  init(_ signals: TerminationSignals) { self.signals = signals }

  /// Looks for a signal; one that came stays.
  var hasCome: Bool {
    if number == nil { number = signals.next()?.number }
    return number != nil
  }

  /// - Throws: `Failure` with exit status 128 + n when signal n has come.
  func check() throws(Failure) {
    guard hasCome, let number else { return }
    throw Failure(
      "interrupted by signal \(number)", detail: "the throwaway server and everything in it has been removed",
      exitCode: ExitStatus.signal(number))
  }
}
