private import CLinux
private import Glibc
private import LibPQ

/// The steps from an empty private folder to a server that answers.
struct EphemeralStart {
  let folder: PrivateFolder
  let binaries: ServerBinaries
  let user: SystemUser?
  let environment: [String: String]
  let signals: TerminationSignals?

  struct Ready {
    let target: DatabaseTarget
    let version: Int
    let process: ChildProcess
  }

  private static let superuser = "postgres"
  private var data: String { folder.path + "/data" }
  private var log: String { folder.path + "/server.log" }

  /// - Parameter parameters: the user's settings.
  func run(_ parameters: [(name: String, value: String)]) throws(Failure) -> Ready {
    let password = Self.randomPassword()
    try initialise(password)
    try append(Self.configuration(parameters, socketFolder: folder.path), to: data + "/postgresql.conf")

    // Between choosing a free port and the server's taking it, another program may be faster.
    for _ in 0..<20 {
      let port = try Self.freePort()
      let process = try spawn(
        binaries.postgres, ["-D", data, "-p", String(port)], log: log, deathSignal: SIGQUIT)
      do throws(Failure) {
        if let version = try waitUntilReady(process, port, password) {
          return Ready(target: Self.target(port, password), version: version, process: process)
        }
      } catch {
        process.send(SIGQUIT)
        if !process.waitForEnd(atMost: .seconds(10)) { process.send(SIGKILL) }
        throw error
      }
      unlink(log)
    }
    throw Failure("twenty free ports in a row were lost to other programs", exitCode: ExitStatus.ownFailure)
  }

  static func target(_ port: UInt16, _ password: String) -> DatabaseTarget {
    DatabaseTarget(
      host: "127.0.0.1", port: String(port), database: "postgres", user: superuser,
      password: Secret(password),
      // The address too: a PGHOSTADDR from outside would win over the host.
      parameters: ["hostaddr": "127.0.0.1", "sslmode": "disable", "gssencmode": "disable"])
  }

  /// No care for the disk: the data are gone after a crash in any case. The user's settings come last, and
  /// the last of a name counts. Source: PostgreSQL manual, "Non-Durable Settings".
  static func configuration(_ parameters: [(name: String, value: String)], socketFolder: String) -> String {
    let ours = [
      ("listen_addresses", "127.0.0.1"), ("unix_socket_directories", socketFolder),
      ("unix_socket_permissions", "0700"), ("logging_collector", "off"), ("log_destination", "stderr"),
      ("lc_messages", "C"), ("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"),
      ("max_wal_size", "4GB"), ("checkpoint_timeout", "30min"), ("cluster_name", "dbtool"),
    ]
    return (ours + parameters.map { ($0.name, $0.value) }).map { name, value in
      let quoted = value.map { $0 == "'" ? "''" : $0 == "\\" ? "\\\\" : String($0) }.joined()
      return "\(name) = '\(quoted)'\n"
    }.joined()
  }

  // MARK: - Steps

  private func initialise(_ password: String) throws(Failure) {
    let passwordFile = folder.path + "/password"
    try append(password + "\n", to: passwordFile)
    if let user, chown(passwordFile, user.id, user.group) != 0 {
      throw systemFailure("cannot give a file to user \(user.name)")
    }
    let locale = clinux_has_locale("C.UTF-8") ? "C.UTF-8" : "C"
    let log = folder.path + "/initdb.log"
    let process = try spawn(
      binaries.initdb,
      [
        "-D", data, "-U", Self.superuser, "--pwfile", passwordFile, "-A", "scram-sha-256", "-E", "UTF8",
        "--locale=\(locale)", "-N",
      ], log: log, deathSignal: SIGTERM)
    do throws(Failure) {
      while try !pause(until: process, .seconds(60)) {}
    } catch {
      process.send(SIGTERM)
      if !process.waitForEnd(atMost: .seconds(10)) { process.send(SIGKILL) }
      throw error
    }
    unlink(passwordFile)
    guard process.exitStatus == 0 else {
      throw failure("initdb failed", related: LogFile.tail(of: log))
    }
  }

