package import LibPQ
import SeedData

/// Fills a database by a plan, in one transaction: afterwards everything is there, or nothing has changed.
///
/// Only what one transaction holds is used (`SET LOCAL`, a transaction's advisory lock, temporary tables that
/// the commit drops), so it works through a transaction pooler.
package struct Seeder {
  private let file: SeedPlanFile
  private let request: SeedRequest
  /// Opens more sessions, for `jobs`; nil when there is only the one.
  private var connect: (() throws(Failure) -> Connection)?
  private var watch: SessionWatch?

  package init(_ file: SeedPlanFile, _ request: SeedRequest = SeedRequest()) {
    self.file = file
    self.request = request
  }

  /// One seeder at a time, in each database; the second waits, and then finds the rows made.
  private static let lockKey = "dbtool seed"

  /// What a run came to.
  package enum Outcome: Sendable, Equatable {
    case loaded(SeedReport)
    case verified(SeedVerification)
    case removed(SeedRemoval)

    package var json: JSONValue {
      switch self {
      case .loaded(let report): report.json
      case .verified(let report): report.json
      case .removed(let report): report.json
      }
    }

    /// The lines of a table for people.
    package var lines: [String] {
      switch self {
      case .loaded(let report): report.lines
      case .verified(let report): report.lines
      case .removed(let report): report.lines
      }
    }
  }

  /// What is told while rows are made.
  package struct Telling {
    /// Called after each table.
    package var table: (SeedReport.Table) -> Void
    /// Called now and then.
    package var progress: (SeedProgress) -> Void

    package init(
      table: @escaping (SeedReport.Table) -> Void = { _ in },
      progress: @escaping (SeedProgress) -> Void = { _ in }
    ) {
      self.table = table
      self.progress = progress
    }
  }

  /// As ``perform(on:telling:)``, over a connection of its own.
  /// - Parameters:
  ///   - watch: looks after the session; without one, waits are not told and signals are somebody else's.
  ///   - isInteractive: whether what is told of a wait can be drawn over.
  ///   - tell: told of waits.
  ///   - notice: called with what the server says meanwhile.
  package func perform(
    on target: DatabaseTarget, watch: SessionWatch? = nil, isInteractive: Bool = false,
    tell: @escaping SessionWatch.Telling = { _ in }, notice: @escaping (String) -> Void = { _ in },
    telling: Telling = Telling()
  ) throws(Failure) -> Outcome {
    let connection = try target.connect()
    defer { connection.close() }
    connection.notices = { notice("\($0.severity): \($0.message)") }
    watch?.attach(to: connection, at: target, isInteractive: isInteractive, tell: tell)
    var seeder = self
    seeder.connect = { () throws(Failure) in try target.connect() }
    seeder.watch = watch
    do throws(Failure) { return try seeder.perform(on: connection, telling: telling) } catch {
      throw error.ended(by: watch?.interruption)
    }
  }

  /// Loads, and answers what was added.
  package func run(on target: DatabaseTarget) throws(Failure) -> SeedReport {
    let connection = try target.connect()
    defer { connection.close() }
    return try run(on: connection)
  }

  /// Loads, and answers what was added.
  /// - Parameter progress: called after each table.
  package func run(
    on connection: Connection, progress: @escaping (SeedReport.Table) -> Void = { _ in }
  ) throws(Failure) -> SeedReport {
    guard case .loaded(let report) = try perform(on: connection, telling: Telling(table: progress)) else {
      throw Failure("the request asks for something else than rows")
    }
    return report
  }

  /// Does what the request asks for.
  /// - Throws: `Failure`; nothing was written then.
  package func perform(
    on connection: Connection, telling: Telling = Telling()
  ) throws(Failure) -> Outcome {
    let (plan, selected) = try file.selection(request)
    do throws(ServerError) {
      try connection.execute("BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED")
    } catch {
      throw Failure(error)
    }
    let state = RunState()
    do {
      let outcome = try perform(plan, selected, connection, telling, state)
      let keeps = request.task == .load || request.task == .reset
      try connection.execute(keeps ? "COMMIT" : "ROLLBACK")
      return outcome
    } catch {
      // The first error is the one that counts; a connection that is gone has rolled back by itself.
      try? connection.execute("ROLLBACK")
      throw failure(error, state)
    }
  }

  /// What is known by the time that something goes wrong.
  private final class RunState {
    var facts: [String: TableFacts] = [:]
    /// Whether something stays, though the run failed.
    var isPartlyCommitted = false
  }

  private func perform(
    _ plan: SeedPlan, _ selected: [String], _ connection: Connection, _ telling: Telling,
    _ state: RunState
  ) throws -> Outcome {
    let database = try ProductionGuard.check(connection, acknowledged: request.acknowledged).get()
    _ = try connection.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [Self.lockKey])
    if request.task == .load { try run(file.before, on: connection) }
    if request.task == .load, request.jobs > 1, connect != nil, !file.before.isEmpty {
      // Other sessions must see what the hooks did, and none may wait for their locks.
      try connection.execute("COMMIT; BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED")
      state.isPartlyCommitted = true
      _ = try connection.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [Self.lockKey])
    }
    let facts = try catalogue(plan, connection, database: database)
    state.facts = facts
    let compiled = try compile(plan, facts)
    for name in selected { try compiled.checkReferences(of: name) }
    let needs = SeedNeeds(plan, facts)
    let order = try TableOrder.order(plan.tables.map(\.name), needs: needs.rows)
    let orderOfKeys = try TableOrder.order(plan.tables.map(\.name), needs: needs.keys).tables
    let loading = SeedLoading(
      connection, compiled, facts, isDryRun: request.isDryRun, progress: telling.progress)
    switch request.task {
    case .verify:
      var report = SeedVerification(database: database, seed: plan.seed, tables: [])
      for name in orderOfKeys where selected.contains(name) {
        report.tables.append(try loading.verify(name))
      }
      return .verified(report)
    case .reset:
      var report = SeedRemoval(database: database, tables: [])
      for name in orderOfKeys where selected.contains(name) || plan.table(name)?.parent == nil {
        try loading.stageForRemoval(name)
      }
      if order.isDeferred { try connection.execute("SET CONSTRAINTS ALL DEFERRED") }
      for (name, columns) in order.waiting where selected.contains(name) { try loading.letGo(name, columns) }
      for name in order.tables.reversed() where selected.contains(name) {
        report.tables.append(try loading.remove(name))
      }
      return .removed(report)
    case .load, .dryRun:
      var report = SeedReport(
        database: database, seed: plan.seed, isDryRun: request.isDryRun, tables: [])
      for name in orderOfKeys {
        if selected.contains(name) { try loading.survey(name) } else { try loading.resolve(name) }
      }
      if request.jobs > 1, request.task == .load, let connect,
        let families = SeedFamily.all(compiled, order.tables.filter(selected.contains), needs: needs.rows)
      {
        report.tables = try load(
          families, by: loading, order.tables.filter(selected.contains), connect, telling, state)
        try run(file.after, on: connection)
        return .loaded(report)
      }
      if order.isDeferred { try connection.execute("SET CONSTRAINTS ALL DEFERRED") }
      for name in order.tables where selected.contains(name) {
        let table = try loading.fill(name, waiting: order.waiting[name] ?? [])
        report.tables.append(table)
        telling.table(table)
      }
      for name in order.tables where selected.contains(name) {
        if let columns = order.waiting[name] { try loading.settle(name, columns) }
      }
      if !request.isDryRun { try run(file.after, on: connection) }
      return .loaded(report)
    }
  }

  /// Loads over several sessions, each of which commits what it has done.
  private func load(
    _ families: [SeedFamily], by loading: SeedLoading, _ order: [String],
    _ connect: () throws(Failure) -> Connection, _ telling: Telling, _ state: RunState
  ) throws -> [SeedReport.Table] {
    let workers = try SeedWorkers(
      loading, jobs: request.jobs, connect: connect, watch: watch, progress: telling.progress)
    for family in families {
      defer { if workers.hasCommitted { state.isPartlyCommitted = true } }
      try workers.run(family)
    }
    let sums = workers.sums
    var tables: [SeedReport.Table] = []
    for name in order {
      guard let index = loading.plan.index(of: name) else { continue }
      let table = try loading.report(name, rows: sums[index].rows, digest: sums[index].digest)
      tables.append(table)
      telling.table(table)
    }
    return tables
  }

  private func compile(_ plan: SeedPlan, _ facts: [String: TableFacts]) throws -> CompiledPlan {
    var identities: [String: String] = [:]
    for table in plan.tables where table.parent == nil {
      identities[table.name] = facts[table.name]?.identity(besides: table.columns.map(\.name))?.name
    }
    let compiled = try CompiledPlan(plan, rows: request.rows, identities: identities)
    for table in plan.tables {
      if let facts = facts[table.name] { try CatalogueCheck(table: table, facts: facts).run(compiled) }
    }
    return compiled
  }

  private func catalogue(
    _ plan: SeedPlan, _ connection: Connection, database: String
  ) throws -> [String: TableFacts] {
    var facts: [String: TableFacts] = [:]
    for table in plan.tables {
      guard let found = try TableFacts.read(table.name, on: connection) else {
        let (place, excerpt) = file.text.place(table: table.name, column: nil)
        throw Failure(
          "the database \(database) has no table \(table.name)", place: place, excerpt: excerpt,
          hint: "create it first: dbtool migrate")
      }
      facts[table.name] = found
    }
    return facts
  }

  /// Hooks run inside the transaction; one that ends it would leave half a load behind.
  private func run(_ hooks: [SeedPlanFile.Hook], on connection: Connection) throws {
    for hook in hooks {
      do throws(ServerError) {
        _ = try connection.execute(hook.sql)
      } catch {
        var failure = Failure(error)
        failure.place = Failure.Place(file: hook.path)
        failure.hint = failure.hint ?? "Nothing was changed: the load was rolled back."
        throw failure
      }
      guard connection.transactionStatus == .inTransaction else {
        throw Failure(
          "the hook ended the transaction that it runs in", place: Failure.Place(file: hook.path),
          detail: "What it committed stays; no row of the plan was added.",
          hint: "leave COMMIT and ROLLBACK out of hooks")
      }
    }
  }

  // MARK: - What went wrong

  private func failure(_ error: any Error, _ state: RunState) -> Failure {
    switch error {
    case let failure as Failure: return failure
    case let problem as PlanProblem: return file.failure(problem)
    case let refusal as ServerError: return failure(refusal, state)
    default: return Failure("\(error)")
    }
  }

  /// A server's refusal, with the place in the plan when it names a table or column of it.
  private func failure(_ refusal: ServerError, _ state: RunState) -> Failure {
    var failure = Failure(refusal)
    var hints = failure.hint.map { [$0] } ?? []
    if refusal.sqlState == "23505" {
      hints.append(
        "Two rows of the plan have the same value, or a row that is not the plan's has it already.")
    }
    hints.append(
      state.isPartlyCommitted
        ? "What was committed stays; run it again, and it adds the rest."
        : refusal.isConnectionLost
          ? "The server undoes what was not committed; run it again."
          : "Nothing was changed: the load was rolled back.")
    failure.hint = hints.joined(separator: "\n")
    let copied = Self.copied(refusal)
    if let table = refusal.table ?? copied.table, file.plan.table(table) != nil {
      let constrained = refusal.constraint.flatMap { state.facts[table]?.constraints[$0] } ?? []
      let (place, excerpt) = file.text.place(
        table: table,
        column: refusal.column ?? copied.column
          ?? constrained.first { file.plan.table(table)?.column($0) != nil })
      failure.place = place
      failure.excerpt = excerpt
    }
    return failure
  }

  /// What COPY says where it was: `COPY users, line 1, column created_at: "soon"`.
  private static func copied(_ refusal: ServerError) -> (table: String?, column: String?) {
    let prefix = "COPY "
    guard let line = refusal.context?.split(separator: "\n").first(where: { $0.hasPrefix(prefix) }) else {
      return (nil, nil)
    }
    let table = line.dropFirst(prefix.count).prefix { $0 != "," }
    let rest = line.split(separator: ", ", maxSplits: 2).last ?? ""
    let column = rest.hasPrefix("column ") ? rest.dropFirst("column ".count).prefix { $0 != ":" } : ""
    return (String(table), column.isEmpty ? nil : String(column))
  }

}
