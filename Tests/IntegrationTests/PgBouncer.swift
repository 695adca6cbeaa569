import DatabaseTools
import Foundation
import LibPQ
import TestSupport

/// Debian's pgbouncer before the shared server, in a pool mode of its own.
struct PgBouncer {
  /// Where it is; nil when it is not installed.
  static let path = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// The database behind it, as its clients reach it.
  let target: DatabaseTarget
  let direct: DatabaseTarget

  struct NotReady: Error { let output: String }

  /// Calls `body` with one that has a fresh database behind it.
  /// - Parameter backends: sessions at the server, shared by all clients.
  static func with(_ mode: String, backends: Int = 3, _ body: (PgBouncer) throws -> Void) throws {
    guard let path else { return }
    try SharedPostgres.withDatabase { direct in
      let folder = FileManager.default.temporaryDirectory.appending(path: "pgbouncer-\(UUID().uuidString)")
      // It steps down from root, and must read its configuration then.
      try FileManager.default.createDirectory(
        at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
      defer { try? FileManager.default.removeItem(at: folder) }
      let port = try PoolProcess.freePort()
      let file = folder.appending(path: "pgbouncer.ini")
      try """
      [databases]
      * = host=\(direct.host ?? "") port=\(direct.port ?? "") user=\(direct.user ?? "") password=\(direct.password?.reveal ?? "")
      [pgbouncer]
      listen_addr = 127.0.0.1
      listen_port = \(port)
      unix_socket_dir =
      auth_type = any
      pool_mode = \(mode)
      default_pool_size = \(backends)
      """.write(to: file, atomically: true, encoding: .utf8)
      let user = getuid() == 0 ? ["-u", "nobody"] : []
      let process = try PoolProgram(path, user + [file.path], databaseURL: "")
      // What this process keeps from itself, its children do not get either: SIGTERM among them.
      defer { process.end(by: SIGKILL) }
      var target = direct
      target.port = "\(port)"
      let isReady = eventually { (try? target.connect()) != nil || !process.isRunning }
      guard isReady, process.isRunning else {
        process.end(by: SIGKILL)
        throw NotReady(output: try process.finish().output)
      }
      try body(PgBouncer(target: target, direct: direct))
    }
  }
}
