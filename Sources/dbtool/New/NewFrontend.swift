import DatabaseTools
import Migrations

/// `dbtool new` from its words to its exit status.
enum NewFrontend {
  /// - Parameter arguments: the words after the program's name.
  /// - Returns: the exit status; nil when the words are another command's.
  static func run(_ arguments: [String]) -> Int32? {
    guard let place = arguments.firstIndex(of: "new"), arguments[..<place].allSatisfy({ $0.hasPrefix("-") })
    else { return nil }
    var words = arguments
    words.remove(at: place)
    do throws(Failure) {
      let call = try NewWords(words)
      if call.migrate.wantsHelp {
        Console().result(NewHelp.text)
      } else {
        try run(call)
      }
      return ExitStatus.done
    } catch {
      FailurePrinter(arguments: arguments).show(error)
      return error.exitCode
    }
  }

  private static func run(_ call: NewWords) throws(Failure) {
    let line = call.migrate
    let console = Console(
      talk: line.isQuiet ? .quiet : line.isVerbose ? .verbose : .normal, isJSON: line.isJSON,
      allowsColour: line.allowsColour)
    let configuration: MigrationConfiguration
    do throws(MigrationFailure) {
      configuration = try MigrationConfiguration.load(
        line.values, environment: ProcessEnvironment.current, for: DatabaseTarget())
    } catch {
      throw error.failure
    }
    for warning in configuration.warnings { console.warn(warning) }
    let created = try MigrationFiles.create(call.request, configuration.settings)
    if console.isJSON { console.result(document(created)) } else { console.result(created.path) }
  }

  private static func document(_ created: MigrationFiles.Created) -> JSONValue {
    let version: String?
    let type: MigrationType
    switch created.migration.name {
    case .versioned(let raw, _, _): (version, type) = (raw, .sql)
    case .undo(let raw, _, _): (version, type) = (raw, .undoSQL)
    case .baseline, .repeatable, .callback, .invalid: (version, type) = (nil, .sql)
    }
    return .object([
      .init("file", .string(created.migration.fileName)), .init("filepath", .string(created.absolutePath)),
      .init("operation", .string("new")), .init("type", .string(type.rawValue)),
      .init("version", version.map { .string($0) } ?? .null),
    ])
  }
}
