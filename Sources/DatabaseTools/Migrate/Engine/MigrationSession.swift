import Glibc
package import LibPQ
package import Migrations
import SQLText

/// One connection to one database, the files, and what both say: what every migration command starts from.
package final class MigrationSession {
  package let settings: MigrationSettings
  package let connection: Connection
  let target: DatabaseTarget
  package let talk: MigrationTalk
  package let workingDirectory: String
  let files: MigrationFiles
  let facts: SchemaFacts
  let history: HistoryTable
  private let memory = ScriptMemory()
  let watch: SessionWatch
  /// Set: nothing is sent that would change anything; it is written down.
  package let dryRun: DryRunScript?

  var progress: ProgressTable {
    ProgressTable(connection: connection, schema: facts.defaultSchema, history: history.table)
  }

  package var database: String { facts.database }
  /// The schemas option as documents show it.
  package var schemaNames: String { settings.list("schemas").joined(separator: ", ") }

  /// Looks at the files, connects, and runs initSql and the afterConnect callbacks.
  /// - Parameter watch: looks after the session; without one, waits are told and signals are somebody else's.
  package convenience init(
    _ settings: MigrationSettings, _ target: DatabaseTarget, _ talk: MigrationTalk,
    dryRun: DryRunScript? = nil, watch: SessionWatch? = nil
  ) throws(MigrationFailure) {
    try self.init(settings, target, talk, dryRun: dryRun, watch: watch) { $0 }
  }

  /// - Parameter adapt: makes other files of those that were found.
  init(
    _ settings: MigrationSettings, _ target: DatabaseTarget, _ talk: MigrationTalk,
    dryRun: DryRunScript? = nil, watch: SessionWatch? = nil, adapt: (MigrationFiles) -> MigrationFiles
  ) throws(MigrationFailure) {
    self.settings = settings
    self.target = target
    self.talk = talk
    self.dryRun = dryRun
    workingDirectory = LocalPath.absolute(
      settings.optional("workingDirectory") ?? "", in: LocalPath.workingDirectory())
    do throws(MigrationError) {
      files = adapt(
        try MigrationFiles.scan(
          settings, locations: Self.locations(settings, workingDirectory, talk.say), in: workingDirectory))
    } catch {
      throw MigrationFailure(error)
    }
    for warning in files.warnings { talk.warn(warning) }
    connection = try Self.connect(target, settings, talk)
    self.watch = watch ?? SessionWatch(catchesSignals: false)
    self.watch.attach(to: connection, at: target, isInteractive: talk.isInteractive, tell: talk.tell)
    self.watch.expectsLockTimeout(settings.milliseconds("lockTimeout"))
    if dryRun != nil { try Self.openReading(connection) }
    if let sql = settings.optional("initSql") {
      dryRun?.statement(sql)
      if dryRun != nil {
        try Self.tryInitSQL(sql, connection, talk)
      } else {
        try Self.initialize(connection, sql, settings)
      }
    }
    facts = try SchemaFacts(connection, settings)
    history = HistoryTable(
      connection: connection, schema: facts.defaultSchema, table: settings.text("table"),
      tablespace: settings.optional("tablespace"), dryRun: dryRun)
    if facts.isPooled {
      talk.warn("a pooler stands before the server; each migration takes the lock in its own transaction")
      if files.callbacks[.afterConnect] != nil { throw MigrationFailure(.pooledSession("afterConnect")) }
    }
    if !facts.limitStatement.isEmpty { try send(facts.limitStatement) }
    try run(.afterConnect)
  }

  // MARK: - Files

  /// `filesystem:migrations` when there is such a folder, else `filesystem:sql`.
  /// - Parameter say: told when there are both.
  static func locations(
    _ settings: MigrationSettings, _ directory: String, _ say: (String) -> Void
  ) -> [String] {
    let named = settings.list("locations")
    if !named.isEmpty { return named }
    let present = ["migrations", "sql"].filter {
      LocalFile.kind(of: LocalPath.absolute($0, in: directory)) == .folder
    }
    if present.count == 2 { say("there are two folders, migrations and sql; migrations is used") }
    let image = "/flyway/sql"
    if present.isEmpty, LocalFile.kind(of: image) == .folder { return ["filesystem:" + image] }
    return ["filesystem:" + (present.first ?? "migrations")]
  }

  /// The migrations of the files, in order, with their checksums.
  func resolved() throws(MigrationFailure) -> [ResolvedMigration] {
    var found: [ResolvedMigration] = []
    for file in files.migrations {
      if let migration = try resolve(file) { found.append(migration) }
    }
    do throws(MigrationError) { return try ResolvedMigration.ordered(found) } catch {
      throw MigrationFailure(error)
    }
  }

  /// The undo migrations of the files, in order, with their checksums.
  func resolvedUndos() throws(MigrationFailure) -> [ResolvedMigration] {
    var found: [ResolvedMigration] = []
    for file in files.undos {
      if let migration = try resolve(file), migration.config.isExecuted { found.append(migration) }
    }
    do throws(MigrationError) { return try UndoFiles.ordered(found) } catch {
      throw MigrationFailure(error)
    }
  }

  private func resolve(_ file: ScriptFile) throws(MigrationFailure) -> ResolvedMigration? {
    let config = try self.config(of: file)
    let encoding = config.encoding ?? settings.encoding
    let version: MigrationVersion?
    let raw: String
    let text: String
    var type = MigrationType.sql
    switch file.name {
    case .versioned(let rawVersion, let number, let description):
      (version, raw, text) = (number, rawVersion, description)
    case .baseline(let rawVersion, let number, let description):
      (version, raw, text, type) = (number, rawVersion, description, .sqlBaseline)
    case .undo(let rawVersion, let number, let description):
      (version, raw, text, type) = (number, rawVersion, description, .undoSQL)
    case .repeatable(let description): (version, raw, text) = (nil, "", description)
    case .callback, .invalid: return nil
    }
    let replaces = config.placeholderReplacement ?? settings.flag("placeholderReplacement")
    let sums = try Fingerprint.of(
      file, encoding, placeholders: version == nil && replaces ? placeholders(for: file.fileName) : nil)
    return ResolvedMigration(
      version: version, rawVersion: raw, description: text, type: type, script: file.script, path: file.path,
      absolutePath: file.absolutePath, checksum: sums.checksum, equivalentChecksum: sums.equivalent,
      config: config)
  }

  /// What `<script>.conf` beside the script says, and the encoding that was detected where it is wanted.
  func config(of file: ScriptFile) throws(MigrationFailure) -> ScriptConfig {
    var config = try writtenConfig(of: file)
    if config.encoding == nil, settings.flag("detectEncoding") {
      do throws(Failure) { config.encoding = try EncodingDetection.encoding(of: file.absolutePath) } catch {
        throw MigrationFailure(error)
      }
    }
    return config
  }

  private func writtenConfig(of file: ScriptFile) throws(MigrationFailure) -> ScriptConfig {
    let path = file.absolutePath + ScriptFile.configurationSuffix
    guard file.isConfigured, LocalFile.kind(of: path) == .file else { return ScriptConfig() }
    let bytes: [UInt8]
    do throws(Failure) { bytes = try LocalFile.bytes(of: path) } catch { throw MigrationFailure(error) }
    do throws(MigrationError) {
      var replacer = PlaceholderReplacer(placeholders(for: file.fileName))
      let text = try replacer.replace(bytes) + replacer.finish()
      return try ScriptConfig(String(decoding: text, as: UTF8.self))
    } catch {
      var failure = MigrationFailure(error)
      failure.failure.place = Failure.Place(file: file.path + ScriptFile.configurationSuffix)
      throw failure
    }
  }

  /// The user's placeholders and the built-in ones for a script.
  func placeholders(for fileName: String) -> Placeholders {
    var placeholders = settings.placeholders
    placeholders.setBuiltIn("defaultSchema", to: facts.defaultSchema)
    placeholders.setBuiltIn("database", to: facts.database)
    placeholders.setBuiltIn("user", to: facts.user)
    placeholders.setBuiltIn("timestamp", to: timestamp)
    placeholders.setBuiltIn("filename", to: fileName)
    placeholders.setBuiltIn("workingDirectory", to: workingDirectory)
    placeholders.setBuiltIn("table", to: settings.text("table"))
    placeholders.setBuiltIn("environment", to: settings.text("environment"))
    return placeholders
  }

  /// When the command started, in local time.
  private lazy var timestamp: String = {
    var now = time(nil)
    var parts = tm()
    localtime_r(&now, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + " \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }()

  func source(of file: ScriptFile, _ config: ScriptConfig) -> ScriptSource {
    source(file.path, file.absolutePath, config)
  }

  func source(of migration: ResolvedMigration) -> ScriptSource {
    source(migration.path, migration.absolutePath, migration.config)
  }

  private func source(_ path: String, _ absolutePath: String, _ config: ScriptConfig) -> ScriptSource {
    let replaces = config.placeholderReplacement ?? settings.flag("placeholderReplacement")
    return ScriptSource(
      path: path, absolutePath: absolutePath, encoding: config.encoding ?? settings.encoding,
      placeholders: replaces ? placeholders(for: LocalPath.name(of: absolutePath)) : nil, memory: memory)
  }

  // MARK: - Connecting

  /// Connects, waiting for the server as `--wait` has it, then trying again as connectRetries has it, after 1, 2,
  /// 4 … seconds.
  private static func connect(
    _ target: DatabaseTarget, _ settings: MigrationSettings, _ talk: MigrationTalk
  ) throws(MigrationFailure) -> Connection {
    var arrival = ServerArrival(patience: settings.milliseconds("wait"), talk)
    var wait: UInt32 = 1
    var left = settings.number("connectRetries")
    let longest = UInt32(clamping: max(1, settings.number("connectRetriesInterval")))
    while true {
      do throws(ConnectionFailure) {
        let connection = try Connection(arrival.parameters(of: target))
        connection.notices = talk.notice
        talk.tell(nil)
        return connection
      } catch {
        if arrival.pause(after: error) { continue }
        guard left > 0 else { throw refused(error, target) }
        left -= 1
        talk.warn("no connection: \(error.message.split(separator: "\n").first ?? ""); again in \(wait) s")
        sleep(wait)
        wait = min(wait * 2, longest)
      }
    }
  }

  private static func refused(_ error: ConnectionFailure, _ target: DatabaseTarget) -> MigrationFailure {
    let state = error.sqlState ?? "08001"
    let reason = error.jdbcMessage(to: target)
    let title =
      "Unable to obtain connection from database (********) for user '\(target.user ?? "")': \(reason)"
    var failure = MigrationFailure(
      code: .connection,
      message: title + "\n" + String(repeating: "-", count: title.count)
        + "\nSQL State  : \(state)\nError Code : 0\nMessage    : \(reason)\n",
      failure: Failure(error, to: target))
    failure.causes = [reason] + (error.isRefused ? ["Connection refused"] : [])
    failure.sqlState = state
    failure.subCode = "CONNECTION_FAILURE"
    return failure
  }

  // MARK: - Callbacks

  /// Runs an event's scripts, each in a transaction of its own (unless it says otherwise, or one is open).
  func run(_ event: CallbackEvent) throws(MigrationFailure) {
    if let dryRun { return try write(event, isAlone: true, to: dryRun) }
    for file in files.callbacks[event] ?? [] {
      let config = try self.config(of: file)
      if !config.isExecuted { continue }
      let source = self.source(of: file, config)
      let alone = connection.transactionStatus == .idle
      do throws(MigrationFailure) {
        let transactional = try inspect(source, config)
        if alone, transactional { try send(facts.beginStatements) }
        try send(facts.resetStatement)
        var executor = ScriptExecutor(connection: connection)
        executor.results = talk.results
        executor.showsStatement = talk.showsStatements
        try executor.run(source, as: "Failed to execute script \(file.fileName)")
        if alone, transactional, connection.transactionStatus != .idle { try send(facts.commitStatements) }
      } catch {
        if alone, connection.transactionStatus != .idle { try? send("ROLLBACK") }
        throw wrapped(error, event)
      }
    }
  }

  /// Runs an event's scripts inside what is open.
  func runInside(_ event: CallbackEvent) throws(MigrationFailure) {
    if let dryRun { return try write(event, isAlone: false, to: dryRun) }
    for file in files.callbacks[event] ?? [] {
      let config = try self.config(of: file)
      if !config.isExecuted { continue }
      do throws(MigrationFailure) {
        var executor = ScriptExecutor(connection: connection)
        executor.results = talk.results
        executor.showsStatement = talk.showsStatements
        try executor.run(
          self.source(of: file, config), as: "Failed to execute script \(file.fileName)")
      } catch {
        throw wrapped(error, event)
      }
    }
  }

  private func wrapped(_ error: MigrationFailure, _ event: CallbackEvent) -> MigrationFailure {
    var failure = error
    failure.causes.insert(failure.message, at: 0)
    failure.message = "Error while executing \(event.rawValue) callback: \(failure.message)"
    failure.code = .connection
    failure.isInMigration = false
    failure.line = nil
    failure.path = nil
    failure.sqlState = nil
    failure.failure.related.append("in the callback \(event.rawValue)")
    return failure
  }

  /// Looks over a script: whether it runs in a transaction.
  func inspect(_ source: ScriptSource, _ config: ScriptConfig) throws(MigrationFailure) -> Bool {
    let isPooled = facts.isPooled
    var inspection = ScriptInspection(
      ScriptInspection.Policy(
        executeInTransaction: settings.flag("executeInTransaction"), mixed: settings.flag("mixed"),
        serverVersion: connection.serverVersion), config)
    try source.look { (piece) throws(MigrationFailure) in
      guard case .statement(let statement) = piece else { return }
      if isPooled, TransactionRule.endsTransaction(statement) {
        throw MigrationFailure(.pooledScript(source.path))
      }
      do throws(MigrationError) { try inspection.add(statement) } catch {
        var failure = MigrationFailure(error)
        if let (place, excerpt) = source.place(ofReplaced: statement.start.offset) {
          failure.failure.place = place
          failure.failure.excerpt = excerpt
        }
        throw failure
      }
    }
    if isPooled, !inspection.isTransactional { throw MigrationFailure(.pooledScript(source.path)) }
    return inspection.isTransactional
  }

  func send(_ statements: [String]) throws(MigrationFailure) {
    try send(statements.joined(separator: "; "))
  }

  func send(_ sql: String) throws(MigrationFailure) {
    if let dryRun { return dryRun.statement(sql) }
    do throws(ServerError) { try connection.execute(sql) } catch { throw MigrationFailure(error) }
  }
}
