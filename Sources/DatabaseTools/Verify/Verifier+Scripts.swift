import LibPQ
import Migrations
import SQLText

extension Verifier {
  /// Looks at every script without running it: its name, whether it can be read to its end, and whether it is
  /// one transaction. Makes the cases, in the order in which they are shown.
  mutating func look(_ target: DatabaseTarget) throws(MigrationFailure) {
    let session = try session(target)
    defer { session.connection.close() }
    let files = session.files
    for warning in files.warnings { ledger.note("locations", .name, Failure(warning)) }
    judgeNames(files)
    findStrays(files)
    if files.migrations.isEmpty, misnamed.isEmpty {
      ledger.fail(
        "locations", .name,
        Failure(
          "no migrations were found", hint: "name the folder they are in: --locations filesystem:PATH"))
    }
    let sorted = (files.migrations + files.undos).sorted { Self.isBefore($0, $1) }
    for file in sorted { addCase(file) }
    for (_, scripts) in files.callbacks.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      for file in scripts where !ledger.has(file.absolutePath) { addCase(file) }
    }
    for file in sorted + misnamed + files.callbacks.values.flatMap({ $0 }) { inspect(file, session) }
    refuseTwins(sorted)
    // No command gets past two files of one version, or text that is not what its encoding says.
    order = try session.resolved()
    for undo in try session.resolvedUndos() {
      if let version = undo.version { undos[version] = undo }
    }
    refuseLoneUndos(files)
    leaveOut()
  }

  /// What its own configuration keeps from being run is not proven, nor is what takes it back.
  private mutating func leaveOut() {
    for file in order where !file.config.isExecuted {
      let undo = file.version.flatMap { undos.removeValue(forKey: $0) }
      ledger.skip([file, undo].compactMap { $0?.absolutePath }, "its shouldExecute does not hold")
    }
    order.removeAll { !$0.config.isExecuted }
  }

  private mutating func addCase(_ file: ScriptFile) {
    ledger.add(
      VerifyCase(file.script, file: file.path, .notTried("nothing was tried")), as: file.absolutePath)
  }

  private static func isBefore(_ left: ScriptFile, _ right: ScriptFile) -> Bool {
    switch (left.version, right.version) {
    case (let one?, let other?): one == other ? left.name.isMigration && !right.name.isMigration : one < other
    case (nil, nil): left.script.utf16.lexicographicallyPrecedes(right.script.utf16)
    case (_?, nil): true
    case (nil, _?): false
    }
  }

  // MARK: - Names

  private mutating func judgeNames(_ files: MigrationFiles) {
    for file in files.passedOver {
      addCase(file)
      let highest = (files.migrations + misnamed).compactMap(\.version).max()
      let advice = NameAdvice(for: file.fileName, settings.naming, highest: highest)
      var failure = Failure(
        "migrate passes over \(file.fileName) in silence: its name says nothing to it",
        place: Failure.Place(file: file.path, line: 1, column: 1))
      failure.hint =
        advice.map { "rename it to \($0.fileName)" }
        ?? "name it V<version>__<description>.sql, or move it out of the folder"
      ledger.fail(file.absolutePath, .name, failure)
      guard let advice, advice.name.isMigration,
        !(files.migrations + misnamed).contains(where: { $0.name.clashes(with: advice.name) })
      else { continue }
      misnamed.append(
        ScriptFile(
          script: advice.fileName, path: file.path, absolutePath: file.absolutePath, name: advice.name,
          isConfigured: file.isConfigured))
    }
  }

  /// Two scripts of one version, or one description, stop every command; each pair is told.
  private mutating func refuseTwins(_ files: [ScriptFile]) {
    for (index, file) in files.enumerated() {
      guard let twin = files[..<index].last(where: { $0.name.clashes(with: file.name) }) else { continue }
      ledger.fail(
        file.absolutePath, .name,
        Failure(
          "\(twin.script) has the same \(file.version == nil ? "description" : "version")",
          place: Failure.Place(file: file.path, line: 1, column: 1),
          hint: "no command runs before one of the two has another name"))
    }
  }

  /// An undo script whose migration is not there never runs.
  private mutating func refuseLoneUndos(_ files: MigrationFiles) {
    let versions = Set(
      (files.migrations + misnamed).compactMap { file in
        if case .versioned(_, let version, _) = file.name { version } else { nil }
      })
    for file in files.undos {
      guard let version = file.version, !versions.contains(version) else { continue }
      undos[version] = nil
      ledger.fail(
        file.absolutePath, .undo,
        Failure(
          "there is no migration of version \(version.text) that it could take back",
          place: Failure.Place(file: file.path, line: 1),
          hint: "give it its migration's version, or remove it"))
    }
  }

  // MARK: - Text

  private mutating func inspect(_ file: ScriptFile, _ session: MigrationSession) {
    do throws(MigrationFailure) {
      let config = try session.config(of: file)
      let source = session.source(of: file, config)
      let isTransactional = try session.inspect(source, config)
      guard file.name.isMigration || file.isUndo else { return }
      var count = 0
      var bare = 0
      var ending: ScriptStatement?
      var loner: ScriptStatement?
      let version = session.connection.serverVersion
      try source.forEachPiece { (piece) throws(MigrationFailure) in
        guard case .statement(let statement) = piece else { return }
        count += 1
        if !Self.canRunAgain(statement) { bare += 1 }
        if ending == nil, TransactionRule.endsTransaction(statement) { ending = statement }
        if loner == nil, !TransactionRule.canRunInTransaction(statement, serverVersion: version) {
          loner = statement
        }
      }
      if count == 0 {
        note(file, source, nil, "the script holds no statement", "remove it, or write what it is for")
      } else if isTransactional, let ending {
        note(
          file, source, ending, "the script ends the transaction that migrate put around it",
          "leave BEGIN, COMMIT and ROLLBACK out: what comes before them stays when a later statement fails")
      } else if !isTransactional, bare > 1 {
        note(
          file, source, loner, "the script runs without a transaction: what came before a failure stays",
          "one statement in a file of its own is safer; else write each so that it may run again")
      }
    } catch {
      ledger.fail(file.absolutePath, .script, error.failure)
    }
  }

  private mutating func note(
    _ file: ScriptFile, _ source: ScriptSource, _ statement: ScriptStatement?, _ what: String, _ hint: String
  ) {
    var failure = Failure(what, place: Failure.Place(file: file.path, line: 1), hint: hint)
    if let statement, let (place, excerpt) = source.place(ofReplaced: statement.start.offset) {
      failure.place = place
      failure.excerpt = excerpt
    }
    ledger.note(file.absolutePath, .transaction, failure)
  }

  /// Whether it does no harm a second time, as far as its words tell.
  private static func canRunAgain(_ statement: ScriptStatement) -> Bool {
    switch statement.keywords.first {
    case "SET", "RESET", "ANALYZE", "VACUUM": true
    default: statement.keywords.contains("IF") && statement.keywords.contains("EXISTS")
    }
  }
}

extension ScriptFile {
  var isUndo: Bool { if case .undo = name { true } else { false } }

  var version: MigrationVersion? {
    switch name {
    case .versioned(_, let version, _), .baseline(_, let version, _), .undo(_, let version, _): version
    default: nil  // names without a version of their own
    }
  }
}

extension MigrationName {
  /// Whether `migrate` applies scripts of such a name.
  var isMigration: Bool {
    switch self {
    case .versioned, .baseline, .repeatable: true
    default: false  // callbacks, undo scripts, and what says nothing
    }
  }

  /// Whether `migrate` would refuse two scripts of these names.
  func clashes(with other: MigrationName) -> Bool {
    switch (self, other) {
    case (.versioned(_, let one, _), .versioned(_, let two, _)): one == two
    case (.baseline(_, let one, _), .baseline(_, let two, _)): one == two
    case (.undo(_, let one, _), .undo(_, let two, _)): one == two
    case (.repeatable(let one), .repeatable(let two)): one == two
    default: false  // of two kinds
    }
  }
}
