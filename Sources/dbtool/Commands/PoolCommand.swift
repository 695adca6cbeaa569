import ArgumentParser
import DatabaseTools
import Glibc
import Logging
import PoolServer

/// `dbtool pool`: the connection multiplexer; runs until it is told to drain.
struct PoolCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pool",
    abstract: "Lets many clients share few PostgreSQL connections.",
    usage: "dbtool pool [--config <file>] [--<key> <value> …]",
    discussion: """
      The shortest form: DATABASE_URL=postgres://app:secret@db/shop dbtool pool
      Clients then connect to 127.0.0.1:6432 with the same user, password and database.

      Each key of the file's [pool] table is also a flag and a variable; flag, then variable, then file, then default. \
      Servers, users and databases are named in the file; without it, DATABASE_URL or PG* name the one server and \
      user. A duration is a number and ms, s, m, h or d; 0 turns a limit off.

      SIGTERM or SIGINT drains and ends with status 0; a second one ends at once. SIGHUP reads the configuration, \
      secrets and certificates again.
      """,
    subcommands: [PoolCheckCommand.self, PoolTopCommand.self])

  @Option(
    help: ArgumentHelp(
      "The configuration. Default: dbtool.toml in this folder, when there is one.", valueName: "file"),
    completion: .file(extensions: ["toml"]))
  var config: String?

  @OptionGroup var global: GlobalOptions
  @OptionGroup(title: "Keys") var flags: PoolFlags

  func run() throws {
    let configuration = try PoolConfiguration(
      flags: flags.values(), environment: ProcessEnvironment.current, document: Self.document(config))
    let format = global.json ? .json : configuration.logFormat
    // With --json the events are what the command has to tell, so they are its results.
    format.bootstrap(
      level: global.quiet ? .error : global.verbose ? .debug : .info,
      to: global.json ? STDOUT_FILENO : STDERR_FILENO)
    let logger = Logger(label: "pool")
    announce(configuration, format, logger)
    let inheritance = Inheritance(ProcessEnvironment.current, process: getpid())
    let (named, given) = (config, try flags.values())
    let status: Int32
    do {
      status = try PoolServer.run(
        settings: configuration.settings, logger: logger, source: { Self.settings(named, given) },
        inheritance: inheritance, successor: Self.successor)
    } catch {
      throw Self.failure(error)
    }
    if status != ExitStatus.done { throw ExitCode(status) }
  }

  /// This process once more; its executable by path, so that it may be a newer one.
  private static var successor: Successor? {
    guard let program = realpath("/proc/self/exe", nil) else { return nil }
    defer { free(program) }
    return Successor(
      program: String(cString: program), arguments: CommandLine.arguments,
      variables: ProcessEnvironment.current)
  }

  /// The configuration as it is now, for a pool that runs.
  private static func settings(
    _ config: String?, _ flags: [String: PoolValue]
  ) -> Result<PoolSettings, PoolStartError> {
    do throws(Failure) {
      let configuration = try PoolConfiguration(
        flags: flags, environment: ProcessEnvironment.current, document: document(config))
      return .success(configuration.settings)
    } catch {
      return .failure(
        PoolStartError(
          error.what, hint: error.hint ?? "dbtool pool check tells what is wrong",
          file: error.place?.file, line: error.place?.line))
    }
  }

  static func failure(_ error: PoolStartError) -> Failure {
    let place = error.file.map { Failure.Place(file: $0, line: error.line) }
    return Failure(error.message, place: place, hint: error.hint)
  }

  /// - Parameter config: the file that `--config` names.
  static func document(_ config: String?) throws(Failure) -> PoolDocument? {
    guard let config else { return try PoolDocument.reading("dbtool.toml") }
    guard !config.hasSuffix(".ini") else {
      throw .usage(
        "\(config) is a configuration of PgBouncer's",
        hint: "dbtool pool check --convert \(config) > dbtool.toml makes one for this pool")
    }
    guard let document = try PoolDocument.reading(config) else {
      throw .usage(
        "\(config): no such file", hint: "--config names the configuration; without it, dbtool.toml is read")
    }
    return document
  }

  /// Says what is about to happen, in the log's form, so that a program that reads JSON lines finds nothing else.
  private func announce(_ configuration: PoolConfiguration, _ format: LogFormat, _ logger: Logger) {
    let facts = PoolSummary(configuration.settings)
    switch format {
    case .text:
      for note in configuration.notes { global.console.warn(note) }
      for line in facts.lines { global.console.say(line) }
    case .json:
      for note in configuration.notes { logger.warning("\(note)") }
      logger.info(
        "configured",
        metadata: [
          "server": "\(facts.server)", "users": .array(facts.users.map { "\($0)" }),
          "listen": .array(facts.listeners.map { "\($0)" }), "http": "\(facts.http ?? "off")",
          "cap": "\(facts.cap)",
        ])
    }
  }
}
