/// Everything that Flyway's rules refuse. The message is Flyway's own, word for word, because scripts read it;
/// the hint is ours.
package enum MigrationError: Error, Sendable, Equatable {
  // Names and files
  case invalidVersion(String)
  case invalidNames([String])
  /// The version, and each offender as `path (TYPE)`.
  case duplicateVersion(String, [String])
  case duplicateRepeatable(String, [String])
  case duplicateCallback(String, [String])
  case duplicateUndo(String, [String])
  case missingLocation(String, absolute: String, workingDirectory: String)
  /// Not in Flyway, which takes it for an empty one: then nothing is migrated, and all seems well.
  case unreadableLocation(String, reason: String)
  case missingClasspath(String)
  case unknownLocationPrefix(String)
  case unknownEncoding(String)
  case undecodable(String)

  // Placeholders and script configuration
  case missingPlaceholder(String)
  case unknownBuiltInPlaceholder(String)
  case unknownScriptKey(String)
  case unreadableCondition(String)
  case invalidBoolean(name: String, value: String)
  case invalidInteger(name: String, value: String)

  // History
  case unknownRowType(String)
  case missingTarget(String)
  /// Two DELETE rows of a version, and only one row that they could cover.
  case deletedTwice(String)
  /// The schema, and the version; for a repeatable the description.
  case failedVersion(schema: String, version: String)
  case failedRepeatable(schema: String, description: String)
  case invalidHistory(String)
  case nonEmptySchema([String])
  case baselineRefused(String)
  case cleanDisabled
  case validation([InvalidMigration])
  case lockRetriesExceeded
  /// The version, and a file name that would do.
  case missingUndo(version: String, example: String)
  /// An entry of `cherryPick` that names nothing that can be undone.
  case notApplied(String)
  /// An entry of `cherryPick` that names nothing.
  case unknownPick(String)
  case unreadyPick(String, state: String)
  /// Not in Flyway: the script that cannot run in a transaction, behind a pooler that lends sessions for one only.
  case pooledScript(String)
  /// Not in Flyway: the option that needs a session of its own.
  case pooledSession(String)

  // Transactions
  /// The line of the statement that differs from those before it, its text, and what it is.
  case mixedStatements(line: Int, statement: String, transactional: Bool)
  case mixedGroup(first: String)

  // Options
  case invalidPattern(String)
  case invalidPatternKind(String)
  case invalidPatternState(String)
  case unknownOptions([String])
  case unknownFileKey(String)
  case unservedOption(String, reason: String)
  case unknownWord(String)
  case unreadableValue(name: String, value: String)
  case unreadableOutputType(String)
  case unreadableColour(String)
  case unreadableChoice(name: String, value: String, choices: [String])
  case unreadableDate(name: String, value: String)
  case tomlAndConf(toml: [String], conf: [String])
  case unknownEnvironment(String)
  case unsetEnvironmentVariable(String)
  case invalidConfigurationFile(path: String, line: Int, reason: String)
  case unservedCommand(String)

  package var message: String {
    switch self {
    case .invalidVersion(let text): "Version may only contain 0..9 and . (dot). Invalid version: \(text)"
    case .invalidNames(let reasons):
      "Invalid SQL filenames found:\r\n" + reasons.map { $0 }.joined(separator: "\r\n")
    case .duplicateVersion(let version, let offenders):
      "Found more than one migration with version \(version)" + Self.offenders(offenders)
    case .duplicateRepeatable(let description, let offenders):
      "Found more than one repeatable migration with description \(description)" + Self.offenders(offenders)
    case .duplicateCallback(let event, let offenders):
      "Found more than 1 SQL callback script called \(event)!" + Self.offenders(offenders)
    case .duplicateUndo(let version, let offenders):
      "Found more than one undo migration with version \(version)" + Self.offenders(offenders)
    case .missingLocation(let location, let absolute, let directory):
      "Failed to find filesystem location: \(location) (not found) Resolved to '\(absolute)'. If this is not where"
        + " your migrations are, check that your working directory is set correctly"
        + " (working directory: '\(directory)')."
    case .unreadableLocation(let folder, let reason): "the location \(folder) cannot be read: \(reason)"
    case .missingClasspath(let path): "Unable to resolve location classpath:\(path)."
    case .unknownLocationPrefix(let location):
      "Unknown prefix for location (should be one of filesystem:): \(location)"
    case .unknownEncoding(let name): "Unsupported encoding: \(name)"
    case .undecodable(let encoding): "the text is not \(encoding)"

    case .missingPlaceholder(let written):
      "No value provided for placeholder: \(written).  Check your configuration!"
    case .unknownBuiltInPlaceholder(let written):
      "Failed to populate value for default placeholder: \(written)"
    case .unknownScriptKey(let key):
      "Unknown configuration property: \(key). Please check your script config files"
    case .unreadableCondition(let text): "shouldExecute cannot be read: \(text)"
    case .invalidBoolean(let name, let value):
      "Invalid value for \(name) (should be either true or false): \(value)"

    case .invalidInteger(let name, let value): "Invalid value for \(name) (should be an integer): \(value)"

    case .unknownRowType(let type): "Unknown migration type '\(type)' found in schema history."
    case .missingTarget(let version):
      "No migration with a target version \(version) could be found. Ensure target is specified correctly and the"
        + " migration exists."
    case .deletedTwice(let version):
      "Corrupted schema history: multiple delete entries for version \(version)"
    case .failedVersion(let schema, let version):
      "Schema \(schema) contains a failed migration to version \(version) !"
    case .failedRepeatable(let schema, let description):
      "Schema \(schema) contains a failed repeatable migration (\"\(description)\") !"
    case .invalidHistory(let reason), .baselineRefused(let reason): reason
    case .cleanDisabled:
      "Unable to execute clean as it has been disabled with the 'flyway.cleanDisabled' property."
    case .nonEmptySchema(let schemas):
      "Found non-empty schema(s) \(schemas.joined(separator: ", ")) but no schema history table. Use baseline() or"
        + " set baselineOnMigrate to true to initialize the schema history table."
    case .validation(let found):
      "Validate failed: Migrations have failed validation\n" + found.map(\.message).joined(separator: "\n")
        + "\nNeed more flexibility with validation rules? Learn more: set ignoreMigrationPatterns"
    case .lockRetriesExceeded:
      "Number of retries exceeded while attempting to acquire PostgreSQL advisory lock. Configure the number of"
        + " retries with the 'lockRetryCount' configuration option"
    case .missingUndo(let version, _):
      "Unable to undo migration to version \(version) as no corresponding undo migration has been found."
    case .unknownPick(let pick): "cherryPick names no migration: \(pick)"
    case .unreadyPick(let pick, let state):
      "cherryPick names a migration that is not pending but \(state): \(pick)"
    case .notApplied(let pick): "Unable to undo migration \(pick) as it is not applied."
    case .pooledScript(let path):
      "\(path) cannot run in a transaction, and the server is reached through a transaction pooler"
    case .pooledSession(let name):
      "\(name) is for a session, and the server is reached through a transaction pooler"

    case .mixedStatements(let line, let statement, let transactional):
      "Detected both transactional and non-transactional statements within the same migration (even though mixed is"
        + " false). Offending statement found at line \(line): \(statement)"
        + (transactional ? "" : " [non-transactional]")
    case .mixedGroup(let first):
      "Detected both transactional and non-transactional migrations within the same migration group (even though"
        + " mixed is false). First offending migration: \(first)"

    case .invalidPattern(let text):
      "Invalid pattern '\(text)'. Pattern must be of the form <migration_type>:<migration_state>"
    case .invalidPatternKind(let text):
      "Invalid migration type '\(text)'. Valid types are: [*, versioned, repeatable]"
    case .invalidPatternState(let text):
      "Invalid migration state '\(text)'. Valid states are: [*, missing, pending, ignored, future]"
    case .unknownOptions(let names):
      "Failed to configure parameters:\n"
        + names.map {
          "\tUnknown: '\($0)'. Check the parameter spelling and ensure Flyway is up to date.\n"
        }.joined()
    case .unknownFileKey(let key):
      "Unknown configuration property: \(key). Please check your conf files or commandline parameters"
    case .unservedOption(let name, let reason): "the option '\(name)' is not served: \(reason)"
    case .unknownWord(let word): "Invalid flag: \(word)\n"
    case .unreadableValue: "Unable to parse command line params."
    case .unreadableOutputType(let value):
      "'\(value)' is an invalid value for the -outputType option. Use 'json'."
    case .unreadableColour(let value):
      "'\(value)' is an invalid value for the -color option. Use 'always', 'never', or 'auto'."
    case .unreadableChoice(let name, let value, _): "'\(value)' is no value for \(name)"
    case .unreadableDate(let name, let value):
      "'\(value)' is an invalid value for the \(name) option. The expected format is 'dd/mm/yyyy hh:mm', like"
        + " '13/10/2020 16:30'."
    case .tomlAndConf(let toml, let conf):
      "Using both TOML configuration and CONF configuration is not supported. Please remove the CONF configuration"
        + " files.\nTOML files: \(toml.joined(separator: ", "))\nCONF files: \(conf.joined(separator: ", "))\n"
    case .unknownEnvironment(let name): "Environment '\(name)' not found. Check that it has been defined."
    case .unsetEnvironmentVariable(let name): "Unable to resolve environment variable: '\(name)'"
    case .invalidConfigurationFile(let path, _, let reason):
      "Unable to load configuration file \(path): \(reason)"
    case .unservedCommand(let name):
      "Flyway Redgate Edition Required: \(name) is not supported by OSS Edition"
    }
  }

  /// Flyway's code for it, as its JSON has it.
  package var code: ErrorCode {
    switch self {
    case .duplicateVersion: .duplicateVersionedMigration
    case .duplicateRepeatable: .duplicateRepeatableMigration
    case .duplicateUndo: .duplicateUndoMigration
    case .unknownScriptKey, .unreadableCondition, .invalidBoolean, .invalidInteger, .unknownOptions,
      .unknownFileKey,
      .unservedOption,
      .unknownEnvironment:
      .configuration
    case .deletedTwice: .duplicateDeletedMigration
    // Flyway finds a known type in any case, and then stumbles over it.
    case .unknownRowType(let type): MigrationType(rawValue: type.uppercased()) == nil ? .error : .fault
    case .nonEmptySchema: .nonEmptySchemaWithoutSchemaHistoryTable
    case .validation: .validateError
    case .failedVersion, .mixedGroup: .failedVersionedMigration
    case .failedRepeatable: .failedRepeatableMigration
    case .invalidHistory: .fault
    // In Flyway it is a name that its own code does not find.
    case .unreadableChoice(name: "infoOfState", _, _): .fault
    default: .error  // an open set: whatever Flyway gave no code of its own
    }
  }

  /// What to do about it; nil when the message says it.
  package var hint: String? {
    switch self {
    case .duplicateVersion, .duplicateRepeatable, .duplicateUndo: "rename one of them"
    case .invalidNames: "rename these files, or set validateMigrationNaming=false to pass over them"
    case .failedVersion, .failedRepeatable: "remove what it left half done, then run `dbtool repair`"
    case .unservedCommand: "it belongs to Redgate's services, which are not served here"
    case .unreadableCondition: "true, false, A==B or A!=B, joined by && and ||, with parentheses"
    case .missingClasspath: "there is no Java here; name a folder, filesystem:PATH"
    case .unknownLocationPrefix:
      "only folders are served: copy the scripts to one and name it filesystem:PATH"
    case .missingPlaceholder(let written):
      "give it a value, for example --placeholders.NAME=VALUE for \(written), or set placeholderReplacement=false"
    case .mixedStatements:
      "move the statement that cannot run in a transaction to a file of its own, or set mixed=true"
    case .unknownOptions: "`dbtool migrate --help` lists every option"
    case .pooledScript, .pooledSession:
      "connect to the server itself, past the pooler, or to one of its databases that keeps a session for each"
        + " client; if this one does, postgresql.transactional.lock=false says so"
    case .lockRetriesExceeded:
      "another migrator holds the lock; wait for it, or raise lockRetryCount (-1: for ever)"
    case .validation:
      "`dbtool validate` shows each with its file; ignoreMigrationPatterns passes over a state"
    case .nonEmptySchema: "run `dbtool baseline`, or set baselineOnMigrate=true"
    case .missingUndo(_, let example): "nothing was undone; write \(example) beside the migration"
    case .notApplied: "nothing was undone; `dbtool info` shows what is applied"
    case .cleanDisabled: "clean deletes everything in the schemas; cleanDisabled=false allows it"
    case .unreadableChoice(_, _, let choices): "one of: " + choices.joined(separator: ", ")
    case .unreadableValue(let name, let value): "'\(value)' is no value for \(name)"
    default: nil  // an open set
    }
  }

  private static func offenders(_ list: [String]) -> String {
    "\nOffenders:" + list.map { "\n-> " + $0 }.joined()
  }
}
