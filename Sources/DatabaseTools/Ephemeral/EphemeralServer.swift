private import CLinux
private import Glibc
private import LibPQ
private import Synchronization

/// A throwaway PostgreSQL of our own: a private folder, a free port, a random password, no care for the disk.
///
/// It goes away with ``stop()``, at the latest when the process exits; if the process is killed, the kernel
/// stops the server and the next start removes its folder.
package final class EphemeralServer: Sendable {
  /// The superuser `postgres` and the database `postgres`, over TCP on 127.0.0.1.
  package let target: DatabaseTarget
  /// `150018` for 15.18.
  package let version: Int
  /// How long the start took.
  package let startTime: Duration
  /// Where its programs are.
  let binaries: ServerBinaries
  private let folder: PrivateFolder
  private let process: ChildProcess
  private let isStopped = Mutex(false)

  private init(
    target: DatabaseTarget, version: Int, startTime: Duration, binaries: ServerBinaries,
    folder: PrivateFolder,
    process: ChildProcess
  ) {
    self.target = target
    self.version = version
    self.startTime = startTime
    self.binaries = binaries
    self.folder = folder
    self.process = process
  }

  /// Starts a server and waits until it answers.
  /// - Parameter signals: when one comes while starting, the start is given up.
  /// - Throws: `Failure` with exit status 125, or 128 + n after a signal; nothing is left behind.
  package static func start(
    settings: EphemeralSettings = EphemeralSettings(), signals: TerminationSignals? = nil
  ) throws(Failure) -> EphemeralServer {
    let began = ContinuousClock.now
    let environment = ProcessEnvironment.current
    let binaries = try ServerBinaries.find(explicit: settings.binaries, path: environment["PATH"] ?? "")
    let user = try SystemUser.stepDown()
    let parents = PrivateFolder.parents(explicit: settings.parentFolder, environment: environment)
    AbandonedServers.clean(in: parents, owner: user)

    let folder = try PrivateFolder(inFirstOf: parents, owner: user)
    do throws(Failure) {
      let start = EphemeralStart(
        folder: folder, binaries: binaries, user: user, environment: environment, signals: signals)
      let ready = try start.run(settings.parameters)
      let server = EphemeralServer(
        target: ready.target, version: ready.version, startTime: .now - began, binaries: binaries,
        folder: folder, process: ready.process)
      EphemeralRegistry.add(server)
      return server
    } catch {
      _ = folder.remove()
      throw error
    }
  }

  deinit { stop() }

  /// Stops the server at once and removes its folder; a second call does nothing.
  /// - Returns: nil, or what is still there and why.
  @discardableResult
  package func stop() -> String? {
    let isFirst = isStopped.withLock { stopped in
      defer { stopped = true }
      return !stopped
    }
    guard isFirst else { return nil }
    // Immediate shutdown: the data go anyway. Its children end before it does.
    process.send(SIGQUIT)
    if !process.waitForEnd(atMost: .seconds(10)) {
      process.send(SIGKILL)
      _ = process.waitForEnd(atMost: .seconds(10))
    }
    EphemeralRegistry.remove(self)
    return folder.remove()
  }

  /// Readable when the server has ended, which it does not by itself; for `poll`.
  package var endDescriptor: Int32 { process.endDescriptor }

  /// The private folder, with the socket in it.
  package var folderPath: String { folder.path }

  /// The server's last words.
  package var logTail: [String] { LogFile.tail(of: folder.path + "/server.log") }
}

/// The servers of this process that still run, so that a plain `exit` stops them.
private enum EphemeralRegistry {
  private static let running = Mutex<[EphemeralServer]>([])
  private static let atExit: Void = {
    atexit { EphemeralRegistry.stopAll() }
  }()

  static func add(_ server: EphemeralServer) {
    atExit
    running.withLock { $0.append(server) }
  }

  static func remove(_ server: EphemeralServer) {
    running.withLock { $0.removeAll { $0 === server } }
  }

  private static func stopAll() {
    for server in running.withLock({ $0 }) { server.stop() }
  }
}
