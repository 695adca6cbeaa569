import ArgumentParser
import DatabaseTools
import PoolServer

/// `dbtool pool check`: whether a configuration works, tried at the server.
struct PoolCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Tries a pool's configuration at the server and says what works and what does not.",
    usage: "dbtool pool check [--config <file>] [--<key> <value> …]",
    discussion: """
      Reads what `dbtool pool` would read, enters the server as every user into every database, asks auth_query, and \
      compares the cap with what the server has. Nothing listens and nothing is changed. Status 1 when something will \
      not work. Takes all options of `dbtool pool`.
      """)

  /// All options are its own, whether they stand before or behind `check`.
  @ParentCommand var pool: PoolCommand

  func run() throws {
    let configuration = try PoolConfiguration(
      flags: pool.flags.values(), environment: ProcessEnvironment.current,
      document: PoolCommand.document(pool.config))
    let console = pool.global.console
    for note in configuration.notes { console.warn(note) }
    let report: PoolCheckReport
    do {
      report = try PoolChecker(settings: configuration.settings).run()
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
}
