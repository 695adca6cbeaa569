import LibPQ
import Migrations

extension Verifier {
  /// Runs every repeatable a second time, as a change of its file would: it must not fail, nor change the schema.
  mutating func runRepeatablesAgain(_ target: DatabaseTarget, _ left: Set<String>) throws(Failure) {
    let repeatables = order.filter { $0.isRepeatable && !left.contains($0.absolutePath) }
    guard !repeatables.isEmpty else { return ledger.skip(["repeatables again"], "there are no repeatables") }
    progress("running repeatables a second time")
    let started = Clock.milliseconds()
    let history = try self.history(target)
    let dump = SchemaDump(server: server, leavingOut: history.ownTables)
    let before = try dump.take(of: target.database ?? "")
    try forget(repeatables, history, target)
    var failed = left
    while true {
      do throws(MigrationFailure) {
        let session = try session(target, ["validateOnMigrate": "false"]) { files in
          files.without { failed.contains($0.absolutePath) }
        }
        defer { session.connection.close() }
        var error: MigrationFailure?
        do throws(MigrationFailure) { error = try session.migrate().error } catch let thrown {
          error = thrown
        }
        guard let error else { break }
        guard let file = culprit(error, session), failed.insert(file.absolutePath).inserted else {
          throw error
        }
        var failure = VerifyAdvice.improved(error.failure)
        failure.hint =
          "it runs again whenever its file changes: write CREATE OR REPLACE, or DROP … IF EXISTS first"
        ledger.fail(file.absolutePath, .repeatable, failure)
      } catch {
        ledger.fail("repeatables again", .repeatable, error.failure)
        return
      }
    }
    let difference = SchemaDifference(from: before, to: try dump.take(of: target.database ?? ""))
    if !difference.isEmpty {
      var failure = Failure(
        "running the repeatables a second time changes the schema",
        hint: "what a repeatable makes must be the same however often it runs",
        related: Self.shown(difference))
      if repeatables.count == 1 { failure.place = Failure.Place(file: repeatables[0].path, line: 1) }
      ledger.fail("repeatables again", .repeatable, failure)
    }
    for file in repeatables where !failed.contains(file.absolutePath) {
      ledger.pass(file.absolutePath, remark: "twice")
    }
    ledger.pass("repeatables again", milliseconds: Clock.milliseconds() - started)
  }

  /// Makes the history say that other texts of these files were applied.
  private func forget(
    _ repeatables: [ResolvedMigration], _ history: HistoryNames, _ target: DatabaseTarget
  ) throws(Failure) {
    let connection = try target.connect()
    defer { connection.close() }
    do throws(ServerError) {
      for file in repeatables {
        _ = try connection.query(
          "UPDATE \(history.table) SET checksum = coalesce(checksum, 0) # 1 WHERE version IS NULL AND description = $1",
          [HistoryRow.abbreviated(description: file.description)])
      }
    } catch {
      throw Failure(error)
    }
  }

  // MARK: - The migrator's own tables

  /// Their names, quoted.
  struct HistoryNames {
    let table: String
    let ownTables: [String]
  }

  func history(_ target: DatabaseTarget) throws(Failure) -> HistoryNames {
    do throws(MigrationFailure) {
      let session = try session(target)
      defer { session.connection.close() }
      let schema = SchemaFacts.quoted(session.facts.defaultSchema)
      return HistoryNames(
        table: session.history.quotedName,
        ownTables: [session.history.quotedName, "\(schema).\"dbtool_progress\""])
    } catch {
      throw error.failure
    }
  }

  /// A difference as it is shown: its first lines.
  static func shown(_ difference: SchemaDifference) -> [String] {
    let most = 30
    let rest = difference.lines.count - most
    return difference.lines.prefix(most) + (rest > 0 ? ["… \(rest) more lines"] : [])
  }
}
