/// A migration that a file was found for.
package struct ResolvedMigration: Sendable, Equatable {
  /// Nil for a repeatable.
  package var version: MigrationVersion?
  /// The version as the file has it, with `_`; empty for a repeatable.
  package var rawVersion: String
  package var description: String
  package var type: MigrationType
  /// The path below its location, with `/`: the history's `script`.
  package var script: String
  /// Where the file is, for people: below the working directory where it can be.
  package var path: String
  /// The absolute path.
  package var absolutePath: String
  package var checksum: Int32
  /// A repeatable's checksum before placeholders were replaced: a stored value equal to it is unchanged, too.
  package var equivalentChecksum: Int32?
  package var config: ScriptConfig

  package init(
    version: MigrationVersion?, rawVersion: String, description: String, type: MigrationType, script: String,
    path: String, absolutePath: String, checksum: Int32, equivalentChecksum: Int32? = nil,
    config: ScriptConfig = ScriptConfig()
  ) {
    self.version = version
    self.rawVersion = rawVersion
    self.description = description
    self.type = type
    self.script = script
    self.path = path
    self.absolutePath = absolutePath
    self.checksum = checksum
    self.equivalentChecksum = equivalentChecksum
    self.config = config
  }

  package var isRepeatable: Bool { version == nil }

  /// Whether a stored checksum says that this file has been applied as it is.
  package func matches(_ stored: Int32?) -> Bool {
    stored == checksum || (equivalentChecksum != nil && stored == equivalentChecksum)
  }

  /// Versions ascending, a version's V before its B; then repeatables by description, by UTF-16 unit.
  package static func isBefore(_ left: ResolvedMigration, _ right: ResolvedMigration) -> Bool {
    switch (left.version, right.version) {
    case (let one?, let other?):
      one != other ? one < other : !left.type.isBaselineMigration && right.type.isBaselineMigration
    case (nil, nil): left.description.utf16.lexicographicallyPrecedes(right.description.utf16)
    case (_?, nil): true
    case (nil, _?): false
    }
  }

  /// Sorts what was found, and refuses two of one version and kind, or two repeatables of one description.
  /// - Throws: `MigrationError.duplicateVersion`, `.duplicateRepeatable`.
  package static func ordered(_ found: [ResolvedMigration]) throws(MigrationError) -> [ResolvedMigration] {
    let sorted = found.sorted { isBefore($0, $1) }
    for (one, other) in zip(sorted, sorted.dropFirst()) {
      if let version = one.version, version == other.version, one.type == other.type {
        throw .duplicateVersion(
          version.text, [one, other].map { "\($0.absolutePath) (\($0.type.rawValue))" })
      }
      if one.isRepeatable, other.isRepeatable, one.description == other.description {
        throw .duplicateRepeatable(
          one.description, [one, other].map { "\($0.absolutePath) (\($0.type.rawValue))" })
      }
    }
    return sorted
  }
}
