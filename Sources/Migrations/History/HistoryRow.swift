/// One row of the history table.
package struct HistoryRow: Sendable, Equatable {
  package var installedRank: Int
  /// Nil for repeatables and some synthetic rows.
  package var version: MigrationVersion?
  package var description: String
  package var type: MigrationType
  /// The path below its location, or the description of a baseline.
  package var script: String
  package var checksum: Int32?
  package var installedBy: String
  /// Filled by the server (`now()`), as it prints it in UTC: `2026-01-31T10:00:00.123Z`. Empty before.
  package var installedOn: String
  /// As it stands in the table, without its fraction: `2026-01-31 10:00:00`.
  package var installedOnLocal: String
  /// Milliseconds.
  package var executionTime: Int
  package var success: Bool

  package init(
    installedRank: Int, version: MigrationVersion?, description: String, type: MigrationType, script: String,
    checksum: Int32?, installedBy: String, installedOn: String = "", installedOnLocal: String = "",
    executionTime: Int, success: Bool
  ) {
    self.installedRank = installedRank
    self.version = version
    self.description = description
    self.type = type
    self.script = script
    self.checksum = checksum
    self.installedBy = installedBy
    self.installedOn = installedOn
    self.installedOnLocal = installedOnLocal
    self.executionTime = executionTime
    self.success = success
  }

  /// The row behind those of `history` that says what came of a script. Its version is the history's own where one
  /// is undone, which may be written otherwise.
  init(
    of file: ResolvedMigration, version: MigrationVersion?, behind history: [HistoryRow], installedBy: String,
    executionTime: Int, success: Bool
  ) {
    self.init(
      installedRank: history.last.map { $0.installedRank + 1 } ?? 1, version: version,
      description: Self.abbreviated(description: file.description), type: file.type,
      script: Self.abbreviated(script: file.script), checksum: file.checksum, installedBy: installedBy,
      executionTime: executionTime, success: success)
  }

  /// What fits into the column: 200 characters, the last three of a cut one are dots.
  package static func abbreviated(description: String) -> String {
    description.utf16.count <= 200 ? description : cut(description.unicodeScalars[...], to: 197) + "..."
  }

  /// What fits into the column: 1000 characters, the first three of a cut one are dots.
  package static func abbreviated(script: String) -> String {
    script.utf16.count <= 1000 ? script : "..." + cut(script.unicodeScalars.dropFirst(3), to: 997)
  }

  /// Lengths are Java's, in UTF-16 units; no character is cut in two.
  private static func cut(_ text: Substring.UnicodeScalarView, to units: Int) -> String {
    var result = String.UnicodeScalarView()
    var length = 0
    for scalar in text {
      length += UTF16.width(scalar)
      if length > units { break }
      result.append(scalar)
    }
    return String(result)
  }
}
