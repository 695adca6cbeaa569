// What `migrate` and `undo` refuse alike.

extension MigrationError {
  /// A row of the history that says a script failed, and was not repaired.
  static func failed(_ entry: PlannedMigration, schema: String) -> MigrationError {
    guard let version = entry.version else {
      return .failedRepeatable(schema: schema, description: entry.description)
    }
    return .failedVersion(schema: schema, version: version.text)
  }

  /// Names the first script of a group that is not of the first one's kind; nil when all are alike.
  static func mixed(_ files: [ResolvedMigration], transactional: [Bool]) -> MigrationError? {
    guard let first = transactional.first,
      let (file, isTransactional) = zip(files, transactional).first(where: { $0.1 != first })
    else { return nil }
    let name = [file.version?.text, file.description].compactMap { $0 }.joined(separator: " ")
    return .mixedGroup(first: "\"\(name)\"" + (isTransactional ? "" : " [non-transactional]"))
  }
}
