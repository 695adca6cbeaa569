import DatabaseTools
import Glibc
import LibPQ
import Migrations
import PoolServer
import Synchronization

/// `dbtool verify` from its words to its exit status.
enum VerifyFrontend {
  /// - Parameter arguments: the words after the program's name.
  /// - Returns: the exit status; nil when the words are another command's.
  static func run(_ arguments: [String]) -> Int32? {
    guard let place = arguments.firstIndex(of: "verify"),
      arguments[..<place].allSatisfy({ $0.hasPrefix("-") })
    else { return nil }
    var words = arguments
    words.remove(at: place)
    do throws(Failure) {
      let call = try VerifyWords(words)
      if call.migrate.wantsHelp {
        Console().result(VerifyHelp.text)
        return ExitStatus.done
      }
      return try run(call)
    } catch {
      FailurePrinter(arguments: arguments).show(error)
      // That there is no server is this command's failure; `ephemeral` has a status of its own for it.
      return error.exitCode == ExitStatus.ownFailure ? ExitStatus.failed : error.exitCode
    }
  }

  private static func run(_ call: VerifyWords) throws(Failure) -> Int32 {
    let line = call.migrate
    let console = Console(
      talk: line.isQuiet ? .quiet : line.isVerbose ? .verbose : .normal, isJSON: line.isJSON,
      allowsColour: line.allowsColour)
    let environment = ProcessEnvironment.current
    EphemeralServer.forgetOtherServers()
    let configuration: MigrationConfiguration
    do throws(MigrationFailure) {
      configuration = try MigrationConfiguration.load(
        line.values, environment: environment, for: DatabaseTarget())
    } catch {
      throw error.failure
    }
    for warning in configuration.warnings { console.warn(warning) }
    let preparation = try call.preparation.map { (path) throws(Failure) in
      (path: path, sql: try InputFile.bytes(of: path))
    }

    // First of all, so that every thread leaves the signals to us.
    let signals = TerminationSignals()
    let server = try EphemeralServer.start(settings: call.server, signals: signals)
    defer { if let rest = server.stop() { console.warn(rest) } }
    console.say("throwaway PostgreSQL \(server.version / 10000).\(server.version % 10000)")
    stopOnSignal(signals)
    var verifier = try Verifier(
      configuration.settings, server, seeds: call.seeds, preparation: preparation,
      another: { () throws(Failure) in try EphemeralServer.start(settings: call.server) },
      progress: { console.say($0) }, talk(console))
    let report: VerifyReport
    do throws(Failure) { report = try verifier.run() } catch {
      waitIfInterrupted()
      throw error
    }
    waitIfInterrupted()
    try show(report, call, console, environment)
    return report.isClean ? ExitStatus.done : ExitStatus.failed
  }

  private static func talk(_ console: Console) -> MigrationTalk {
    MigrationTalk(
      say: { console.detail($0) }, warn: { console.detail($0) },
      notice: { console.detail("\($0.severity.lowercased()): \($0.message)") })
  }

  /// A statement under way may take an hour: the servers go, and we with them.
  private static func stopOnSignal(_ signals: TerminationSignals) {
    startThread {
      while true {
        var watched = pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&watched, 1, -1)
        guard let arrival = signals.next() else { continue }
        isInterrupted.store(true, ordering: .releasing)
        // Stops the servers, with what runs on them, and removes them.
        exit(ExitStatus.signal(arrival.number))
      }
    }
  }

  private static let isInterrupted = Atomic(false)

  /// What fails because its server was stopped is no finding; the other thread is about to end the process.
  private static func waitIfInterrupted() {
    while isInterrupted.load(ordering: .acquiring) { pause() }
  }

  // MARK: - Showing

  private static func show(
    _ report: VerifyReport, _ call: VerifyWords, _ console: Console, _ environment: [String: String]
  ) throws(Failure) {
    if let path = call.junit { try OutputFile.write(report.junit, to: path) }
    if console.isJSON {
      console.result(report.json)
    } else {
      for line in report.lines(console.outPaint) { console.result(line) }
    }
    guard environment["GITHUB_ACTIONS"] == "true" else { return }
    let lines = report.annotations(folder: InputFile.folder, workspace: environment["GITHUB_WORKSPACE"])
    // Stdout is the document's; GitHub reads both.
    for line in lines { if console.isJSON { console.raw(line + "\n") } else { console.result(line) } }
  }
}
