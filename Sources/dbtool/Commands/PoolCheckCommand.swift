import ArgumentParser
import DatabaseTools
import PoolServer

/// `dbtool pool check`: whether a configuration works, tried at the server.
struct PoolCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Tries a pool's configuration at the server and says what works and what does not.",
    usage: "dbtool pool check [<file>] [--convert] [--<key> <value> …]",
    discussion: """
      Reads what `dbtool pool` would read, enters the server as every user into every database, asks auth_query, and \
      compares the cap with what the server has. Nothing listens and nothing is changed. Status 1 when something will \
      not work. Takes all options of `dbtool pool`.
      """)

  @Argument(
    help: ArgumentHelp("The configuration, or a pgbouncer.ini; as --config.", valueName: "file"),
    completion: .file(extensions: ["toml", "ini"]))
  var file: String?

  @Flag(help: "Print the pgbouncer.ini as a dbtool.toml, with a comment for each key that is not in it.")
  var convert = false

  /// All options are its own, whether they stand before or behind `check`.
  @ParentCommand var pool: PoolCommand

  func run() throws {
    let console = pool.global.console
    let path = file ?? pool.config
    let conversion = try path.flatMap { path throws(Failure) in try Self.conversion(path) }
    if convert { return try print(conversion, console) }
    let configuration = try PoolConfiguration(
      flags: pool.flags.values(), environment: ProcessEnvironment.current,
      document: try conversion?.document() ?? PoolCommand.document(path))
    for note in configuration.notes { console.warn(note) }
    var report = PoolCheckReport()
    for difference in conversion?.differences ?? [] {
      report.add(.note, Failure.printable(difference.what), difference.why)
    }
    do {
      report.findings += try PoolChecker(settings: configuration.settings).run().findings
    } catch {
      throw PoolCommand.failure(error)
    }
    if console.isJSON {
      console.result(report.json)
    } else {
      for line in report.lines(console.outPaint) { console.result(line) }
    }
    if !report.isFine { throw ExitCode(ExitStatus.failed) }
  }

  // MARK: pgbouncer.ini

  /// `nil` when the file is none of PgBouncer's.
  private static func conversion(_ path: String) throws(Failure) -> PgBouncerConversion? {
    guard path.hasSuffix(".ini") else { return nil }
    let text: String
    do throws(AccessFileError) {
      text = try TextFile.text(of: path, mostBytes: 1 << 20)
    } catch {
      throw Failure(error.message)
    }
    return try PgBouncerConversion(IniFile(text, path: path))
  }

  private func print(_ conversion: PgBouncerConversion?, _ console: Console) throws(Failure) {
    guard let conversion else {
      throw .usage(
        "--convert takes a pgbouncer.ini", hint: "dbtool pool check --convert /etc/pgbouncer/pgbouncer.ini")
    }
    if console.isJSON {
      console.result(
        .object([
          .init("operation", .string("pool check --convert")),
          .init("configuration", .string(conversion.text)),
          .init(
            "differences",
            .array(
              conversion.differences.map { difference in
                .object([
                  .init("what", .string(difference.what)), .init("why", .string(difference.why)),
                  .init("line", difference.line > 0 ? .integer(difference.line) : .null),
                ])
              })),
        ]))
    } else {
      for line in conversion.text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
        console.result(String(line))
      }
    }
  }
}
