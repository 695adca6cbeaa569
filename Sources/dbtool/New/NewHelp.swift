/// What `dbtool new --help` prints.
enum NewHelp {
  static let overview = "Makes the file of the next migration."

  static let options = """
    The version follows those that are there: 3 → 4, 009 → 010, 1.4 → 1.5, 20260131120000 → now (UTC). The file goes into
    the first of the locations, and none is ever overwritten. Its path is printed. No database is needed.

    OPTIONS:
      --repeatable
          a repeatable migration: R__NAME.sql
      --undo
          an undo script for the migration that NAME names by version or description; without NAME for the highest
          version
      --as VERSION
          this version instead of the next one
      --json
          one JSON document on stdout instead of the path
      --quiet, -q; --verbose, -X; --no-color

    Options of `dbtool migrate` that count too: --locations, --working-directory, prefixes, separator and suffixes,
    configuration files and FLYWAY_ variables.

    Exit status: 0 done, 1 the file cannot be made, 64 wrong command line.
    """

  static let text =
    "OVERVIEW: \(overview)\n\nUSAGE: dbtool new NAME [--repeatable | --undo] [--as VERSION] [--option value …]\n\n\(options)"
}
