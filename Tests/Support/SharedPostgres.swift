package import DatabaseTools
private import LibPQ
private import Synchronization

/// One throwaway server for all tests of a process; it goes away when the process exits.
package enum SharedPostgres {
  private static let started: Result<EphemeralServer, Failure> = {
    do throws(Failure) {
      let parameters = [("max_connections", "300"), ("max_prepared_transactions", "10")]
      return .success(try EphemeralServer.start(settings: EphemeralSettings(parameters: parameters)))
    } catch {
      return .failure(error)
    }
  }()
  private static let counter = Atomic(0)

  /// The server; started at the first call.
  package static var server: EphemeralServer {
    get throws { try started.get() }
  }

  /// Calls `body` with a fresh, empty database that is dropped afterwards.
  package static func withDatabase<Answer>(
    _ body: (DatabaseTarget) throws -> Answer
  ) throws -> Answer {
    let target = try create()
    defer { drop(target) }
    return try body(target)
  }

  /// As the synchronous form, for tests that wait for tasks.
  package static func withDatabase<Answer>(
    _ body: (DatabaseTarget) async throws -> Answer
  ) async throws -> Answer {
    let target = try create()
    defer { drop(target) }
    return try await body(target)
  }

  private static func create() throws -> DatabaseTarget {
    var target = try server.target
    let connection = try target.connect()
    let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
    let name = "test_\(number)"
    try connection.execute("CREATE DATABASE \(name)")
    target.database = name
    return target
  }

  private static func drop(_ target: DatabaseTarget) {
    guard let server = try? server, let name = target.database, let connection = try? server.target.connect()
    else { return }
    // What a failing test left connected must not keep the database; if it cannot be dropped, the server goes
    // away soon in any case.
    try? connection.execute("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
  }
}

extension DatabaseTarget {
  /// The URL of this database with its password, for a command line or `DATABASE_URL` in a test.
  package var testURL: String { testURL("sslmode=disable") }

  /// The same with other parameters: `sslmode=require`.
  package func testURL(_ parameters: String) -> String {
    let login = "\(user ?? ""):\(password?.reveal ?? "")"
    return "postgresql://\(login)@\(host ?? ""):\(port ?? "")/\(database ?? "")?\(parameters)"
  }
}
