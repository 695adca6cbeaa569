import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

// What the pool remembers of a login makes the next one cheap; it must not make it another one.
@Suite("The same login again") struct PoolRepeatedLoginTests {
  private func settings(_ client: PoolWireClient) throws -> [String] {
    try ["application_name", "work_mem", "TimeZone", "DateStyle"].map {
      try client.query("SHOW \($0)").value ?? ""
    }
  }

  @Test("tells every client the same parameters and gives it the same settings, with its own key")
  func same() throws {
    try PoolProcess.with(backends: 2) { pool in
      let startup = [
        (name: "application_name", value: "web"), (name: "TimeZone", value: "Asia/Tokyo"),
        (name: "options", value: "-c work_mem=5MB -c DateStyle=German"),
      ]
      func client() throws -> PoolWireClient {
        let client = try PoolWireClient(port: pool.port)
        try client.logIn(pool.target, startup)
        return client
      }
      let first = try client()
      #expect(first.parameters["TimeZone"] == "Asia/Tokyo" && first.parameters["application_name"] == "web")
      #expect(try settings(first) == ["web", "5MB", "Asia/Tokyo", "German, DMY"])
      #expect(try first.query("SET work_mem = '6MB'").tags == "CZ")
      for _ in 0..<3 {
        let next = try client()
        #expect(next.parameters == first.parameters)
        #expect(next.key.processID != first.key.processID && next.key.key != first.key.key)
        #expect(try settings(next) == ["web", "5MB", "Asia/Tokyo", "German, DMY"])
      }
      // Others are told their own.
      let other = try pool.wireClient(("application_name", "web"), ("TimeZone", "Europe/Paris"))
      #expect(other.parameters["TimeZone"] == "Europe/Paris")
      #expect(try settings(other)[2] == "Europe/Paris")
      #expect(try settings(first) == ["web", "6MB", "Asia/Tokyo", "German, DMY"])
    }
  }

  @Test("opens nothing to a wrong password, nor to a user or password that has gone from its file")
  func refused() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "logins-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try EncryptedPostgres.with { server, _ in
      let direct = try server.connect()
      try direct.execute("CREATE ROLE app LOGIN PASSWORD 'one'; CREATE ROLE other LOGIN PASSWORD 'one'")
      let path = folder.appending(path: "userlist.txt").path
      func list(_ text: String) throws { try text.write(toFile: path, atomically: true, encoding: .utf8) }
      try list("\"app\" \"one\"\n\"other\" \"one\"\n")
      try PoolProcess.with(server, ["--auth-file", path]) { pool in
        func refusal(_ user: String, _ password: String) -> String? {
          do {
            _ = try pool.wireClientOf(user, password)
            return nil
          } catch {
            guard case .refused(let fields)? = error as? PoolWireClient.Failure else { return "\(error)" }
            return fields.sqlState
          }
        }
        for _ in 0..<3 {
          #expect(refusal("app", "one") == nil)
          #expect(refusal("app", "two") == "28P01")
          #expect(refusal("other", "one") == nil)
        }
        try list("\"other\" \"one\"\n")
        #expect(refusal("app", "one") == "28P01")
        #expect(refusal("other", "one") == nil)
        try list("\"app\" \"one\"\n\"other\" \"one\"\n")
        #expect(refusal("app", "one") == nil)
      }
    }
  }

  @Test("after a client that left what no text shows, its backend is cleaned soon, though nobody comes")
  func leftovers() throws {
    try PoolProcess.with(backends: 1) { pool in
      let direct = try pool.direct()
      try direct.execute(
        """
        CREATE FUNCTION take() RETURNS int LANGUAGE sql AS 'SELECT pg_advisory_lock(4711); SELECT 1';
        CREATE VIEW locked AS SELECT take()
        """)
      let locks = """
        SELECT count(*) FROM pg_locks JOIN pg_database AS d ON d.oid = database
        WHERE locktype = 'advisory' AND objid = 4711 AND datname = current_database()
        """
      let client = try pool.wireClient()
      #expect(try client.query("SELECT * FROM locked").value == "1")
      #expect(try direct.query(locks).first == "1")
      client.close()
      #expect(eventually { (try? direct.query(locks).first) == "0" })
      // Or at once, by the next one's way in.
      let next = try pool.wireClient()
      #expect(try next.query("SELECT * FROM locked").value == "1")
      next.close()
      #expect(try pool.wireClient().query(locks).value == "0")
    }
  }
}
