package import PoolServer
package import PostgresWire

/// The storefront under load: so many visitors with a connection each, for so long.
package enum StorefrontRun {
  /// Runs on the calling thread until the last answer is in.
  ///
  /// First everybody logs in, then everybody starts; at the end no new request is started, and those under
  /// way are waited for, so that what the clients counted and what the database holds can be compared. A
  /// client whose connection breaks stays away.
  /// - Parameter watch: called once per ``LoadSettings/progressInterval``.
  /// - Throws: ``SystemError`` when not even the loop can be set up.
  package static func run(
    _ settings: LoadSettings, hash: ScramHash, watch: (LoadProgress) -> LoadVerdict
  ) throws(SystemError) -> LoadReport {
    var runner = try Runner(settings, hash)
    runner.connect(watch)
    if !runner.report.wasInterrupted { runner.visit(watch) }
    runner.finish(watch)
    return runner.report
  }
}

/// The phases of a run.
private struct Runner: ~Copyable {
  private let settings: LoadSettings
  private let mix: StorefrontMix
  private let thinking: ClosedRange<UInt64>?
  private var loop: ClientLoop
  private(set) var report = LoadReport()
  /// By client: its next request, when it started the last one, and when it has thought enough (0: it does
  /// not think).
  private var numbers: [Int]
  private var startedAt: [UInt64]
  private var dueAt: [UInt64]
  private var underWay = 0
  private var phaseStart = Nanoseconds.now
  private var lastWatch = Nanoseconds.now
  private var requestsAtLastWatch = 0
  private var requests = 0

  init(_ settings: LoadSettings, _ hash: ScramHash) throws(SystemError) {
    self.settings = settings
    mix = StorefrontMix(shop: settings.shop, seed: settings.seed)
    thinking = settings.thinkTime.map { Nanoseconds.of($0.lowerBound)...Nanoseconds.of($0.upperBound) }
    let clients = max(0, settings.clients)
    let kit = LoadClientKit(
      encoder: RequestEncoder(shop: settings.shop, run: settings.name),
      keys: ScramKeyCache(password: settings.target.password, hash: hash))
    // Spread evenly: of clients 0…99 so many as the share says, and so on.
    let styles: [LoadProtocol] = (0..<clients).map {
      ($0 + 1) * settings.simplePercent / 100 > $0 * settings.simplePercent / 100 ? .simple : .extended
    }
    loop = try ClientLoop(settings.target, kit: kit, styles: styles)
    numbers = Array(repeating: 0, count: clients)
    startedAt = Array(repeating: 0, count: clients)
    dueAt = Array(repeating: 0, count: clients)
    report.clients = clients
  }

  // MARK: - Phases

  mutating func connect(_ watch: (LoadProgress) -> LoadVerdict) {
    phaseStart = Nanoseconds.now
    let deadline = phaseStart + Nanoseconds.of(settings.patience)
    while loop.isConnecting, Nanoseconds.now < deadline, !report.wasInterrupted {
      loop.turn(milliseconds: 50, loginsAtOnce: settings.loginsAtOnce)
      for (_, event) in loop.events {
        if case .lost(let error) = event { report.errors.add(error) }
      }
      tell(.connecting, watch)
    }
    report.connected = loop.connected
    report.connectTime = Nanoseconds.duration(Nanoseconds.now - phaseStart)
    if loop.isConnecting, !report.wasInterrupted {
      for _ in 0..<(settings.clients - loop.connected - report.errors.total) {
        report.errors.add(.lost("not logged in within \(settings.patience)"))
      }
    }
  }

  mutating func visit(_ watch: (LoadProgress) -> LoadVerdict) {
    phaseStart = Nanoseconds.now
    let end = phaseStart + Nanoseconds.of(settings.duration)
    for client in numbers.indices where loop.isIdle(client) { next(client, phaseStart) }
    while Nanoseconds.now < end, loop.connected > 0, !report.wasInterrupted {
      loop.turn(milliseconds: thinking == nil ? 50 : 5)
      let now = Nanoseconds.now
      for (client, event) in loop.events where note(client, event, now) { next(client, now) }
      if thinking != nil { startDue(now) }
      tell(.running, watch)
    }
    report.loadTime = Nanoseconds.duration(Nanoseconds.now - phaseStart)
  }

  mutating func finish(_ watch: (LoadProgress) -> LoadVerdict) {
    let deadline = Nanoseconds.now + Nanoseconds.of(settings.patience)
    var isImpatient = false
    while underWay > 0, Nanoseconds.now < deadline, !isImpatient {
      loop.turn(milliseconds: 50)
      let now = Nanoseconds.now
      for (client, event) in loop.events { _ = note(client, event, now) }
      report.loadTime = Nanoseconds.duration(now - phaseStart)
      // Who has asked to stop before may ask again while answers are being waited for.
      let wasInterrupted = report.wasInterrupted
      report.wasInterrupted = false
      tell(.finishing, watch)
      isImpatient = report.wasInterrupted
      report.wasInterrupted = wasInterrupted || isImpatient
    }
    if underWay > 0 {
      for client in numbers.indices {
        guard let request = loop.pending(client), startedAt[client] > 0 else { continue }
        report.add(.failed(.lost("no answer until the end of the run")), request.kind, microseconds: 0)
      }
    }
    loop.terminateAll()
  }

  // MARK: - One client

  /// Counts what came of a request. Returns whether the client is ready for its next one.
  private mutating func note(_ client: Int, _ event: LoadClientEvent, _ now: UInt64) -> Bool {
    switch event {
    case .none, .loggedIn: return false
    case .finished(let kind, let outcome):
      report.add(outcome, kind, microseconds: (now - startedAt[client]) / 1000)
      settle(client)
      return true
    case .lost(let error):
      dueAt[client] = 0
      if startedAt[client] > 0, let request = loop.pending(client) {
        report.add(.failed(error), request.kind, microseconds: 0)
        settle(client)
      } else {
        report.errors.add(error)
      }
      return false
    }
  }

  private mutating func settle(_ client: Int) {
    startedAt[client] = 0
    underWay -= 1
    requests += 1
  }

  private mutating func next(_ client: Int, _ now: UInt64) {
    if let thinking {
      dueAt[client] = now + mix.thinkNanoseconds(client: client, number: numbers[client], in: thinking)
    } else {
      start(client, now)
    }
  }

  private mutating func start(_ client: Int, _ now: UInt64) {
    loop.start(mix.request(client: client, number: numbers[client]))
    numbers[client] += 1
    startedAt[client] = now
    dueAt[client] = 0
    underWay += 1
  }

  private mutating func startDue(_ now: UInt64) {
    for client in dueAt.indices where dueAt[client] > 0 && dueAt[client] <= now { start(client, now) }
  }

  // MARK: - Telling

  private mutating func tell(_ phase: LoadProgress.Phase, _ watch: (LoadProgress) -> LoadVerdict) {
    let now = Nanoseconds.now
    guard now - lastWatch >= Nanoseconds.of(settings.progressInterval) else { return }
    let verdict = watch(
      LoadProgress(
        phase: phase, elapsed: Nanoseconds.duration(now - phaseStart), connected: loop.connected,
        requests: requests, failed: report.errors.total, refused: report.refused,
        requestsPerSecond: Double(requests - requestsAtLastWatch) * 1e9 / Double(now - lastWatch)))
    lastWatch = now
    requestsAtLastWatch = requests
    if verdict == .stop { report.wasInterrupted = true }
  }
}
