/// What `dbtool verify --help` prints.
enum VerifyHelp {
  static let overview = "Proves migrations on a throwaway PostgreSQL: the gate for a pull request."

  static let options = """
    It needs no database and touches none: it starts a PostgreSQL of its own and removes it. There it migrates from
    zero, runs every undo script and compares the schema with the one before, runs repeatables twice, validates,
    and seeds. It also finds scripts that migrate would pass over because of their names.

    OPTIONS:
      --junit FILE
          also write the report as JUnit
      --json
          one JSON document on stdout instead of the text
      --plan FILE
          the seed plan (default: seeds/shop.toml, when it is there and about these tables)
      --no-seed
          do not seed
      --prepare FILE
          SQL that runs first in the empty databases: roles and extensions that the real server has
      --postgres-bin DIR
          the folder with initdb, postgres and pg_dump (default: PATH, then the newest that is installed)
      --set NAME=VALUE
          a setting of the throwaway server; may be given several times
      --quiet, -q; --verbose, -X; --no-color

    Every option of `dbtool migrate` that is not about reaching a database counts too: --locations, --placeholders.NAME,
    the naming options, --schemas, configuration files and FLYWAY_ variables.

    When GITHUB_ACTIONS is true, each finding is also an annotation at its line.

    Exit status: 0 no findings, 1 findings or no server, 64 wrong command line.
    """

  static let text = "OVERVIEW: \(overview)\n\nUSAGE: dbtool verify [--option value …]\n\n\(options)"
}