  /// - Returns: the server's version; nil when the port was lost to another program.
  private func waitUntilReady(
    _ process: ChildProcess, _ port: UInt16, _ password: String
  ) throws(Failure) -> Int? {
    let target = Self.target(port, password)
    let deadline = ContinuousClock.now + .seconds(60)
    var refusal = "it is still starting"
    while true {
      // Behind the port there may be another's server; the file in the private folder can only be ours.
      if saysReady {
        do throws(ConnectionFailure) {
          let connection = try Connection(target.libpqParameters(applicationName: "dbtool"))
          defer { connection.close() }
          return connection.serverVersion
        } catch {
          refusal = error.message
        }
      }
      if try pause(until: process, .milliseconds(10)) {
        let words = LogFile.tail(of: log)
        if words.contains(where: {
          $0.contains("could not bind") || $0.contains("could not create any TCP/IP")
        }) {
          return nil
        }
        throw failure("the throwaway server did not start", related: words)
      }
      guard ContinuousClock.now < deadline else {
        throw failure(
          "the throwaway server did not answer within 60 s: \(refusal)", related: LogFile.tail(of: log))
      }
    }
  }

  /// Whether the eighth line of `postmaster.pid` is `ready`. Source: PostgreSQL's `utils/pidfile.h`, as `pg_ctl`
  /// waits for it, since version 10.
  private var saysReady: Bool {
    let lines = LogFile.head(of: data + "/postmaster.pid").split(
      separator: "\n", omittingEmptySubsequences: false)
    return lines.count > 7 && lines[7].hasPrefix("ready")
  }

  /// Waits until the process has ended, or for so long.
  /// - Returns: whether it has ended.
  /// - Throws: `Failure` when a signal says to give up.
  private func pause(until process: ChildProcess, _ limit: Duration) throws(Failure) -> Bool {
    var watched = [pollfd(fd: process.endDescriptor, events: Int16(POLLIN), revents: 0)]
    if let signals { watched.append(pollfd(fd: signals.descriptor, events: Int16(POLLIN), revents: 0)) }
    _ = poll(&watched, nfds_t(watched.count), Int32(limit / .milliseconds(1)))
    if let arrival = signals?.next() {
      throw Failure(
        "interrupted by signal \(arrival.number) while the throwaway server was starting; it has been removed",
        exitCode: ExitStatus.signal(arrival.number))
    }
    return process.exitStatus != nil
  }

  private func spawn(
    _ program: String, _ arguments: [String], log: String, deathSignal: Int32
  ) throws(Failure) -> ChildProcess {
    let output = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard output >= 0 else { throw systemFailure("\(log) cannot be written") }
    defer { close(output) }
    // Only what the programs need: PG* and LC_* of ours would change what they do.
    var variables = ["LC_ALL": "C", "PATH": environment["PATH"] ?? "/usr/bin:/bin"]
    for name in ["LD_LIBRARY_PATH", "TZ", "TZDIR"] { variables[name] = environment[name] }
    do throws(ChildProcess.StartFailure) {
      return try ChildProcess(
        starting: .init(
          program: program, arguments: arguments, environment: variables, folder: folder.path, user: user,
          output: output, deathSignal: deathSignal))
    } catch {
      let name = user?.name ?? "this user"
      switch error {
      case .resources: throw failure("\(program) cannot be started: \(error.reason)")
      case .stepDown: throw failure("root cannot become user \(name): \(error.reason)")
      case .folder: throw failure("user \(name) cannot enter \(folder.path): \(error.reason)")
      case .program: throw failure("user \(name) cannot run \(program): \(error.reason)")
      }
    }
  }

  // MARK: - Small things

  private func append(_ text: String, to path: String) throws(Failure) {
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw systemFailure("\(path) cannot be written") }
    defer { close(file) }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = write(file, Array(rest), rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw systemFailure("\(path) cannot be written") }
      rest = rest.dropFirst(count)
    }
  }

  /// A port of 127.0.0.1 that nobody has at this moment.
  private static func freePort() throws(Failure) -> UInt16 {
    guard let port = UInt16(exactly: clinux_free_port()), port > 0 else {
      throw Failure("127.0.0.1 has no free port", exitCode: ExitStatus.ownFailure)
    }
    return port
  }

  /// 128 random bits from the system, as hexadecimal digits: safe in URLs, files and shells.
  private static func randomPassword() -> String {
    var system = SystemRandomNumberGenerator()
    return (0..<2).map { _ in
      let digits = String(system.next() as UInt64, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  private func failure(_ what: String, related: [String] = []) -> Failure {
    Failure(what, related: related, exitCode: ExitStatus.ownFailure)
  }

  private func systemFailure(_ what: String) -> Failure {
    failure("\(what): \(String(cString: strerror(errno)))")
  }
}
