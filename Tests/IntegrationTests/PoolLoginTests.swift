import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Logging in at the pool") struct PoolLoginTests {
  private func refusal(_ pool: PoolProcess, _ change: (inout DatabaseTarget) -> Void) throws -> ErrorFields? {
    var target = pool.target
    change(&target)
    let client = try PoolWireClient(port: pool.port)
    let error = #expect(throws: PoolWireClient.Failure.self) { try client.logIn(target) }
    guard case .refused(let fields)? = error else { return nil }
    #expect(try client.lastWords().tags == "")
    return fields
  }

  @Test("a wrong password and an unknown user are refused in the same words")
  func password() throws {
    try PoolProcess.with(backends: 1) { pool in
      let wrong = try refusal(pool) { $0.password = Secret("not it") }
      let unknown = try refusal(pool) { $0.user = "nobody" }
      #expect(wrong?.isFatal == true)
      #expect(wrong?.sqlState == "28P01")
      #expect(wrong?.message == "password authentication failed for user \"postgres\"")
      let replaced = unknown?.fields.map { field in
        ErrorFields.Field(
          code: field.code,
          text: field.text.split(separator: "nobody", omittingEmptySubsequences: false)
            .joined(separator: "postgres"))
      }
      #expect(replaced == wrong?.fields)
      try pool.expectClean()
    }
  }

  @Test("a database that the server does not have is refused with the server's words")
  func database() throws {
    try PoolProcess.with(backends: 1) { pool in
      let error = try refusal(pool) { $0.database = "nowhere" }
      #expect(error?.isFatal == true)
      #expect(error?.sqlState == "3D000")
      #expect(error?.message == "database \"nowhere\" does not exist")
      #expect(try pool.wireClient().query("SELECT 1").value == "1")
    }
  }

  @Test("sslmode=require is refused as libpq says it; prefer goes on without")
  func encryption() throws {
    try PoolProcess.with(backends: 1) { pool in
      var target = pool.target
      target.parameters["sslmode"] = "require"
      let error = #expect(throws: Failure.self) { try target.connect() }
      #expect(error?.what.contains("server does not support SSL, but SSL was required") == true)
      target.parameters["sslmode"] = "prefer"
      let plain = try target.connect()
      #expect(try plain.query("SELECT 1").first == "1")
    }
  }

  @Test("requests for encryption are answered by N, and the startup packet may come behind them")
  func encryptionRequests() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try PoolWireClient(port: pool.port)
      try client.send { $0.gssRequest() }
      #expect(try client.nextByte() == UInt8(ascii: "N"))
      try client.send { $0.sslRequest() }
      #expect(try client.nextByte() == UInt8(ascii: "N"))
      try client.logIn(pool.target)
      #expect(try client.query("SELECT 1").value == "1")
    }
  }

  @Test("plain text behind a request for encryption is refused: somebody may have put it there")
  func injected() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try PoolWireClient(port: pool.port)
      try client.send {
        $0.sslRequest()
        $0.startup(parameters: [StartupParameter("user", "postgres")])
      }
      let words = try client.lastWords()
      #expect(words.tags == "E")
      #expect(words.error?.sqlState == "08P01")
    }
  }

  @Test("a startup packet and all that follows may come byte by byte")
  func byteByByte() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try PoolWireClient(port: pool.port)
      var writer = MessageWriter()
      writer.startup(parameters: [
        StartupParameter("user", "postgres"), StartupParameter("database", pool.target.database ?? ""),
      ])
      for byte in writer.bytes { try client.send([byte]) }
      try client.authenticate(pool.target.password?.reveal ?? "")
      while try client.next().tag != BackendTag.readyForQuery {}
      writer = MessageWriter()
      writer.parse(query: "SELECT 'slow'")
      writer.bind()
      writer.execute()
      writer.sync()
      for byte in writer.bytes { try client.send([byte]) }
      #expect(try client.reply().tags == "12DCZ")
    }
  }

  @Test(
    "protocol 3.2 is spoken; a newer one, and options that nobody knows, are negotiated down, once",
    arguments: [
      (0, [], nil, 4), (1, [], nil, 4), (2, [], nil, 32), (3, [], 2, 32), (9_999, [], 2, 32),
      (0, ["_pq_.a"], 0, 4), (2, ["_pq_.a", "_pq_.b"], 2, 32),
    ] as [(Int, [String], Int?, Int)])
  func negotiation(minor: Int, options: [String], answer: Int?, keyLength: Int) throws {
    try PoolProcess.with(backends: 1) { pool in
      // The second has to wait for nobody: its settings are known by then.
      for _ in 1...2 {
        let client = try PoolWireClient(port: pool.port)
        try client.logIn(pool.target, options.map { ($0, "on") }, minor: minor)
        let expected = answer.map { ProtocolNegotiation(newestMinor: $0, unrecognized: options) }
        #expect(client.negotiations == [expected].compactMap(\.self))
        #expect(client.key.key.count == keyLength)
        #expect(try client.query("SELECT 1").value == "1")
      }
    }
  }

  @Test("one client too many is refused, and has its place when another leaves")
  func tooMany() throws {
    try PoolProcess.with(backends: 1, "--max-client-connections", "3") { pool in
      let clients = try (1...3).map { _ in try pool.wireClient() }
      let error = try refusal(pool) { _ in }
      #expect(error?.isFatal == true)
      #expect(error?.sqlState == "53300")
      #expect(error?.message == "too many clients: the pool takes 3")
      #expect(try clients[1].query("SELECT 1").value == "1")
      clients[0].close()
      #expect(eventually { pool.metric("client_connections{phase=\"idle\"}") == 2 })
      #expect(try pool.wireClient().query("SELECT 1").value == "1")
    }
  }

  @Test("who does not log in within login_timeout is disconnected", arguments: [false, true])
  func slow(sendsStartup: Bool) throws {
    try PoolProcess.with(backends: 1, "--login-timeout", "300ms") { pool in
      let client = try PoolWireClient(port: pool.port)
      if sendsStartup {
        try client.sendStartup(pool.target)
        #expect(try client.next().tag == BackendTag.authentication)
      } else {
        try client.send([0, 0])
      }
      let start = ContinuousClock.now
      _ = try client.lastWords()
      #expect(ContinuousClock.now - start < .seconds(12))
      #expect(pool.metric("refusals_total{reason=\"login_timeout\"}") == 1)
    }
  }
}
