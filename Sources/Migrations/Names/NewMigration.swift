/// A migration's file before there is one: its name, and its first line.
package struct NewMigration: Sendable, Equatable {
  package enum Request: Sendable, Equatable {
    /// - Parameter version: nil for the next one.
    case versioned(title: String, version: String?)
    case repeatable(title: String)
    /// Takes back the migration of this version or description; nil for the highest version.
    case undo(of: String?)
  }

  /// A script that is there.
  package struct Existing: Sendable, Equatable {
    package var name: MigrationName
    /// For people.
    package var path: String

    package init(name: MigrationName, path: String) {
      self.name = name
      self.path = path
    }
  }

  package let fileName: String
  /// What the file name says.
  package let name: MigrationName
  /// A comment that says what the script is for.
  package let heading: String
  /// What an undo script takes back; it belongs beside it.
  package let takesBack: Existing?

  /// - Parameters:
  ///   - existing: every script of the locations.
  ///   - now: `yyyyMMddHHmmss`, for versions that are times.
  package init(
    _ request: Request, existing: [Existing], _ rules: NamingRules, now: String
  ) throws(NewMigrationProblem) {
    let suffix = rules.suffixes.first ?? ".sql"
    let stem: String
    switch request {
    case .versioned(let title, let version):
      let words = try Self.words(title, rules)
      let next = version ?? NextVersion.after(Self.highestVersion(existing), now: now)
      if (try? MigrationVersion(next)) == nil { throw .badVersion(next) }
      stem = rules.versioned + next + rules.separator + words
      (heading, takesBack) = ("-- " + Self.blanks(words), nil)
    case .repeatable(let title):
      let words = try Self.words(title, rules)
      stem = rules.repeatable + rules.separator + words
      (heading, takesBack) = ("-- " + Self.blanks(words) + ": runs again whenever this file changes", nil)
    case .undo(let wanted):
      let target = try Self.target(wanted, existing, rules)
      guard case .versioned(let version, _, let description) = target.name else {
        throw .nothingToUndo(wanted)
      }
      let words = String(description.map { $0 == " " ? "_" : $0 })
      stem = rules.undo + version + (words.isEmpty ? "" : rules.separator + words)
      (heading, takesBack) = ("-- Takes back version \(version): \(description)", target)
    }
    fileName = stem + suffix
    // Prefixes, separator and suffix may be set to anything.
    guard let name = MigrationName.parse(fileName, rules), Self.isMeant(name, request) else {
      throw .unreadable(fileName)
    }
    self.name = name
    if let twin = existing.first(where: { Self.isTwin($0.name, of: name) }) { throw .taken(twin.path) }
  }

  /// A title as a file name has it.
  private static func words(_ title: String, _ rules: NamingRules) throws(NewMigrationProblem) -> String {
    var title = PropertiesFile.trim(title)
    if let suffix = rules.suffix(of: title) { title.removeLast(suffix.count) }
    if title.isEmpty { throw .noTitle }
    let isUnfit = { (scalar: Unicode.Scalar) in
      scalar == "/" || scalar == "\\" || scalar.value < 0x20 || scalar.value == 0x7F
    }
    if title.unicodeScalars.contains(where: isUnfit) { throw .badTitle(title) }
    return String(title.map { $0 == " " ? "_" : $0 })
  }

  private static func blanks(_ words: String) -> String { String(words.map { $0 == "_" ? " " : $0 }) }

  /// As its file has it; versions of baselines are taken, too.
  private static func highestVersion(_ existing: [Existing]) -> String? {
    existing.compactMap { script -> (raw: String, version: MigrationVersion)? in
      switch script.name {
      case .versioned(let raw, let version, _), .baseline(let raw, let version, _): (raw, version)
      case .undo, .repeatable, .callback, .invalid: nil
      }
    }.max { $0.version < $1.version }?.raw
  }

  /// The highest of the versioned migrations that are meant.
  private static func target(
    _ wanted: String?, _ existing: [Existing], _ rules: NamingRules
  ) throws(NewMigrationProblem) -> Existing {
    let pick = wanted.map { text in
      let suffix = rules.suffix(of: text)
      return CherryPick(String(text.dropLast(suffix?.count ?? 0).map { $0 == " " ? "_" : $0 }))
    }
    var found: (script: Existing, version: MigrationVersion)?
    for script in existing {
      guard case .versioned(_, let version, let description) = script.name else { continue }
      if let pick, !pick.names(version, description) { continue }
      if let best = found, best.version >= version { continue }
      found = (script, version)
    }
    guard let found else { throw .nothingToUndo(wanted) }
    return found.script
  }

  private static func isMeant(_ name: MigrationName, _ request: Request) -> Bool {
    switch (name, request) {
    case (.versioned, .versioned), (.repeatable, .repeatable), (.undo, .undo): true
    default: false  // any other pair
    }
  }

  /// Whether the two cannot be side by side.
  private static func isTwin(_ one: MigrationName, of other: MigrationName) -> Bool {
    switch (one, other) {
    case (.versioned(_, let a, _), .versioned(_, let b, _)), (.undo(_, let a, _), .undo(_, let b, _)): a == b
    case (.repeatable(let a), .repeatable(let b)): a == b
    default: false  // of different kinds
    }
  }
}

/// Why no file can be made.
package enum NewMigrationProblem: Error, Sendable, Equatable {
  case noTitle
  case badTitle(String)
  case badVersion(String)
  case taken(String)
  /// The version or description that was asked for.
  case nothingToUndo(String?)
  case unreadable(String)

  package var message: String {
    switch self {
    case .noTitle: "the new migration has no name"
    case .badTitle(let title): "'\(title)' cannot be part of a file name"
    case .badVersion(let version): "'\(version)' is no version"
    case .taken(let path): "there is already \(path)"
    case .nothingToUndo(let wanted):
      wanted.map { "no versioned migration is called '\($0)'" } ?? "there is no versioned migration to undo"
    case .unreadable(let fileName): "a file named \(fileName) would not be read as what it is meant to be"
    }
  }

  /// Whether the words of the call are wrong, whatever files there are.
  package var isOfTheCall: Bool {
    switch self {
    case .noTitle, .badTitle, .badVersion: true
    case .taken, .nothingToUndo, .unreadable: false
    }
  }

  package var hint: String? {
    switch self {
    case .noTitle: "say what it does: `dbtool new add_users`"
    case .badTitle: "leave out slashes and control characters; --locations says which folder"
    case .badVersion: "numbers between dots, 1.2"
    case .taken: "nothing was written"
    case .nothingToUndo: "`dbtool info` shows versions and descriptions"
    case .unreadable: "prefixes, separator or suffix are set in a way that does not allow it"
    }
  }
}
