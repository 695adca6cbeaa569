import Migrations

/// What `--help` prints: every option of the table, in both forms.
enum FlywayHelp {
  static func text(for command: String) -> String {
    """
    OVERVIEW: \(overview(command))

    USAGE: dbtool \(command) [--option value …]
           dbtool [-option=value …] \(command)        (as the flyway command)

    \(options)
    """
  }

  static func overview(_ command: String) -> String {
    switch command {
    case "info": "Shows what has been applied and what is pending; writes nothing."
    case "validate": "Checks that the files and the history agree."
    case "baseline": "Says that a schema is at a version already, so that only later migrations run."
    case "repair": "Puts the history right: removes failed rows, marks missing files, takes over checksums."
    case "undo":
      "Takes the migration applied last back by its undo file (U1__x.sql); with --target, all down to it."
    case "clean": "Drops everything in the schemas; refused unless cleanDisabled=false."
    default: "Applies pending migrations; as Flyway does, on Flyway's history table."
    }
  }

  /// One block, for `--help` and for the command list of ArgumentParser.
  static var options: String {
    let own = [
      ("--json", "one JSON document on stdout, in Flyway's shape"),
      ("--quiet, -q", "print results and errors only"),
      ("--verbose, -X", "say more"), ("--no-color", "no colours"),
      ("--password-file FILE", "a file with the password as its only line"),
      ("--secret FILE", "a JSON file with username, password, and optionally host, port, dbname"),
      (
        "--dry-run[=FILE]",
        "migrate, undo, baseline, repair: write the SQL that would run to FILE or stdout, and run nothing"
      ),
      ("--placeholder NAME=VALUE", "the same as --placeholders.NAME VALUE"),
    ]
    let served = MigrationOptions.all.filter { $0.service == .served }
    let lines = own.map { block($0.0, $0.1, notes: "") } + served.map { block($0) }
    return "OPTIONS:\n" + lines.joined(separator: "\n")
      + "\n\nEach option is also -name=value on the command line, flyway.name in flyway.conf and flyway.toml."
  }

  private static func block(_ option: MigrationOption) -> String {
    let value: String
    switch option.kind {
    case .boolean: value = "[=true|false]"
    case .integer: value = " NUMBER"
    case .duration: value = " DURATION"
    case .list: value = " A,B"
    case .map: value = ".NAME VALUE"
    case .text, .secret: value = " TEXT"
    }
    var notes = [option.variable + (option.kind == .map ? "_NAME" : "")]
    if option.name == "environment" || !option.hasVariable { notes = [] }
    if !option.standard.isEmpty { notes.append("default: \(option.standard)") }
    return block(option.flag + value, option.summary, notes: notes.joined(separator: "; "))
  }

  private static func block(_ usage: String, _ summary: String, notes: String) -> String {
    "  \(usage)\n      \(summary)" + (notes.isEmpty ? "" : " (\(notes))")
  }
}
