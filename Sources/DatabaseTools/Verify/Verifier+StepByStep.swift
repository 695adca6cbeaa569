import LibPQ
import Migrations

extension Verifier {
  /// Runs the migrations in pieces, misnamed scripts where they were meant.
  mutating func stepByStep(_ server: EphemeralServer) throws(MigrationFailure) {
    let target: DatabaseTarget
    do throws(Failure) { target = try database(on: server) } catch { throw MigrationFailure(error) }
    talk.say("migrating an empty database step by step")
    let skipped = skippedBaselines()
    let meant = misnamed
    let adapt = { (files: MigrationFiles) in
      // What runs after the last migration only may look at what the last one makes.
      files.without(
        { skipped.contains($0.absolutePath) }, with: meant,
        events: [
          .afterVersioned, .beforeRepeatables, .afterMigrate, .afterMigrateApplied,
          .afterMigrateOperationFinish,
        ])
    }
    let session = try session(target, ["validateOnMigrate": "false", "target": "latest"], adapt: adapt)
    defer { session.connection.close() }
    let result: MigrateResult
    do throws(MigrationFailure) { result = try session.migrate() } catch {
      fail(error, session)
      return
    }
    for applied in result.applied {
      ranAlone.insert(applied.file.absolutePath)
      if meant.contains(where: { $0.absolutePath == applied.file.absolutePath }) {
        ledger.change(applied.file.absolutePath) { $0.remark = "would run as \(applied.file.script)" }
      }
    }
    if let error = result.error { fail(error, session) }
  }

  private mutating func fail(_ error: MigrationFailure, _ session: MigrationSession) {
    // What fails without misnamed scripts, too, is told when everything is migrated at once.
    guard let file = culprit(error, session),
      misnamed.contains(where: { $0.absolutePath == file.absolutePath })
    else { return }
    ledger.fail(file.absolutePath, .migrate, VerifyAdvice.improved(error.failure))
  }

  /// Baseline migrations whose older ones are still there: those are tried in their place.
  private func skippedBaselines() -> Set<String> {
    let baselines = order.filter { $0.type.isBaselineMigration }
    guard let highest = baselines.compactMap(\.version).max(),
      order.contains(where: { !$0.type.isBaselineMigration && ($0.version.map { $0 <= highest } ?? false) })
    else { return [] }
    return Set(baselines.map(\.absolutePath))
  }
}
