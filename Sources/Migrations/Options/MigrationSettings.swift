/// The migration commands' settings, typed, from the values of every source.
package struct MigrationSettings: Sendable {
  package var values: SettingValues

  package var naming = NamingRules()
  package var target: MigrationTarget
  package var encoding: TextEncoding
  package var baselineVersion: MigrationVersion
  package var undoHistory: UndoHistory

  /// - Throws: `MigrationError` for a version or encoding that cannot be read.
  package init(_ values: SettingValues) throws(MigrationError) {
    self.values = values
    target = try MigrationTarget(values["target"] ?? "latest")
    encoding = try TextEncoding(named: values["encoding"] ?? "UTF-8")
    baselineVersion = try MigrationVersion(values["baselineVersion"] ?? "1")
    let undoHistory = values["undoHistory"] ?? UndoHistory.keep.rawValue
    guard let known = UndoHistory(rawValue: undoHistory) else {
      throw .unreadableChoice(
        name: "undoHistory", value: undoHistory, choices: UndoHistory.allCases.map(\.rawValue))
    }
    self.undoHistory = known
    naming.versioned = text("sqlMigrationPrefix")
    naming.repeatable = text("repeatableSqlMigrationPrefix")
    naming.baseline = text("baselineMigrationPrefix")
    naming.undo = text("undoSqlMigrationPrefix")
    naming.separator = text("sqlMigrationSeparator")
    naming.suffixes = list("sqlMigrationSuffixes")
  }

  /// What validation passes over. Read when it is needed: a bad one is no error of `info`, as in Flyway.
  /// - Throws: `MigrationError` for a pattern that cannot be read.
  package func ignorePatterns() throws(MigrationError) -> IgnorePatterns {
    guard let text = values["ignoreMigrationPatterns"] else { return IgnorePatterns() }
    return try IgnorePatterns(text)
  }

  /// The value of an option, or its default.
  package func text(_ name: String) -> String {
    values[name] ?? MigrationOptions.find(name: name)?.option.standard ?? ""
  }

  /// The value of an option, nil when neither a source nor the table gives one.
  package func optional(_ name: String) -> String? {
    let value = text(name)
    return value.isEmpty ? nil : value
  }

  package func flag(_ name: String) -> Bool { text(name) == "true" }

  package func number(_ name: String) -> Int { Int(text(name)) ?? 0 }

  /// The value of an option that is a duration; 0 for none.
  package func milliseconds(_ name: String) -> Int { Int(DurationText.milliseconds(text(name)) ?? 0) }

  package func list(_ name: String) -> [String] {
    text(name).split(separator: ",").map { PropertiesFile.trim($0) }.filter { !$0.isEmpty }
  }

  /// Prefix, suffix, separator and the user's values; the built-in ones are the command's to add.
  package var placeholders: Placeholders {
    var placeholders = Placeholders()
    placeholders.prefix = text("placeholderPrefix")
    placeholders.suffix = text("placeholderSuffix")
    placeholders.separator = text("placeholderSeparator")
    for name in values.names where name.hasPrefix("placeholders.") {
      placeholders.set(String(name.dropFirst("placeholders.".count)), to: values[name] ?? "")
    }
    return placeholders
  }
}
