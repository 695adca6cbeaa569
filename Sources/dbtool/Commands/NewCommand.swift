import ArgumentParser
import DatabaseTools

/// `dbtool new` as ArgumentParser's list shows it. Its words are read by ``NewFrontend``, because it takes the options
/// that say where migrations are and how they are named, in Flyway's form too.
struct NewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: NewHelp.overview, discussion: NewHelp.options)

  @Argument(parsing: .allUnrecognized, help: .hidden) var words: [String] = []

  func run() throws {
    if let status = NewFrontend.run(["new"] + words), status != ExitStatus.done { throw ExitCode(status) }
  }
}
