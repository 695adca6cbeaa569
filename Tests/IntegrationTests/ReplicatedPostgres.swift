import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

/// A server that can be replicated in every way, one for all tests of a process.
enum ReplicatedPostgres {
  private static let started: Result<EphemeralServer, Failure> = {
    do throws(Failure) {
      let parameters = [
        ("wal_level", "logical"), ("max_wal_senders", "20"), ("max_replication_slots", "20"),
        // Tests beside each other end many segments.
        ("wal_keep_size", "4GB"),
      ]
      return .success(try EphemeralServer.start(settings: EphemeralSettings(parameters: parameters)))
    } catch {
      return .failure(error)
    }
  }()

  static var target: DatabaseTarget {
    get throws { try started.get().target }
  }

  /// `body` beside a pool in front of it, in a database of its own.
  static func pool(
    _ name: String, backends: Int = 4, _ flags: String..., body: (PoolProcess) throws -> Void
  ) throws {
    let connection = try target.connect()
    try connection.execute("CREATE DATABASE \(name)")
    defer { try? connection.execute("DROP DATABASE \(name) WITH (FORCE)") }
    try PoolProcess.with(database(name), backends: backends, flags, body)
  }

  static func database(_ name: String) throws -> DatabaseTarget {
    var target = try target
    target.database = name
    return target
  }
}

/// A server made of another's base backup.
final class CopiedPostgres {
  let target: DatabaseTarget
  private let process: ChildProcess
  private let log: FileHandle
  private let path: String

  /// Starts `postgres` in the data folder `data`, as whoever may.
  init(data: String, _ original: DatabaseTarget) throws {
    let user: SystemUser? = geteuid() == 0 ? SystemUser(named: "postgres") : nil
    if let user {
      let owner = try PoolProgram(
        "/bin/chown", ["-R", "\(user.id):\(user.group)", data], databaseURL: ""
      ).finish()
      #expect(owner.status == 0)
    }
    let port = try PoolProcess.freePort()
    path = data + "/postgres.log"
    try Data().write(to: URL(filePath: path))
    log = try FileHandle(forWritingTo: URL(filePath: path))
    process = try ChildProcess(
      starting: ChildProcess.Description(
        program: PoolProgram.postgres("postgres"),
        arguments: ["-D", data, "-p", String(port), "-c", "unix_socket_directories="],
        environment: ["PATH": "/usr/bin:/bin"], folder: data, user: user, output: log.fileDescriptor,
        deathSignal: SIGQUIT))
    var target = original
    target.port = String(port)
    self.target = target
  }

  /// What it has said so far.
  var words: String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

  deinit {
    process.send(SIGQUIT)
    if !process.waitForEnd(atMost: .seconds(10)) { process.send(SIGKILL) }
    _ = process.waitForEnd(atMost: .seconds(10))
  }
}
