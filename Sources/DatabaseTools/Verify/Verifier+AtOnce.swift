import LibPQ
import Migrations
import SeedData

extension Verifier {
  /// Migrates an empty database in one call, and asks of the result what can be asked.
  mutating func atOnce(_ target: DatabaseTarget) throws(MigrationFailure) {
    progress("migrating an empty database")
    let questions = ["validate", "repeatables again", "seed", "undo all"]
    for name in questions { ledger.add(VerifyCase(name, .notTried("migrate fails")), as: name) }
    if order.isEmpty { return ledger.skip(questions, "there is nothing that migrate would run") }
    guard let left = try migrateAll(target) else { return }
    do throws(Failure) { try compareBaseline(target) } catch { ledger.fail("validate", .baseline, error) }
    let files = { (files: MigrationFiles) in files.without { left.contains($0.absolutePath) } }

    let session = try session(target, adapt: files)
    do throws(MigrationFailure) { try validate(session) } catch {
      ledger.fail("validate", .validate, error.failure)
    }
    session.connection.close()

    do throws(Failure) { try runRepeatablesAgain(target, left) } catch {
      ledger.fail("repeatables again", .repeatable, error)
    }
    seed(target)
    do throws(Failure) { try undoAll(target) } catch { ledger.fail("undo all", .again, error) }
  }

  /// - Returns: the repeatables that fail and are left out from here on; nil when a versioned one or a callback
  ///   fails, after which there is nothing more to be found.
  private mutating func migrateAll(_ target: DatabaseTarget) throws(MigrationFailure) -> Set<String>? {
    var left: Set<String> = []
    while true {
      let session = try session(target) { files in files.without { left.contains($0.absolutePath) } }
      defer { session.connection.close() }
      let error: MigrationFailure
      do throws(MigrationFailure) {
        let result = try session.migrate()
        for entry in result.applied {
          applied.insert(entry.file.absolutePath)
          ledger.pass(entry.file.absolutePath, milliseconds: entry.milliseconds)
        }
        guard let failed = result.error else {
          passCallbacks(session) { !$0.isUndo && !$0.isOfOtherCommand }
          return left
        }
        error = failed
      } catch let thrown {
        error = thrown
      }
      guard let file = culprit(error, session) else {
        ledger.fail(callback(error, session) ?? "migrate", .migrate, VerifyAdvice.improved(error.failure))
        ledger.skip(ledger.keys, "migrate fails before it")
        return nil
      }
      var failure = error.failure
      if !misnamed.isEmpty, ranAlone.contains(file.absolutePath) {
        failure.hint = "it runs once the misnamed scripts before it have their right names"
      }
      ledger.fail(file.absolutePath, .migrate, VerifyAdvice.improved(failure))
      guard file.isRepeatable, left.insert(file.absolutePath).inserted else {
        ledger.skip(ledger.keys, "\(file.script) before it fails")
        return nil
      }
    }
  }

  mutating func passCallbacks(_ session: MigrationSession, _ haveRun: (CallbackEvent) -> Bool) {
    for (event, scripts) in session.files.callbacks {
      for file in scripts {
        if event.isAfterFailure {
          ledger.skip([file.absolutePath], "it runs after a failure only")
        } else if event.isOfOtherCommand {
          ledger.skip([file.absolutePath], "its command is no part of verify")
        } else if haveRun(event) {
          ledger.pass(file.absolutePath)
        }
      }
    }
  }

  private func callback(_ error: MigrationFailure, _ session: MigrationSession) -> String? {
    guard let place = error.failure.place else { return nil }
    return session.files.callbacks.values.joined().first { $0.path == place.file }?.absolutePath
  }

  // MARK: - Questions

  /// With a baseline migration or with what it stands for: the schema must be one.
  private mutating func compareBaseline(_ target: DatabaseTarget) throws(Failure) {
    for file in order where !applied.contains(file.absolutePath) && ranAlone.contains(file.absolutePath) {
      ledger.pass(file.absolutePath, remark: "on a database of its own: a baseline stands for it")
    }
    guard let built = schemaWithoutBaseline, let baseline = order.last(where: { $0.type.isBaselineMigration })
    else { return }
    let dump = SchemaDump(server: server, leavingOut: try history(target).ownTables)
    let difference = SchemaDifference(from: built, to: try dump.take(of: target.database ?? ""))
    guard !difference.isEmpty else { return }
    ledger.fail(
      baseline.absolutePath, .baseline,
      Failure(
        "with \(baseline.script) the schema is not the one that the migrations before it build",
        place: Failure.Place(file: baseline.path, line: 1),
        hint: "- is built by the migrations, + with the baseline; make the two equal",
        related: Self.shown(difference)))
  }

  private mutating func validate(_ session: MigrationSession) throws(MigrationFailure) {
    let result = try session.validate()
    for finding in result.findings {
      let lines = finding.message.split(separator: "\n").map { String($0) }
      var failure = Failure(lines.first ?? "", related: Array(lines.dropFirst()))
      let file = order.first { $0.absolutePath == finding.path }
      if let file { failure.place = Failure.Place(file: file.path, line: 1) }
      // One that has the time in it is meant to run at every migrate.
      if finding.code == .outdatedRepeatableMigration
        || finding.code == .resolvedRepeatableMigrationNotApplied
      {
        failure.hint = "every migrate runs it again: it has a value in it that changes"
        ledger.note(finding.path, .validate, failure)
      } else {
        ledger.fail("validate", .validate, failure)
      }
    }
    ledger.pass("validate")
  }

  private mutating func seed(_ target: DatabaseTarget) {
    let path: String
    switch seeds {
    case .none: return ledger.skip(["seed", "undo all"], "--no-seed")
    case .standard:
      path = SeedPlanFile.defaultPath
      if LocalFile.kind(of: path) != .file {
        return ledger.skip(["seed", "undo all"], "there is no \(path)")
      }
    case .plan(let named): path = named
    }
    progress("seeding by \(path)")
    do throws(Failure) {
      let file = try SeedPlanFile.read(path)
      if seeds == .standard, try !isAbout(file, target) {
        return ledger.skip(["seed", "undo all"], "\(path) is about other tables")
      }
      let started = Clock.milliseconds()
      let first = try Seeder(file).run(on: target)
      let second = try Seeder(file).run(on: target)
      if second.added > 0 {
        ledger.fail(
          "seed", .seed,
          Failure(
            "seeding a second time adds \(second.added) rows", place: Failure.Place(file: path),
            hint: "something removes or changes the rows' keys: a trigger, or a repeatable"))
      }
      ledger.pass(
        "seed", milliseconds: Clock.milliseconds() - started,
        remark: "\(first.added) rows by \(path), none the second time")
    } catch {
      ledger.fail("seed", .seed, error)
    }
  }

  /// Whether the database has a table of the plan.
  private func isAbout(_ file: SeedPlanFile, _ target: DatabaseTarget) throws(Failure) -> Bool {
    let connection = try target.connect()
    defer { connection.close() }
    for table in file.plan.tables {
      do throws(ServerError) {
        if try TableFacts.read(table.name, on: connection) != nil { return true }
      } catch {
        throw Failure(error)
      }
    }
    return false
  }
}

extension CallbackEvent {
  var isUndo: Bool { rawValue.contains("Undo") }
  var isAfterFailure: Bool { rawValue.hasSuffix("Error") }
  var isOfOtherCommand: Bool {
    ["Clean", "Info", "Baseline", "Repair"].contains { rawValue.contains($0) } || self == .beforeConnect
  }
}
