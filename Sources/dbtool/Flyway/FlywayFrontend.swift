import ArgumentParser
import DatabaseTools
import Glibc
import LibPQ
import Migrations

/// The migration commands' front: Flyway's command line and ours, its JSON documents, our errors.
enum FlywayFrontend {
  /// Runs a migration call.
  /// - Parameter arguments: the words after the program's name.
  /// - Returns: the exit status; nil when the words are another command's.
  static func run(_ arguments: [String]) -> Int32? {
    // The migration commands' own configuration is long to make: it holds the help of every option.
    let others = Root.configuration.subcommands.filter { !($0 is any MigrationCommand.Type) }
      .compactMap { $0.configuration.commandName }
    guard FlywayCommandLine.isCall(arguments, otherCommands: others + ["help"]) else { return nil }
    let line: FlywayCommandLine
    do throws(MigrationFailure) { line = try FlywayCommandLine(arguments) } catch {
      // What was asked for can still be seen in the words.
      let json = arguments.contains { $0 == "--json" || $0.lowercased() == "-outputtype=json" }
      let isFlyway = arguments.contains { $0.hasPrefix("-") && !$0.hasPrefix("--") && $0.contains("=") }
      return report(
        error, Console(isJSON: json, allowsColour: !arguments.contains("--no-color")), isFlywayForm: isFlyway)
    }
    let console = Console(
      talk: line.isQuiet ? .quiet : line.isVerbose ? .verbose : .normal, isJSON: line.isJSON,
      allowsColour: line.allowsColour, wantsColour: line.wantsColour)
    if line.wantsVersion {
      console.result(Version.text)
      return ExitStatus.done
    }
    if line.wantsHelp {
      console.result(FlywayHelp.text(for: line.commands.first ?? "migrate"))
      return ExitStatus.done
    }
    guard !line.commands.isEmpty else {
      let none = Failure.usage("no command is named", hint: FlywayCommandLine.verbs.joined(separator: ", "))
      return report(MigrationFailure(none), console, isFlywayForm: line.isFlywayForm)
    }
    return FlywayCall(
      line: line, console: line.writesSQL && !line.isJSON ? console.withoutOut : console
    ).run()
  }

  /// Shows a failure on stderr, and Flyway's document on stdout when JSON is wanted.
  static func report(
    _ error: MigrationFailure, _ console: Console, isFlywayForm: Bool, _ document: JSONValue? = nil
  ) -> Int32 {
    console.raw(error.failure.text(coloured: console.errPaint.isOn))
    if console.isJSON { console.result((document ?? MigrationReport.document(error)).text(pretty: true)) }
    return isFlywayForm ? status(of: error) : error.failure.exitCode
  }

  /// Flyway's status: 1 for nearly every failure. Ended by a signal, it counts as every program does.
  static func status(of error: MigrationFailure) -> Int32 {
    if error.failure.exitCode > ExitStatus.signal(0) { return error.failure.exitCode }
    return error.isOfOtherEdition ? ExitStatus.otherEdition : ExitStatus.failed
  }
}
