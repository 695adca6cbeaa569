import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Garbage at the pool's port") struct PoolGarbageTests {
  /// A name for the test's output, and the bytes.
  struct Garbage: CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]

    init(_ name: String, _ bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }

    init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }

    var testDescription: String { name }
  }

  @Test(
    "in place of a startup packet: one clear error, and the end of the connection",
    arguments: [
      Garbage("HTTP", "GET / HTTP/1.1\r\n\r\n"), Garbage("length 0", [0, 0, 0, 0]),
      Garbage("length 4", [0, 0, 0, 4]), Garbage("length 7", [0, 0, 0, 7, 0, 3, 0]),
      Garbage("length beyond 10,000", [0, 1, 0, 0, 0, 3, 0, 0]),
      Garbage("all ones", [UInt8](repeating: 0xFF, count: 100)),
      Garbage("protocol 4", [0, 0, 0, 9, 0, 4, 0, 0, 0]),
      Garbage("no terminator", [0, 0, 0, 14, 0, 3, 0, 0, 117, 115, 101, 114, 0, 120]),
      Garbage("a query without a login", [UInt8(ascii: "Q"), 0, 0, 0, 13] + Array("SELECT 1".utf8) + [0]),
      Garbage("TLS", [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3]),
    ])
  func startup(garbage: Garbage) throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try PoolWireClient(port: pool.port)
      try client.send(garbage.bytes)
      let words = try client.lastWords()
      #expect(words.tags == "E")
      #expect(words.error?.isFatal == true)
      #expect(words.error?.message.isEmpty == false)
      try pool.expectClean()
    }
  }

  @Test("protocol 2 is refused in the form that its clients understand")
  func ancient() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try PoolWireClient(port: pool.port)
      try client.send([0, 0, 0, 9, 0, 2, 0, 0, 0])
      var answer: [UInt8] = []
      while let byte = try? client.nextByte() { answer.append(byte) }
      let expected = "EFATAL:  unsupported frontend protocol 2.0: server supports 3.0 to 3.2\n\0"
      #expect(String(decoding: answer, as: UTF8.self) == expected)
    }
  }

  /// What breaks the protocol once a client is logged in.
  static let messages = [
    Garbage("unknown tag", [1, 0, 0, 0, 8, 1, 2, 3, 4]),
    Garbage("length below 4", [UInt8(ascii: "Q"), 0, 0, 0, 3]),
    Garbage("length of 4 GB", [UInt8(ascii: "Q"), 0xFF, 0xFF, 0xFF, 0xFF]),
    Garbage("Sync that is too long", [UInt8(ascii: "S"), 0, 0, 0x27, 0x15]),
    Garbage("a password", [UInt8(ascii: "p"), 0, 0, 0, 5, 0]),
    Garbage("HTTP", "GET / HTTP/1.1\r\n\r\n"),
  ]

  @Test("in place of a message: one clear error, and the end of the connection", arguments: messages)
  func idle(garbage: Garbage) throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      #expect(try client.query("SELECT 1").value == "1")
      try client.send(garbage.bytes)
      let words = try client.lastWords()
      #expect(words.tags == "E")
      #expect(words.error?.sqlState == "08P01")
      #expect(words.error?.isFatal == true)
      try pool.expectClean()
    }
  }

  @Test("in a transaction: the same, and the transaction is rolled back", arguments: messages)
  func transaction(garbage: Garbage) throws {
    try PoolProcess.with(backends: 2) { pool in
      try pool.direct().execute("CREATE TABLE goods (id int)")
      let client = try pool.wireClient()
      #expect(try client.query("BEGIN; INSERT INTO goods VALUES (1)").status == .inTransaction)
      try client.send(garbage.bytes)
      let words = try client.lastWords()
      #expect(words.tags == "E")
      #expect(words.error?.sqlState == "08P01")
      try pool.expectClean()
      #expect(try pool.wireClient().query("SELECT count(*) FROM goods").value == "0")
    }
  }

  @Test("in the middle of a login: refused, whatever it is", arguments: messages)
  func authentication(garbage: Garbage) throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try PoolWireClient(port: pool.port)
      try client.sendStartup(pool.target)
      #expect(try client.next().tag == BackendTag.authentication)
      try client.send(garbage.bytes)
      let words = try client.lastWords()
      #expect(words.tags == "E")
      #expect(words.error?.isFatal == true)
      try pool.expectClean()
    }
  }

  @Test("noise that is drawn by lot, before and after the login, hurts nobody")
  func noise() throws {
    try PoolProcess.with(backends: 2) { pool in
      var numbers = SplitMix(state: 11)
      for round in 0..<60 {
        let client = try PoolWireClient(port: pool.port)
        if !round.isMultiple(of: 3) { try client.logIn(pool.target) }
        if round % 3 == 2 { #expect(try client.query("BEGIN").status == .inTransaction) }
        let count = Int(numbers.next() % 300) + 1
        // The pool may have closed already, in the middle of it.
        try? client.send((0..<count).map { _ in UInt8(truncatingIfNeeded: numbers.next()) })
        client.close()
      }
      try pool.expectClean()
    }
  }

  /// Sebastiano Vigna's generator: the same noise in every run.
  private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }
}
