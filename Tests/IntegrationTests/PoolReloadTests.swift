import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("SIGHUP reads the configuration again") struct PoolReloadTests {
  /// A pool whose users, database and limits stand in a file.
  private final class Filed {
    let pool: PoolProcess
    private let folder: TestFolder
    private let server: DatabaseTarget

    init(_ database: DatabaseTarget, _ text: (DatabaseTarget) -> String) throws {
      server = database
      folder = try TestFolder()
      let path = folder.path + "/dbtool.toml"
      try text(database).write(toFile: path, atomically: true, encoding: .utf8)
      pool = try PoolProcess(
        database, ["--config", path], variables: ["DATABASE_URL": ""], hasCap: false)
    }

    func write(_ text: (DatabaseTarget) -> String) throws {
      try text(server).write(toFile: folder.path + "/dbtool.toml", atomically: true, encoding: .utf8)
      pool.process.send(SIGHUP)
    }

    func ready() throws {
      #expect(eventually(within: .seconds(60)) { pool.page("/readyz")?.status == 200 })
    }

    func end() {
      pool.process.send(SIGTERM)
      #expect(eventually(within: .seconds(60)) { !pool.process.isRunning })
      if pool.process.isRunning { pool.process.send(SIGKILL) }
    }

    static func with(
      _ text: (DatabaseTarget) -> String, _ body: (Filed, (String) -> Bool) throws -> Void
    ) throws {
      try SharedPostgres.withDatabase { database in
        let filed = try Filed(database, text)
        defer { filed.end() }
        try filed.ready()
        try body(filed) { words in eventually { filed.pool.process.stderrSoFar.contains(words) } }
      }
    }
  }

  private static let wasRead = "configuration, users, passwords and certificates were read again"

  /// The file's text.
  private func file(
    _ database: DatabaseTarget, _ keys: String = "", user: String? = nil, password: String? = nil,
    more: String = ""
  ) -> String {
    """
    [pool]
    \(keys)
    [[pool.targets]]
    host = "\(database.host ?? "")"
    port = \(database.port ?? "")
    sslmode = "disable"
    [[pool.users]]
    name = "\(user ?? database.user ?? "")"
    password = "\(password ?? database.password?.reveal ?? "")"
    [[pool.databases]]
    name = "\(database.database ?? "")"
    \(more)
    """
  }

  @Test("limits, databases and users change without a client's losing anything")
  func changes() throws {
    try Filed.with({ file($0, "max_connections = 2") }) { filed, says in
      let pool = filed.pool
      let old = try pool.wireClient()
      #expect(try old.query("BEGIN").tags == "CZ")
      let name = pool.server.database ?? ""
      var renamed = pool.target
      renamed.database = "another"
      #expect(throws: (any Error).self) { _ = try renamed.connect() }

      try filed.write {
        file(
          $0, "max_connections = 1\nborrow_timeout = \"200ms\"",
          more: "[[pool.databases]]\nname = \"another\"\ntarget_database = \"\(name)\"")
      }
      #expect(says(Self.wasRead))
      #expect(pool.metric("max_backends") == 1)
      // Who has a backend keeps it; who comes now waits by the new limits.
      let next = try pool.wireClient()
      let refusal = try next.query("SELECT 1")
      #expect(refusal.error?.sqlState == "53300")
      #expect(refusal.error?.message == "timed out after 200 ms waiting for a database connection")
      #expect(try old.query("COMMIT").tags == "CZ")
      #expect(try renamed.connect().query("SELECT 1").first == "1")
      #expect(eventually { (try? pool.openBackends()) == 1 })

      // What is gone from the file is gone for new clients.
      try filed.write { file($0, "max_connections = 1") }
      #expect(eventually { (try? renamed.connect()) == nil })
      #expect(try old.query("SELECT 1").value == "1")
    }
  }

  @Test("a password in the file changes; a role at the server, too, whose backends are exchanged")
  func users() throws {
    try Filed.with({ file($0, "max_connections = 2") }) { filed, says in
      let pool = filed.pool
      let (role, name) = ("r" + (pool.server.database ?? ""), pool.server.database ?? "")
      let direct = try pool.direct()
      try direct.execute("CREATE ROLE \(role) LOGIN SUPERUSER PASSWORD 'another'")
      defer { try? direct.execute("DROP ROLE \(role)") }
      let client = try pool.wireClient()
      let user = pool.server.user ?? ""
      #expect(try client.query("SELECT session_user").value == user)
      let secret = filed.pool.target.password?.reveal ?? ""
      let password = NSTemporaryDirectory() + "\(name).password"
      try "another".write(toFile: password, atomically: true, encoding: .utf8)
      defer { try? FileManager.default.removeItem(atPath: password) }
      try filed.write {
        file($0, "max_connections = 2", user: user, password: secret).replacing(
          "[[pool.databases]]",
          with: "server_user = \"\(role)\"\nserver_password_file = \"\(password)\"\n[[pool.databases]]")
      }
      #expect(says(Self.wasRead))
      #expect(try client.query("SELECT session_user").value == role)
    }
  }

  @Test("a file that cannot be understood changes nothing: its place is in the log, and the pool goes on")
  func broken() throws {
    try Filed.with({ file($0, "max_connections = 2") }) { filed, says in
      let pool = filed.pool
      let client = try pool.wireClient()
      for (text, words) in [
        ("[pool]\nborrow_timeout = \"soon\"", "dbtool.toml:2: borrow_timeout"),
        ("[pool", "dbtool.toml:1: "),
        ("[pool]\nno_such_key = 1", "dbtool.toml:2: "),
      ] {
        try filed.write { _ in text }
        #expect(says(words), "\(pool.process.stderrSoFar)")
      }
      #expect(says("the configuration in use stays"))
      #expect(try client.query("SELECT 1").value == "1")
      #expect(try pool.wireClient().query("SELECT 2").value == "2")
      #expect(pool.metric("max_backends") == 2)
    }
  }

  @Test("what only a restart can change is named, and all else is changed")
  func fixed() throws {
    try Filed.with({ file($0, "max_connections = 2") }) { filed, says in
      try filed.write { file($0, "max_connections = 3\nthreads = 2\nmax_client_connections = 20000") }
      #expect(says("needs_restart"))
      #expect(says("threads, max_client_connections (above 10000)"))
      #expect(filed.pool.metric("max_backends") == 3)
    }
  }

  @Test("with several loops all of them change")
  func loops() throws {
    try Filed.with({ file($0, "max_connections = 4\nthreads = 2\nborrow_timeout = \"60s\"") }) {
      filed, says in
      let pool = filed.pool
      try filed.write { file($0, "max_connections = 1\nthreads = 2\nborrow_timeout = \"100ms\"") }
      #expect(says(Self.wasRead))
      let clients = try (0..<4).map { _ in try pool.wireClient() }
      #expect(eventually { pool.metric("max_backends") == 1 })
      #expect(try clients[0].query("BEGIN").tags == "CZ")
      for client in clients.dropFirst() {
        #expect(try client.query("SELECT 1").error?.message.hasPrefix("timed out after 100 ms") == true)
      }
      #expect(try clients[0].query("COMMIT").tags == "CZ")
    }
  }
}
