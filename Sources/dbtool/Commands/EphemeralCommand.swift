import ArgumentParser
import DatabaseTools
import Glibc

/// `dbtool ephemeral -- CMD…`: runs a command with a throwaway PostgreSQL around it.
struct EphemeralCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ephemeral",
    abstract: "Runs a command with a throwaway PostgreSQL.",
    usage: "dbtool ephemeral [--set <name=value> …] [--postgres-bin <dir>] -- <command> …",
    discussion: """
      DATABASE_URL and PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE are set for the command. The server is \
      removed when the command ends.

      The command's exit status is passed on: 128+n when a signal ended it, 126 when it cannot \
      be executed, 127 when there is no such command, 125 when there is no server. stdin and stdout are the \
      command's, so --json changes only how this tool's own failures are shown.

      Example: dbtool ephemeral --set max_connections=200 -- psql -c 'SELECT version()'
      """)

  @Option(
    help: ArgumentHelp("A server setting; may be given several times.", valueName: "name=value"))
  var set: [String] = []

  @Option(
    help: ArgumentHelp(
      "The folder with initdb and postgres. Default: PATH, then /usr/lib/postgresql/*/bin, the newest first.",
      valueName: "dir"))
  var postgresBin: String?

  @OptionGroup var global: GlobalOptions

  @Argument(
    parsing: .postTerminator, help: ArgumentHelp("The command and its arguments.", valueName: "command"))
  var command: [String] = []

  func validate() throws {
    if command.isEmpty {
      throw ValidationError("no command: it goes behind -- as in 'dbtool ephemeral -- psql'")
    }
  }

  func run() throws {
    let signals = TerminationSignals()
    let console = global.console
    var settings = EphemeralSettings(binaries: postgresBin)
    for assignment in set { try settings.set(assignment) }
    let outer = ProcessEnvironment.current
    try refuseIfMissing(outer)
    EphemeralServer.forgetOtherServers()

    let server = try EphemeralServer.start(settings: settings, signals: signals)
    let seconds = Double(Int(server.startTime / .milliseconds(10))) / 100
    console.say(
      "throwaway PostgreSQL \(server.version / 10000).\(server.version % 10000) on 127.0.0.1:"
        + "\(server.target.port ?? "") after \(seconds) s")
    console.detail("its folder is \(server.folderPath)")
    let status: Int32
    do {
      if let arrival = signals.next() {
        throw Failure("interrupted by signal \(arrival.number)", exitCode: ExitStatus.signal(arrival.number))
      }
      let child = try start(server.environment(over: outer))
      status = EphemeralWatch(child: child, server: server, signals: signals, console: console).untilEnd()
    } catch {
      server.stop()
      throw error
    }
    if let rest = server.stop() { console.warn(rest) }
    throw ExitCode(status)
  }

  /// Before two seconds go into a server that nobody will use.
  private func refuseIfMissing(_ environment: [String: String]) throws(Failure) {
    guard let program = command.first else { return }
    switch ProgramSearch.look(for: program, path: environment["PATH"] ?? "/usr/bin:/bin") {
    case .found: return
    case .notExecutable:
      throw Failure("\(program) cannot be executed", exitCode: ExitStatus.notExecutable)
    case .notFound:
      throw Failure("\(program): no such command", exitCode: ExitStatus.notFound)
    }
  }

  private func start(_ environment: [String: String]) throws(Failure) -> ChildProcess {
    let program = command.first ?? ""
    do throws(ChildProcess.StartFailure) {
      return try ChildProcess(
        starting: .init(
          program: program, arguments: Array(command.dropFirst()), environment: environment,
          deathSignal: SIGTERM))
    } catch {
      let status: Int32 =
        switch error {
        case .program(let code): code == ENOENT ? ExitStatus.notFound : ExitStatus.notExecutable
        case .resources, .stepDown, .folder: ExitStatus.ownFailure
        }
      throw Failure("\(program) cannot be executed: \(error.reason)", exitCode: status)
    }
  }
}

/// Waits for the command while passing signals on to it.
private struct EphemeralWatch {
  let child: ChildProcess
  let server: EphemeralServer
  let signals: TerminationSignals
  let console: Console

  /// - Returns: the exit status: the command's, or 128 + n when signal n told us to end.
  func untilEnd() -> Int32 {
    var told: Int32?
    var serverIsWatched = true
    while true {
      if let status = child.exitStatus { return told.map { ExitStatus.signal($0) } ?? status }
      var watched = [child.endDescriptor, signals.descriptor].map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      if serverIsWatched {
        watched.append(pollfd(fd: server.endDescriptor, events: Int16(POLLIN), revents: 0))
      }
      _ = poll(&watched, nfds_t(watched.count), -1)
      if serverIsWatched, watched[2].revents != 0 {
        // The command may still have something to say, so its status counts; but its reader should know.
        serverIsWatched = false
        console.warn(
          (["the throwaway PostgreSQL ended before the command did"] + server.logTail).joined(
            separator: "\n  "))
      }
      while let arrival = signals.next() {
        // A key press has reached the command too, and what it means there (psql: stop the query) is its affair.
        if arrival.isFromTerminal { continue }
        // Who asks twice does not want to wait.
        child.send(told == nil ? arrival.number : SIGKILL)
        told = told ?? arrival.number
      }
    }
  }
}
