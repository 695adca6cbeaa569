import LibPQ
import Migrations

extension Verifier {
  /// Proves each undo script where its migration is the newest, and runs misnamed scripts where they were meant.
  mutating func stepByStep() throws(MigrationFailure) {
    if undos.isEmpty, misnamed.isEmpty, skippedBaselines().isEmpty { return }
    progress("migrating an empty database step by step")
    var first: Int? = 0
    var servers = 0
    // An undo script that fails leaves nobody knows what behind: the next one starts on a new server.
    while let position = first {
      servers += 1
      guard servers <= Self.mostServers else {
        ledger.skip(undos.values.map(\.absolutePath), "too many undo scripts before it fail")
        return
      }
      do throws(Failure) {
        let server = try another()
        defer { server.stop() }
        let target = try database(on: server)
        first = try prove(from: position, Stage(server, target, try history(target).ownTables))
      } catch {
        throw MigrationFailure(error)
      }
    }
  }

  private static let mostServers = 20

  /// A server on which migrations run one by one.
  private struct Stage {
    let target: DatabaseTarget
    let dump: SchemaDump

    init(_ server: EphemeralServer, _ target: DatabaseTarget, _ ownTables: [String]) {
      self.target = target
      dump = SchemaDump(server: server, leavingOut: ownTables)
    }

    func schema() throws(Failure) -> String { try dump.take(of: target.database ?? "") }
  }

  /// How far a stage is to be migrated.
  private enum Goal {
    /// Schemas and the history table, and nothing else.
    case nothing
    case version(ResolvedMigration)
    /// Everything, repeatables too.
    case end
  }

  /// - Returns: where to go on with a new server; nil when there is nothing more to be found.
  private mutating func prove(from position: Int, _ stage: Stage) throws(Failure) -> Int? {
    let versioned: [ResolvedMigration]
    do throws(MigrationFailure) { versioned = try meant(stage) } catch { return nil }
    guard migrate(stage, to: position == 0 ? .nothing : .version(versioned[position - 1])) else { return nil }
    for (index, file) in versioned.enumerated().dropFirst(position) {
      guard let undo = file.version.flatMap({ undos[$0] }) else { continue }
      if index > position, !migrate(stage, to: .version(versioned[index - 1])) { return nil }
      let before = try stage.schema()
      guard migrate(stage, to: .version(file)) else { return nil }
      guard try prove(undo, of: file, before: before, stage) else { return index + 1 }
    }
    if migrate(stage, to: .end), misnamed.isEmpty, !skippedBaselines().isEmpty {
      schemaWithoutBaseline = try stage.schema()
    }
    return nil
  }

  /// Undoes the newest migration and migrates again.
  /// - Returns: whether the stage can still be used.
  private mutating func prove(
    _ undo: ResolvedMigration, of file: ResolvedMigration, before: String, _ stage: Stage
  ) throws(Failure) -> Bool {
    let key = undo.absolutePath
    do throws(MigrationFailure) {
      let session = try session(stage.target, adapt: { self.adapted($0, .version(file)) })
      defer { session.connection.close() }
      let result = try session.undo()
      ledger.pass(key, milliseconds: result.undone.first?.milliseconds)
    } catch {
      ledger.fail(key, .undo, VerifyAdvice.improved(error.failure))
      return false
    }
    let difference = SchemaDifference(from: before, to: try stage.schema())
    guard difference.isEmpty else {
      ledger.fail(
        key, .undoDifference,
        Failure(
          "after \(undo.script) the schema is not what it was before \(file.script)",
          place: Failure.Place(file: undo.path, line: 1),
          hint:
            "+ is left behind by the undo, - is taken away too much; change the undo script until nothing is left",
          related: Self.shown(difference)))
      return false
    }
    guard migrate(stage, to: .version(file), again: undo) else { return false }
    ledger.change(key) { $0.remark = "the schema is as before, and the migration runs again" }
    return true
  }

  /// - Parameter undo: what has just undone it; a failure is then told.
  private mutating func migrate(_ stage: Stage, to goal: Goal, again undo: ResolvedMigration? = nil) -> Bool {
    var changes = ["validateOnMigrate": "false", "target": "latest", "group": "false", "cherryPick": ""]
    if case .version(let file) = goal, let version = file.version { changes["target"] = version.text }
    do throws(MigrationFailure) {
      let session = try session(stage.target, changes, adapt: { self.adapted($0, goal) })
      defer { session.connection.close() }
      var failed: MigrationFailure?
      do throws(MigrationFailure) {
        let result = try session.migrate()
        for applied in result.applied { note(applied.file) }
        failed = result.error
      } catch let error {
        failed = error
      }
      guard let failed else { return true }
      fail(failed, culprit(failed, session), goal, undo)
    } catch {
      // No session: what is wrong with files or settings is told when everything is migrated at once.
    }
    return false
  }

  private mutating func note(_ file: ResolvedMigration) {
    ranAlone.insert(file.absolutePath)
    if misnamed.contains(where: { $0.absolutePath == file.absolutePath }) {
      ledger.change(file.absolutePath) { $0.remark = "would run as \(file.script)" }
    }
  }

  private mutating func fail(
    _ error: MigrationFailure, _ culprit: ResolvedMigration?, _ goal: Goal, _ undo: ResolvedMigration?
  ) {
    var failure = VerifyAdvice.improved(error.failure)
    if let undo, case .version(let file) = goal {
      failure.related.insert("after \(undo.script) had undone it", at: 0)
      ledger.fail(file.absolutePath, .again, failure)
    } else if let culprit, isOnlyHere(culprit) {
      ledger.fail(culprit.absolutePath, .migrate, failure)
    }
    // What fails of the others is told when everything is migrated at once.
  }

  // MARK: - Which files

  /// The versioned migrations as they were meant, in order.
  private func meant(_ stage: Stage) throws(MigrationFailure) -> [ResolvedMigration] {
    let session = try session(stage.target, adapt: { self.adapted($0, .end) })
    defer { session.connection.close() }
    return try session.resolved().filter { !$0.isRepeatable }
  }

  /// Whether a migration does not run when everything is migrated at once.
  private func isOnlyHere(_ file: ResolvedMigration) -> Bool {
    let highest = order.filter { $0.type.isBaselineMigration }.compactMap(\.version).max()
    return misnamed.contains { $0.absolutePath == file.absolutePath }
      || (file.version.flatMap { version in highest.map { version <= $0 } } ?? false)
  }

  private func adapted(_ files: MigrationFiles, _ goal: Goal) -> MigrationFiles {
    let skipped = skippedBaselines()
    // What runs after the last migration may look at what only the last one makes.
    return files.without(
      { file in
        switch goal {
        case .nothing: true
        case .version: file.version == nil || skipped.contains(file.absolutePath)
        case .end: skipped.contains(file.absolutePath)
        }
      }, with: misnamed,
      events: [
        .afterVersioned, .beforeRepeatables, .afterMigrate, .afterMigrateApplied,
        .afterMigrateOperationFinish,
      ])
  }

  /// Baseline migrations whose older ones are still there: those are tried in their place.
  func skippedBaselines() -> Set<String> {
    let baselines = order.filter { $0.type.isBaselineMigration }
    guard let highest = baselines.compactMap(\.version).max(),
      order.contains(where: { !$0.type.isBaselineMigration && ($0.version.map { $0 <= highest } ?? false) })
    else { return [] }
    return Set(baselines.map(\.absolutePath))
  }
}
