/// The option table. Source: Flyway 13, the options that concern SQL migrations on PostgreSQL, with its defaults.
package enum MigrationOptions {
  /// Every option, in the order of `--help`.
  package static let all: [MigrationOption] =
    database + locating + naming + running + checking + waiting + other + refused

  private static let byName = Dictionary(
    all.map { ($0.name.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
  private static let byVariable = Dictionary(
    all.filter { $0.kind != .map && $0.hasVariable }.map { ($0.variable, $0) },
    uniquingKeysWith: { first, _ in first })
  private static let byFlag = Dictionary(all.map { ($0.flag, $0) }, uniquingKeysWith: { first, _ in first })

  /// The option of a configuration name, and the map's key: `placeholders.who` is (`placeholders`, `who`).
  package static func find(name: String) -> (option: MigrationOption, key: String?)? {
    if let option = byName[name.lowercased()], option.name == name, option.kind != .map {
      return (option, nil)
    }
    for option in all where option.kind == .map && name.hasPrefix(option.name + ".") {
      let key = name.dropFirst(option.name.count + 1)
      if !key.isEmpty { return (option, String(key)) }
    }
    return nil
  }

  /// The option of a variable, `FLYWAY_PLACEHOLDERS_WHO` is (`placeholders`, `who`). Nil for names unknown.
  package static func find(variable: String) -> (option: MigrationOption, key: String?)? {
    if let option = byVariable[variable] { return (option, nil) }
    for option in all where option.kind == .map && variable.hasPrefix(option.variable + "_") {
      let key = variable.dropFirst(option.variable.count + 1)
      if !key.isEmpty { return (option, key.lowercased()) }
    }
    return nil
  }

  /// The option of a flag of our form, without its value: `--lock-retry-count`, `--placeholders.who`.
  package static func find(flag: String) -> (option: MigrationOption, key: String?)? {
    if let option = byFlag[flag], option.kind != .map { return (option, nil) }
    return find(name: String(flag.dropFirst(2)))
  }

  private static func option(
    _ name: String, _ kind: MigrationOption.Kind, _ standard: String, _ summary: String,
    variable: String? = nil
  ) -> MigrationOption {
    MigrationOption(name: name, kind: kind, standard: standard, summary: summary, ownVariable: variable)
  }

  private static func environment(
    _ name: String, _ kind: MigrationOption.Kind, _ standard: String, _ summary: String
  ) -> MigrationOption {
    var found = option(name, kind, standard, summary)
    found.isEnvironment = true
    return found
  }

  private static func commandLine(
    _ name: String, _ kind: MigrationOption.Kind, _ standard: String, _ summary: String,
    hasVariable: Bool = true
  ) -> MigrationOption {
    var found = option(name, kind, standard, summary)
    found.isCommandLineOnly = true
    found.hasVariable = hasVariable
    return found
  }

  /// On the command line, and nowhere else.
  private static func alone(
    _ name: String, _ kind: MigrationOption.Kind, _ standard: String, _ summary: String
  ) -> MigrationOption {
    commandLine(name, kind, standard, summary, hasVariable: false)
  }

  private static func refuse(_ name: String, _ reason: String, harmless: [String] = []) -> MigrationOption {
    var found = option(name, .text, "", "not served: \(reason)")
    found.service = .refused(reason: reason, harmless: harmless)
    return found
  }

  /// Refuses `name.…`.
  private static func refuseAll(_ name: String, _ reason: String) -> MigrationOption {
    var found = refuse(name, reason)
    found.kind = .map
    return found
  }

  private static let database = [
    environment("url", .text, "", "the database: postgres://, jdbc:postgresql:// or libpq's key=value"),
    environment("user", .text, "", "who logs in"),
    environment(
      "password", .secret, "", "the password; a file or ~/.pgpass keeps it out of the process list"),
    environment("schemas", .list, "", "schemas that are managed; the first holds the history table"),
    environment("connectRetries", .integer, "0", "how often to try again when the server is not there"),
    environment(
      "connectRetriesInterval", .integer, "120", "the longest wait between two tries, in seconds (1, 2, 4 …)"),
    environment("jdbcProperties", .map, "", "pgjdbc's connection parameters, as in the URL"),
    environment("initSql", .text, "", "SQL that runs first on the connection"),
    option("defaultSchema", .text, "", "the schema of the history table and of unqualified names"),
    option("createSchemas", .boolean, "true", "create the schemas that are missing"),
    option("table", .text, "flyway_schema_history", "the history table"),
    option("tablespace", .text, "", "the tablespace of the history table"),
  ]

  private static let locating = [
    option("locations", .list, "", "where migrations are: filesystem:PATH, * ? ** allowed"),
    option("failOnMissingLocations", .boolean, "false", "a location that is not there is an error"),
    option("callbackLocations", .list, "", "where callbacks are, instead of the locations"),
    option("encoding", .text, "UTF-8", "the encoding of the scripts"),
    option("detectEncoding", .boolean, "false", "find out each script's encoding: Unicode, else ISO-8859-1"),
    commandLine("workingDirectory", .text, "", "what relative paths start from"),
    commandLine("configFiles", .list, "", "configuration files, .conf or .toml; later ones win"),
    commandLine("configFileEncoding", .text, "UTF-8", "the encoding of flyway.conf"),
    option("environment", .text, "default", "which [environments.NAME] of flyway.toml is used"),
  ]

  private static let naming = [
    option("sqlMigrationPrefix", .text, "V", "what versioned migrations begin with"),
    option("repeatableSqlMigrationPrefix", .text, "R", "what repeatable migrations begin with"),
    option("baselineMigrationPrefix", .text, "B", "what baseline migrations begin with"),
    option("undoSqlMigrationPrefix", .text, "U", "what undo migrations begin with"),
    option("sqlMigrationSeparator", .text, "__", "what stands between version and description"),
    option("sqlMigrationSuffixes", .list, ".sql", "what scripts end with"),
    option("validateMigrationNaming", .boolean, "false", "a script whose name cannot be read is an error"),
  ]

  private static let running = [
    option(
      "target", .text, "latest", "how far to go: a version (with ? it need not exist), latest, current, next"),
    option("cherryPick", .list, "", "only these, in this order: versions, or descriptions with _ for blanks"),
    option("outOfOrder", .boolean, "false", "also apply versions below the highest applied one"),
    option("group", .boolean, "false", "all pending migrations in one transaction"),
    option("mixed", .boolean, "false", "allow statements that need no transaction beside those that do"),
    option("executeInTransaction", .boolean, "true", "each script in one transaction"),
    option("skipExecutingMigrations", .boolean, "false", "write the history without running the scripts"),
    option("installedBy", .text, "", "what the history's installed_by says; the current user by default"),
    option("lockRetryCount", .integer, "50", "how often to ask for the lock, once a second; -1 for ever"),
    option(
      "postgresql.transactional.lock", .boolean, "true",
      "true: a failed migration without a transaction leaves no row; false: it leaves one, to be repaired"),
    option(
      "dryRunOutput", .text, "", "write the SQL that would run to this file, and run nothing",
      variable: "FLYWAY_DRYRUN_OUTPUT"),
    option(
      "undoHistory", .text, "keep",
      "what undo leaves: keep adds an UNDO_SQL row, remove takes the migration's row out"),
    option("outputQueryResults", .boolean, "true", "show what SELECTs in scripts return"),
  ]

  private static let checking = [
    option("validateOnMigrate", .boolean, "true", "validate before migrating"),
    option("ignoreMigrationPatterns", .list, "*:future", "what validation passes over: TYPE:STATE"),
    option("baselineOnMigrate", .boolean, "false", "baseline a schema that has objects but no history"),
    option("baselineVersion", .text, "1", "the version of the baseline"),
    option("baselineDescription", .text, "<< Flyway Baseline >>", "the description of the baseline"),
    option("cleanDisabled", .boolean, "true", "refuse clean"),
  ]

  private static let other = [
    option("placeholderReplacement", .boolean, "true", "replace ${…} in scripts"),
    option("placeholders", .map, "", "values: placeholders.NAME=VALUE"),
    option("placeholderPrefix", .text, "${", "what placeholders begin with"),
    option("placeholderSuffix", .text, "}", "what placeholders end with"),
    option("placeholderSeparator", .text, ":", "what stands after flyway in the built-in ones"),
    option("skipDefaultCallbacks", .boolean, "false", "run no callbacks"),
    commandLine(
      "resumeAt", .integer, "",
      "the statement, from 1, at which a script that was cut off outside a transaction goes on"),
    alone("infoSinceDate", .text, "", "info: applied after dd/MM/yyyy HH:mm, or not applied"),
    alone("infoUntilDate", .text, "", "info: applied before dd/MM/yyyy HH:mm"),
    alone("infoSinceVersion", .text, "", "info: this version and above, and repeatables"),
    alone("infoUntilVersion", .text, "", "info: this version and below"),
    alone("infoOfState", .list, "", "info: these states, such as pending, out_of_order"),
    alone("outputType", .text, "", "json: one JSON document on stdout, in Flyway's shape"),
    alone("color", .text, "auto", "always, never, or auto: colours where a terminal reads"),
    alone("outputFile", .text, "", "also write the JSON document to this file"),
  ]

  private static let noJava = "there is no Java here"
  private static let redgate = "it belongs to Redgate's services"
  private static let secrets = "secrets come from the environment, --password-file or --secret"
  private static let otherDatabase = "it belongs to another database than PostgreSQL"

  private static let refused = [
    refuse("driver", noJava, harmless: ["org.postgresql.Driver"]),
    refuse("jarDirs", noJava),
    refuse("callbacks", "callbacks are SQL files"),
    refuse("resolvers", noJava),
    refuse("skipDefaultResolvers", "there is no other resolver", harmless: ["false"]),
    refuse("scriptPlaceholderPrefix", "it is for shell scripts, which are not run", harmless: ["FP__"]),
    refuse("scriptPlaceholderSuffix", "it is for shell scripts, which are not run", harmless: ["__"]),
    refuse("loggers", "logs go to stderr", harmless: ["auto", "console"]),
    refuse("reportEnabled", "there is no HTML report; use --json", harmless: ["false"]),
    refuse("reportFilename", "there is no HTML report; use --json"),
    refuse("errorOverrides", "a failed statement is an error"),
    // Scripts are always streamed, and statements sent as fast as their order allows.
    refuse("batch", "it changes nothing here", harmless: ["true", "false"]),
    refuse("stream", "it changes nothing here", harmless: ["true", "false"]),
    refuse("outputProgress", "progress goes to stderr", harmless: ["true", "false"]),
    refuse("outputLogsInJson", "logs go to stderr", harmless: ["false"]),
    // Set by Flyway itself whenever a target is named without a question mark.
    refuse("failOnMissingTarget", "a target without ? must exist", harmless: ["true", "false"]),
    refuse("provisioner", "a database is not made here; `dbtool ephemeral` gives a throwaway one"),
    refuse("cleanOnValidationError", "clean is never run by itself", harmless: ["false"]),
    refuse("licenseKey", redgate), refuse("email", redgate), refuse("token", redgate),
    refuseAll("check", redgate), refuseAll("snapshot", redgate), refuseAll("deploy", redgate),
    refuseAll("vault", secrets), refuseAll("dapr", secrets), refuseAll("gcsm", secrets),
    refuseAll("oracle", otherDatabase), refuseAll("sqlserver", otherDatabase),
    refuseAll("clickhouse", otherDatabase), refuseAll("mongodb", otherDatabase),
  ]
}
