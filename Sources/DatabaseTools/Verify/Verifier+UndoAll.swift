import LibPQ
import Migrations

extension Verifier {
  /// Undoes everything that can be undone on the whole schema, with its repeatables and rows, and migrates again.
  mutating func undoAll(_ target: DatabaseTarget) throws(Failure) {
    let name = "undo all"
    guard !undos.isEmpty else { return ledger.skip([name], "there are no undo scripts") }
    noteMissing()
    guard !order.contains(where: { ledger.hasFailed($0.absolutePath) }) else {
      return ledger.skip([name], "a migration fails")
    }
    progress("undoing all and migrating again")
    let started = Clock.milliseconds()
    let dump = SchemaDump(server: server, leavingOut: try history(target).ownTables)
    let before = try dump.take(of: target.database ?? "")
    var count = 0
    var stopped = false
    for file in order.reversed() where file.version != nil && applied.contains(file.absolutePath) {
      guard let undo = file.version.flatMap({ undos[$0] }), !file.type.isBaselineMigration else { break }
      if ledger.hasFailed(undo.absolutePath) {
        // What it leaves behind would only make others fail.
        ledger.skip([name], "\(undo.script) fails")
        stopped = true
        break
      }
      do throws(MigrationFailure) {
        let session = try session(target, ["target": "latest", "cherryPick": ""])
        defer { session.connection.close() }
        _ = try session.undo()
        passCallbacks(session) { $0.isUndo }
        ledger.pass(undo.absolutePath)
        count += 1
      } catch {
        var failure = VerifyAdvice.improved(error.failure)
        if !ledger.hasFailed(undo.absolutePath) {
          failure.related.append("it works while there are no repeatables and no rows")
        }
        ledger.fail(undo.absolutePath, .undo, failure)
        ledger.skip([name], "\(undo.script) fails")
        stopped = true
        break
      }
    }
    if count == 0, stopped { return }
    if count == 0 { return ledger.skip([name], "the newest version has no undo script") }
    do throws(MigrationFailure) {
      let session = try session(target)
      defer { session.connection.close() }
      let result = try session.migrate()
      if let error = result.error { throw error }
    } catch {
      var failure = VerifyAdvice.improved(error.failure)
      failure.related.insert("after everything had been undone", at: 0)
      ledger.fail(name, .again, failure)
      return
    }
    let difference = SchemaDifference(from: before, to: try dump.take(of: target.database ?? ""))
    if !difference.isEmpty {
      ledger.fail(
        name, .again,
        Failure(
          "undone and migrated again, the schema is another one",
          hint:
            "- was there before, + is there now; undo scripts that drop with CASCADE take other things along",
          related: Self.shown(difference)))
    }
    if stopped { return }
    ledger.pass(
      name, milliseconds: Clock.milliseconds() - started,
      remark: "\(count) \(count == 1 ? "version" : "versions") down and up again")
  }

  private mutating func noteMissing() {
    let missing = order.filter { file in
      file.type == .sql && file.version.map { undos[$0] == nil } ?? false
    }
    guard !missing.isEmpty else { return }
    let versions = missing.compactMap { $0.version?.text }.joined(separator: ", ")
    ledger.note(
      "undo all", .noUndo,
      Failure(
        "no undo script for version \(versions)", hint: "undo stops there; `dbtool new --undo NAME` makes one"
      ))
  }
}
