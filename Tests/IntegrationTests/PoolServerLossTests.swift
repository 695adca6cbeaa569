import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("A server that goes away and comes back", .serialized) struct PoolServerLossTests {
  @Test("a backend killed by SIGKILL: its client is told, the server recovers, the pool follows by itself")
  func killedBackend() throws {
    try RestartableServer.with { server in
      try PoolProcess.with(server.target, backends: 2) { pool in
        let idle = try pool.wireClient()
        let victim = try pool.wireClient()
        #expect(try idle.query("SELECT 1").value == "1")
        let pid = try victim.query("BEGIN; SELECT pg_backend_pid()").value.flatMap { Int32($0) }
        kill(try #require(pid), SIGKILL)
        // The server has told nobody: the connection just ended. Its client hears of it when it asks next.
        let reply = try victim.query("SELECT 1")
        #expect(reply.tags == "EZ")
        #expect(reply.status == .failed)
        #expect(reply.error?.isFatal == false)
        #expect(reply.error?.sqlState == "08006")
        #expect(try victim.query("INSERT INTO goods VALUES (1)").error?.sqlState == "25P02")
        let end = try victim.query("COMMIT")
        #expect(end.tags == "CZ")
        #expect(end.status == .idle)
        let serves = try eventually { try victim.query("SELECT 1").value == "1" }
        #expect(serves)
        // The client that ran nothing has not noticed.
        let isBack = try eventually { try idle.query("SELECT 1").value == "1" }
        #expect(isBack)
        try pool.expectClean()
      }
    }
  }

  @Test("a restart: transactions under way fail, their clients' connections and idle clients just go on")
  func restart() throws {
    try RestartableServer.with { server in
      try PoolProcess.with(server.target, backends: 3) { pool in
        let idle = try (1...5).map { _ in try pool.wireClient() }
        let running = try pool.wireClient()
        for client in idle { #expect(try client.query("SET application_name = 'kept'").tags.hasSuffix("Z")) }
        #expect(try running.query("BEGIN").status == .inTransaction)
        try server.stop("fast")
        try server.start()
        let reply = try running.query("SELECT 1")
        #expect(reply.tags == "EZ")
        #expect(reply.error?.sqlState == "08006")
        #expect(reply.status == .failed)
        #expect(try running.query("ROLLBACK").status == .idle)
        #expect(try running.query("SELECT 1").value == "1")
        for client in idle { #expect(try client.query("SHOW application_name").value == "kept") }
        try pool.expectClean()
      }
    }
  }

  @Test("no server: clients wait failover_hold, then hear 57P03; when it is back they are served at once")
  func down() throws {
    try RestartableServer.with { server in
      try PoolProcess.with(server.target, backends: 2, ["--failover-hold", "1s"]) { pool in
        let client = try pool.wireClient()
        #expect(try client.query("SELECT 1").value == "1")
        try server.stop("immediate")

        let start = ContinuousClock.now
        let reply = try client.query("SELECT 2")
        let waited = ContinuousClock.now - start
        #expect(reply.tags == "EZ")
        #expect(reply.error?.sqlState == "57P03")
        #expect(reply.error?.message.hasPrefix("no server can be reached: ") == true)
        #expect(reply.error?.hint?.isEmpty == false)
        #expect(waited > .milliseconds(900))
        #expect(waited < .seconds(25))

        let newcomer = try PoolWireClient(port: pool.port)
        let error = #expect(throws: PoolWireClient.Failure.self) {
          try newcomer.logIn(pool.target, [("work_mem", "7MB")])
        }
        if case .refused(let fields)? = error {
          #expect(fields.isFatal)
          #expect(fields.sqlState == "57P03")
        }
        #expect(eventually { pool.page("/readyz")?.status == 503 })
        let reason = pool.page("/readyz")?.body ?? ""
        #expect(reason.hasPrefix("not ready: the server has been unreachable for "), "\(reason)")
        #expect(pool.page("/livez")?.status == 200)
        #expect(pool.metric("server_reachable") == 0)

        // A client that waits when the server comes back is served, without asking again.
        try server.start()
        #expect(try client.query("SELECT 3").value == "3")
        #expect(eventually { pool.page("/readyz")?.status == 200 })
        try pool.expectClean()
      }
    }
  }

  @Test("a pool may be started before its server")
  func early() throws {
    let nobody = DatabaseTarget(
      host: "127.0.0.1", port: String(try PoolProcess.freePort()), database: "shop", user: "app",
      password: Secret("secret"))
    let pool = try PoolProcess(nobody, backends: 2, ["--failover-hold", "300ms"])
    defer { if pool.process.isRunning { pool.process.send(SIGKILL) } }
    #expect(eventually { pool.page("/livez")?.status == 200 })
    #expect(pool.page("/readyz")?.status == 503)
    let client = try PoolWireClient(port: pool.port)
    let error = #expect(throws: PoolWireClient.Failure.self) { try client.logIn(pool.target) }
    if case .refused(let fields)? = error {
      #expect(fields.isFatal)
      #expect(fields.sqlState == "57P03")
      #expect(fields.message.contains("Connection refused"))
    }
    pool.process.send(SIGTERM)
    #expect(pool.process.finish().status == 0)
  }
}

/// A PostgreSQL of one test that can be stopped and started again.
final class RestartableServer {
  struct ControlFailed: Error { let output: String }

  let target: DatabaseTarget
  private let folder: String
  /// Whom the data belong to: PostgreSQL does not run as root.
  private let asOwner: [String]
  /// The server since its first restart.
  private var restarted: PoolProgram?

  static func with(_ body: (RestartableServer) throws -> Void) throws {
    let first = try EphemeralServer.start()
    defer { first.stop() }
    let server = try RestartableServer(first)
    defer { server.restarted?.end(by: SIGQUIT) }
    try body(server)
  }

  private init(_ server: EphemeralServer) throws {
    target = server.target
    folder = server.folderPath
    let owner = try FileManager.default.attributesOfItem(atPath: folder + "/data")
    if geteuid() == 0, let user = owner[.ownerAccountID], let group = owner[.groupOwnerAccountID] {
      asOwner = ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(group)", "--clear-groups"]
    } else {
      asOwner = ["/usr/bin/env"]
    }
  }

  /// Ends the server in PostgreSQL's own way (`fast`, `immediate`) and waits for that.
  func stop(_ mode: String) throws {
    let stopped = try program("pg_ctl", ["stop", "-D", folder + "/data", "-m", mode, "-w", "-s"]).finish()
    guard stopped.status == 0 else { throw ControlFailed(output: stopped.output) }
  }

  /// Starts it where it was, and waits until it answers; again, should a client of another test have had the port as
  /// its own end for a moment.
  func start() throws {
    for _ in 0..<20 {
      let server = try program("postgres", ["-D", folder + "/data", "-p", target.port ?? ""])
      restarted = server
      let answers = eventually { canConnect || !server.isRunning }
      if answers, server.isRunning { return }
    }
    throw ControlFailed(output: try restarted?.finish().output ?? "")
  }

  private var canConnect: Bool {
    guard let connection = try? target.connect() else { return false }
    connection.close()
    return true
  }

  private func program(_ name: String, _ arguments: [String]) throws -> PoolProgram {
    let command = asOwner + [try PoolProgram.postgres(name)] + arguments
    return try PoolProgram(command[0], Array(command.dropFirst()), databaseURL: "")
  }
}
