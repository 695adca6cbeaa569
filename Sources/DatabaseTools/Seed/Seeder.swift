package import LibPQ
import SeedData

/// Fills a database by a plan, in one transaction: afterwards everything is there, or nothing has changed.
///
/// Only what one transaction holds is used (`SET LOCAL`, a transaction's advisory lock, temporary tables that
/// the commit drops), so it works through a transaction pooler.
package struct Seeder {
  private let file: SeedPlanFile
  private let request: SeedRequest

  package init(_ file: SeedPlanFile, _ request: SeedRequest = SeedRequest()) {
    self.file = file
    self.request = request
  }

  /// One seeder at a time, in each database; the second waits, and then finds the rows made.
  private static let lockKey = "dbtool seed"

  /// As ``run(on:progress:)``, over a connection of its own.
  /// - Parameters:
  ///   - watch: looks after the session; without one, waits are not told and signals are somebody else's.
  ///   - isInteractive: whether what is told of a wait can be drawn over.
  ///   - tell: told of waits.
  ///   - notice: called with what the server says meanwhile.
  package func run(
    on target: DatabaseTarget, watch: SessionWatch? = nil, isInteractive: Bool = false,
    tell: @escaping SessionWatch.Telling = { _ in }, notice: @escaping (String) -> Void = { _ in },
    progress: (SeedReport.Table) -> Void = { _ in }
  ) throws(Failure) -> SeedReport {
    let connection = try target.connect()
    defer { connection.close() }
    connection.notices = { notice("\($0.severity): \($0.message)") }
    watch?.attach(to: connection, at: target, isInteractive: isInteractive, tell: tell)
    do throws(Failure) { return try run(on: connection, progress: progress) } catch {
      throw error.ended(by: watch?.interruption)
    }
  }

  /// - Parameter progress: called after each table.
  /// - Throws: `Failure`; nothing was written then.
  package func run(
    on connection: Connection, progress: (SeedReport.Table) -> Void = { _ in }
  ) throws(Failure) -> SeedReport {
    let (plan, selected) = try selection()
    do throws(ServerError) {
      try connection.execute("BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED")
    } catch {
      throw Failure(error)
    }
    do {
      let report = try load(plan, selected, connection, progress)
      try connection.execute(request.isDryRun ? "ROLLBACK" : "COMMIT")
      return report
    } catch {
      // The first error is the one that counts; a connection that is gone has rolled back by itself.
      try? connection.execute("ROLLBACK")
      throw failure(error)
    }
  }

  private func load(
    _ plan: SeedPlan, _ selected: [String], _ connection: Connection, _ progress: (SeedReport.Table) -> Void
  ) throws -> SeedReport {
    let database = try ProductionGuard.check(connection, acknowledged: request.acknowledged).get()
    _ = try connection.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [Self.lockKey])
    if !request.isDryRun { try run(file.before, on: connection) }
    let facts = try catalogue(plan, connection, database: database)
    var identities: [String: String] = [:]
    for table in plan.tables where table.parent == nil {
      identities[table.name] = facts[table.name]?.identity(besides: table.columns.map(\.name))?.name
    }
    let compiled = try CompiledPlan(plan, rows: request.rows, identities: identities)
    for name in selected { try compiled.checkReferences(of: name) }
    let order = try TableOrder.order(plan.tables.map(\.name), references: references(plan, facts))
    let loading = SeedLoading(connection, compiled, facts, isDryRun: request.isDryRun)
    var tables: [SeedReport.Table] = []
    for name in order {
      guard selected.contains(name) else {
        try loading.resolve(name)
        continue
      }
      let table = try loading.load(name)
      tables.append(table)
      progress(table)
    }
    if !request.isDryRun { try run(file.after, on: connection) }
    return SeedReport(database: database, seed: plan.seed, isDryRun: request.isDryRun, tables: tables)
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
      try CatalogueCheck(table: table, facts: found).run()
      facts[table.name] = found
    }
    return facts
  }

  private func references(_ plan: SeedPlan, _ facts: [String: TableFacts]) -> [(from: String, to: String)] {
    var references: [(from: String, to: String)] = []
    for table in plan.tables {
      references += table.neededTables.map { (table.name, $0) }
      for other in plan.tables
      where facts[table.name]?.references.contains(facts[other.name]?.oid ?? "") == true {
        references.append((table.name, other.name))
      }
    }
    return references
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

  // MARK: - What is asked for

  /// The tables that the run needs, and those of them that it fills.
  private func selection() throws(Failure) -> (SeedPlan, [String]) {
    var plan = file.plan
    if let seed = request.seed { plan.seed = seed }
    let names = plan.tables.map(\.name)
    for name in request.rows.keys.sorted() {
      guard let table = plan.table(name) else {
        throw .usage("the plan has no table \(name)", hint: "it has \(names.joined(separator: ", "))")
      }
      if let parent = table.parent {
        throw .usage(
          "the rows of \(name) follow from \(parent)", hint: "ask for more of these: --rows \(parent)=N")
      }
    }
    guard let only = request.only else { return (plan, names) }
    if only.isEmpty {
      throw .usage("--only names no table", hint: "the plan has \(names.joined(separator: ", "))")
    }
    for name in only where !names.contains(name) {
      throw .usage("the plan has no table \(name)", hint: "it has \(names.joined(separator: ", "))")
    }
    for name in only {
      for summed in plan.table(name)?.summedTables ?? [] where !only.contains(summed) {
        throw .usage(
          "\(name) adds up rows of \(summed), which would not be made",
          hint: "name both: --only \(name),\(summed)")
      }
    }
    var needed = Set(only)
    var open = only
    while let name = open.popLast() {
      for other in (plan.table(name)?.neededTables ?? []) + (plan.table(name)?.summedTables ?? [])
      where needed.insert(other).inserted { open.append(other) }
    }
    plan.tables.removeAll { !needed.contains($0.name) }
    return (plan, only)
  }

  private func failure(_ error: any Error) -> Failure {
    switch error {
    case let failure as Failure: return failure
    case let problem as PlanProblem: return file.failure(problem)
    case let refusal as ServerError: return failure(refusal)
    default: return Failure("\(error)")
    }
  }

  /// A server's refusal, with the place in the plan when it names a table or column of it.
  private func failure(_ refusal: ServerError) -> Failure {
    var failure = Failure(refusal)
    var hints = failure.hint.map { [$0] } ?? []
    if refusal.sqlState == "23505" {
      hints.append(
        "Two rows of the plan have the same value, or a row that is not the plan's has it already.")
    }
    hints.append(
      refusal.isConnectionLost
        ? "The server undoes what was not committed; run it again."
        : "Nothing was changed: the load was rolled back.")
    failure.hint = hints.joined(separator: "\n")
    let copied = Self.copied(refusal)
    if let table = refusal.table ?? copied.table, file.plan.table(table) != nil {
      let (place, excerpt) = file.text.place(table: table, column: refusal.column ?? copied.column)
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
