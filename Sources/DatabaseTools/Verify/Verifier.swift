private import Glibc
import LibPQ
package import Migrations

/// `verify`: proves migrations on a throwaway server, from an empty database, as far as they can be proved.
///
/// On one server everything is migrated in one call, as a new environment is; then it is validated, repeatables
/// run a second time, the seed plan is loaded, and what can be undone is undone and migrated again. On another,
/// started when there is a need, each undo script is proved where its migration is the newest, and misnamed
/// scripts run where they were meant to. Two servers, since roles belong to all databases of one.
package struct Verifier {
  package enum Seeds: Sendable, Equatable {
    case none
    /// The default plan, when it is there and about tables that the migrations make.
    case standard
    case plan(String)
  }

  let settings: MigrationSettings
  let server: EphemeralServer
  let seeds: Seeds
  /// SQL that runs first in each database: roles and the like that migrations expect.
  let preparation: (path: String, sql: [UInt8])?
  /// Makes another server like ``server``.
  let another: () throws(Failure) -> EphemeralServer
  /// Told what is being done, a few times in a run.
  let progress: (String) -> Void
  let talk: MigrationTalk
  var ledger = VerifyLedger()
  /// Versioned migrations and repeatables as they are, by absolute path in the order of `migrate`.
  var order: [ResolvedMigration] = []
  /// Undo scripts by the version that they take back.
  var undos: [MigrationVersion: ResolvedMigration] = [:]
  /// What migrating at once has applied, by absolute path.
  var applied: Set<String> = []
  /// Scripts with a wrong name, as they were meant.
  var misnamed: [ScriptFile] = []
  /// Versioned migrations that ran one by one.
  var ranAlone: Set<String> = []
  /// The schema that they built, where a baseline migration stands for some of them.
  var schemaWithoutBaseline: String?

  /// - Parameters:
  ///   - preparation: a file with SQL that runs first on each server, and its text.
  ///   - another: makes another server like `server`.
  ///   - progress: told what is being done.
  ///   - talk: what the commands say meanwhile.
  package init(
    _ settings: MigrationSettings, _ server: EphemeralServer, seeds: Seeds,
    preparation: (path: String, sql: [UInt8])? = nil,
    another: @escaping () throws(Failure) -> EphemeralServer, progress: @escaping (String) -> Void,
    _ talk: MigrationTalk
  ) throws(Failure) {
    var values = settings.values
    // Names are our own to judge, one by one; a history with a failed row would only hide what comes next.
    for (name, value) in [
      ("validateMigrationNaming", "false"), ("postgresql.transactional.lock", "true"),
      ("skipExecutingMigrations", "false"), ("baselineOnMigrate", "false"), ("outputQueryResults", "false"),
      ("connectRetries", "0"), ("cherryPick", ""), ("dryRunOutput", ""),
    ] {
      values[name] = value
    }
    do throws(MigrationError) { self.settings = try MigrationSettings(values) } catch {
      throw Failure(error)
    }
    self.server = server
    self.seeds = seeds
    self.preparation = preparation
    self.another = another
    self.progress = progress
    self.talk = talk
  }

  /// - Throws: `Failure` when the server or its programs fail; what the migrations do wrong is in the report.
  package mutating func run() throws(Failure) -> VerifyReport {
    let started = Clock.milliseconds()
    _ = try SchemaDump(server: server, leavingOut: []).program()
    let whole = try database(on: server)
    do throws(MigrationFailure) {
      try look(whole)
      try stepByStep()
      try atOnce(whole)
    } catch {
      // What stops everything: a file or a setting that no command gets past. Twins have been told already.
      let isTold = [
        ErrorCode.duplicateVersionedMigration, .duplicateRepeatableMigration, .duplicateUndoMigration,
      ]
      .contains(error.code)
      if !isTold {
        ledger.fail(ledger.key(ofFile: error.failure.place?.file) ?? "files", .script, error.failure)
      }
      ledger.skip(ledger.keys, "nothing can be tried before the files can be read")
    }
    return VerifyReport(
      cases: ledger.cases, serverVersion: "\(server.version / 10000).\(server.version % 10000)",
      milliseconds: Clock.milliseconds() - started)
  }

  // MARK: - Databases

  /// A server's database, after the preparation.
  func database(on server: EphemeralServer) throws(Failure) -> DatabaseTarget {
    let connection = try server.target.connect()
    defer { connection.close() }
    if !settings.flag("createSchemas") {
      // Somebody else makes them on the real server.
      do throws(ServerError) {
        for name in settings.list("schemas") + [settings.optional("defaultSchema")].compactMap({ $0 }) {
          try connection.execute("CREATE SCHEMA IF NOT EXISTS \(SchemaFacts.quoted(name))")
        }
      } catch {
        throw Failure(error)
      }
    }
    guard let preparation else { return server.target }
    do throws(ServerError) { _ = try connection.execute(preparation.sql) } catch {
      var failure = Failure(error)
      failure.place = Failure.Place(file: preparation.path)
      throw failure
    }
    return server.target
  }

  /// A session as a command has it, with some settings and files changed.
  func session(
    _ target: DatabaseTarget, _ changes: [String: String] = [:],
    adapt: (MigrationFiles) -> MigrationFiles = { $0 }
  ) throws(MigrationFailure) -> MigrationSession {
    var values = settings.values
    for (name, value) in changes { values[name] = value }
    let changed: MigrationSettings
    do throws(MigrationError) { changed = try MigrationSettings(values) } catch {
      throw MigrationFailure(error)
    }
    return try MigrationSession(changed, target, talk, adapt: adapt)
  }

  /// The migration that a failure is about.
  func culprit(_ error: MigrationFailure, _ session: MigrationSession) -> ResolvedMigration? {
    let files = (try? session.resolved()) ?? []
    if let path = error.path, let file = files.first(where: { $0.absolutePath == path }) { return file }
    if let place = error.failure.place { return files.first { $0.path == place.file } }
    return nil
  }
}
