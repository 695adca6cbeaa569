import ArgumentParser
import DatabaseTools

/// `dbtool verify` as ArgumentParser's list shows it. Its words are read by ``VerifyFrontend``, because it takes
/// every option that `migrate` takes, in Flyway's form too.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: VerifyHelp.overview, discussion: VerifyHelp.options)

  @Argument(parsing: .allUnrecognized, help: .hidden) var words: [String] = []

  func run() throws {
    if let status = VerifyFrontend.run(["verify"] + words), status != ExitStatus.done {
      throw ExitCode(status)
    }
  }
}
