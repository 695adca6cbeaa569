import ArgumentParser
import DatabaseTools

/// The migration commands as ArgumentParser's list shows them. Their words are read by ``FlywayFrontend``,
/// because Flyway's form (`-url=…`) is none that ArgumentParser takes.
protocol MigrationCommand: ParsableCommand {
  static var verb: String { get }
  var words: [String] { get }
}

extension MigrationCommand {
  static var migrationConfiguration: CommandConfiguration {
    CommandConfiguration(
      commandName: verb, abstract: FlywayHelp.overview(verb), discussion: FlywayHelp.options)
  }

  func run() throws {
    if let status = FlywayFrontend.run([Self.verb] + words), status != ExitStatus.done {
      throw ExitCode(status)
    }
  }
}

struct MigrateCommand: MigrationCommand {
  static let verb = "migrate"
  static let configuration = migrationConfiguration
  @Argument(parsing: .allUnrecognized, help: .hidden) var words: [String] = []
}

struct InfoCommand: MigrationCommand {
  static let verb = "info"
  static let configuration = migrationConfiguration
  @Argument(parsing: .allUnrecognized, help: .hidden) var words: [String] = []
}

struct ValidateCommand: MigrationCommand {
  static let verb = "validate"
  static let configuration = migrationConfiguration
  @Argument(parsing: .allUnrecognized, help: .hidden) var words: [String] = []
}

struct BaselineCommand: MigrationCommand {
  static let verb = "baseline"
  static let configuration = migrationConfiguration
  @Argument(parsing: .allUnrecognized, help: .hidden) var words: [String] = []
}

struct RepairCommand: MigrationCommand {
  static let verb = "repair"
  static let configuration = migrationConfiguration
  @Argument(parsing: .allUnrecognized, help: .hidden) var words: [String] = []
}

struct UndoCommand: MigrationCommand {
  static let verb = "undo"
  static let configuration = migrationConfiguration
  @Argument(parsing: .allUnrecognized, help: .hidden) var words: [String] = []
}

struct CleanCommand: MigrationCommand {
  static let verb = "clean"
  static let configuration = migrationConfiguration
  @Argument(parsing: .allUnrecognized, help: .hidden) var words: [String] = []
}
