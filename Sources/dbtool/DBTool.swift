import ArgumentParser
import DatabaseTools
import Glibc
import PoolServer

/// The process's entry: one command, one exit status.
@main
enum DBTool {
  static func main() {
    // Whoever reads our talk may go before we are done: a log collector, `head`. That must not strike down a
    // pool with its clients, or a throwaway server before it is removed; Console gives up on that stream instead.
    signal(SIGPIPE, SIG_IGN)
    exit(status(of: Array(CommandLine.arguments.dropFirst())))
  }

  /// Runs what the words after the program's name ask for.
  /// - Returns: the exit status. Source: docs, "Commands".
  static func status(of arguments: [String]) -> Int32 {
    // Flyway's form, -key=value before or after the command, is not in ArgumentParser's grammar.
    if let status = VerifyFrontend.run(arguments) ?? NewFrontend.run(arguments)
      ?? FlywayFrontend.run(arguments)
    {
      return status
    }
    let printer = FailurePrinter(arguments: arguments)
    do {
      var command = try Root.parseAsRoot(arguments)
      try command.run()
      return ExitStatus.done
    } catch let failure as Failure {
      printer.show(failure)
      return failure.exitCode
    } catch {
      return printer.finish(error)
    }
  }
}

/// The list of commands, and what `dbtool` alone prints.
struct Root: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dbtool",
    abstract: "Migrates, seeds and pools PostgreSQL databases.",
    discussion: """
      The database comes from --url, DATABASE_URL, or libpq's PG* variables, in this order. \
      Results go to stdout, everything else to stderr.

      Exit status: 0 done, 1 failed, 64 wrong command line.
      """,
    version: Version.text,
    groupedSubcommands: [
      CommandGroup(
        name: "Migration",
        subcommands: [
          MigrateCommand.self, InfoCommand.self, ValidateCommand.self, BaselineCommand.self,
          RepairCommand.self,
          UndoCommand.self, CleanCommand.self, VerifyCommand.self, NewCommand.self,
        ]),
      CommandGroup(name: "Data and connection", subcommands: [SeedCommand.self, PoolCommand.self]),
      CommandGroup(name: "Throwaway server", subcommands: [EphemeralCommand.self, DemoCommand.self]),
    ])
}

/// What `dbtool --version` prints.
enum Version {
  static let text = PoolServer.version
}
