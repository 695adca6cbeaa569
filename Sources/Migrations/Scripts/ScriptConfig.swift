/// What `<script>.sql.conf` beside a script says about that script alone. Nil: as the command has it.
package struct ScriptConfig: Sendable, Equatable {
  /// Whether the script runs in a transaction.
  package var executeInTransaction: Bool?
  package var encoding: TextEncoding?
  package var placeholderReplacement: Bool?
  /// `shouldExecute`: a script whose condition does not hold is left alone.
  package var condition: ScriptCondition?

  /// Whether the script is run at all.
  package var isExecuted: Bool { condition?.holds ?? true }

  package init() {}

  /// - Parameter text: the file's text, placeholders replaced.
  /// - Throws: `MigrationError.unknownScriptKey`, `.invalidBoolean`, `.unreadableCondition`, `.unknownEncoding`.
  package init(_ text: String) throws(MigrationError) {
    for entry in PropertiesFile.entries(of: text) {
      switch entry.key {
      case "executeInTransaction": executeInTransaction = try Self.boolean(entry)
      case "placeholderReplacement": placeholderReplacement = try Self.boolean(entry)
      case "encoding": encoding = try TextEncoding(named: entry.value)
      case "shouldExecute": condition = try ScriptCondition(entry.value)
      default: throw .unknownScriptKey(entry.key)
      }
    }
  }

  private static func boolean(_ entry: PropertiesFile.Entry) throws(MigrationError) -> Bool {
    switch entry.value.lowercased() {
    case "true": return true
    case "false": return false
    default: throw .invalidBoolean(name: entry.key, value: entry.value)
    }
  }
}
