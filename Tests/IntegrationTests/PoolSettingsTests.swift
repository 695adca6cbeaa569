import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Settings follow their client through the pool") struct PoolSettingsTests {
  @Test("search_path, statement_timeout and a custom name: each client has its own, a new one has none")
  func follow() throws {
    try PoolProcess.with(backends: 3) { pool in
      let clients = try (1...9).map { _ in try pool.connect() }
      for (number, client) in clients.enumerated() {
        try client.execute("SET search_path = schema_\(number)")
        try client.execute("SET statement_timeout = \(2_001 + number)")
        try client.execute("SET app.tenant = 'tenant \(number)'")
      }
      for _ in 1...3 {
        for (number, client) in clients.enumerated() {
          #expect(try client.query("SHOW search_path").first == "schema_\(number)")
          #expect(try client.query("SHOW statement_timeout").first == "\(2_001 + number)ms")
          #expect(try client.query("SELECT current_setting('app.tenant')").first == "tenant \(number)")
        }
      }
      for client in try (1...6).map({ _ in try pool.connect() }) {
        #expect(try client.query("SHOW search_path").first == "\"$user\", public")
        #expect(try client.query("SHOW statement_timeout").first == "0")
        #expect(try client.query("SELECT coalesce(current_setting('app.tenant', true), '')").first == "")
      }
      #expect(pool.metric("clients_pinned") == 0)
    }
  }

  @Test("what a transaction sets counts when it commits, and only then")
  func transactions() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.connect()
      let others = try (1...4).map { _ in try pool.connect() }
      func workMem() throws -> String? {
        for other in others { #expect(try other.query("SHOW work_mem").first == "4MB") }
        return try client.query("SHOW work_mem").first
      }
      try client.execute("BEGIN")
      try client.execute("SET work_mem = '33MB'")
      try client.execute("ROLLBACK")
      #expect(try workMem() == "4MB")

      try client.execute("BEGIN")
      try client.execute("SET LOCAL work_mem = '34MB'")
      #expect(try client.query("SHOW work_mem").first == "34MB")
      try client.execute("COMMIT")
      #expect(try workMem() == "4MB")

      try client.execute("BEGIN")
      try client.execute("SET work_mem = '35MB'")
      try client.execute("SAVEPOINT here")
      try client.execute("SET work_mem = '36MB'")
      try client.execute("ROLLBACK TO here")
      try client.execute("COMMIT")
      #expect(try workMem() == "35MB")

      try client.execute("BEGIN")
      try client.execute("SET work_mem = '37MB'")
      #expect(throws: ServerError.self) { try client.execute("SELECT 1 / 0") }
      try client.execute("COMMIT")
      #expect(try workMem() == "35MB")

      #expect(throws: ServerError.self) { try client.execute("SET work_mem = 'lots'") }
      #expect(try workMem() == "35MB")

      try client.execute("RESET work_mem")
      #expect(try workMem() == "4MB")
      try client.execute("SET work_mem = '38MB'; SET app.tenant = 'x'")
      #expect(try workMem() == "38MB")
      try client.execute("RESET ALL")
      #expect(try workMem() == "4MB")
      #expect(try client.query("SELECT coalesce(current_setting('app.tenant', true), '')").first == "")
    }
  }

  @Test("set_config counts like SET; what a function sets unseen reaches no other client")
  func functions() throws {
    try PoolProcess.with(backends: 2) { pool in
      try pool.direct().execute(
        """
        CREATE FUNCTION hidden() RETURNS text LANGUAGE sql
          AS $$ SELECT set_config('app.secret', 'of one client', false) $$
        """)
      let client = try pool.connect()
      let others = try (1...4).map { _ in try pool.connect() }
      #expect(
        try client.query("SELECT set_config('app.tenant', $1, false)", ["it's mine"]).first == "it's mine")
      for _ in 1...3 {
        _ = try client.query("SELECT hidden()")
        for other in others {
          #expect(try other.query("SELECT coalesce(current_setting('app.secret', true), '')").first == "")
          #expect(try other.query("SELECT coalesce(current_setting('app.tenant', true), '')").first == "")
        }
        #expect(try client.query("SELECT current_setting('app.tenant')").first == "it's mine")
      }
    }
  }

  @Test("startup options are each client's own, and RESET goes back to them")
  func startup() throws {
    try PoolProcess.with(backends: 2) { pool in
      let clients = try (1...6).map { number in
        try pool.connect([
          "options": "-c search_path=schema_\(number) -c work_mem=\(number + 4)MB",
          "application_name": "client \(number)",
        ])
      }
      for _ in 1...2 {
        for (index, client) in clients.enumerated() {
          let number = index + 1
          #expect(try client.query("SHOW search_path").first == "schema_\(number)")
          #expect(try client.query("SHOW work_mem").first == "\(number + 4)MB")
          #expect(try client.query("SHOW application_name").first == "client \(number)")
          #expect(client.parameterStatus("application_name") == "client \(number)")
          try client.execute("SET work_mem = '50MB'")
        }
        for (index, client) in clients.enumerated() {
          #expect(try client.query("SHOW work_mem").first == "50MB")
          try client.execute("RESET work_mem")
          #expect(try client.query("SHOW work_mem").first == "\(index + 5)MB")
        }
      }
    }
  }

  @Test("reported parameters are told to the client that they changed for, and to no other")
  func reported() throws {
    try PoolProcess.with(backends: 1) { pool in
      let one = try pool.connect()
      let other = try pool.connect()
      let usual = other.parameterStatus("TimeZone")
      try one.execute("SET TimeZone = 'Asia/Tokyo'")
      #expect(one.parameterStatus("TimeZone") == "Asia/Tokyo")
      #expect(try other.query("SHOW TimeZone").first == usual)
      #expect(other.parameterStatus("TimeZone") == usual)
      #expect(try one.query("SHOW TimeZone").first == "Asia/Tokyo")
      #expect(one.parameterStatus("TimeZone") == "Asia/Tokyo")
      try one.execute("RESET TimeZone")
      #expect(one.parameterStatus("TimeZone") == usual)
    }
  }

  @Test(
    "a startup option that the server refuses ends the login with the server's words",
    arguments: [
      ("-c no_such_setting=1", "unrecognized configuration parameter \"no_such_setting\"", "42704"),
      ("-c work_mem=lots", "invalid value for parameter \"work_mem\": \"lots\"", "22023"),
      ("-c max_connections=5", "cannot be changed without restarting the server", "55P02"),
    ])
  func refused(options: String, words: String, sqlState: String) throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try PoolWireClient(port: pool.port)
      let error = #expect(throws: PoolWireClient.Failure.self) {
        try client.logIn(pool.target, [("options", options)])
      }
      guard case .refused(let fields)? = error else { return }
      #expect(fields.isFatal)
      #expect(fields.sqlState == sqlState)
      #expect(fields.message.contains(words))
      #expect(try client.lastWords().tags == "")
      try pool.expectClean()
    }
  }
}
