import DatabaseTools
import Foundation
import PostgresWire
import TestSupport
import Testing

@Suite("The PROXY protocol") struct PoolProxyTests {
  private func withRules(_ networks: String, _ body: (PoolProcess) throws -> Void) throws {
    let rules = FileManager.default.temporaryDirectory.appending(path: "hba-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: rules) }
    try """
    host all all 192.0.2.0/24 scram-sha-256
    host all all 2001:db8::/32 scram-sha-256
    host all postgres 127.0.0.0/8 scram-sha-256
    """.write(toFile: rules, atomically: true, encoding: .utf8)
    try SharedPostgres.withDatabase { database in
      try PoolProcess.with(
        database, backends: 1,
        ["--auth-hba-file", rules, "--proxy-protocol-networks", networks, "--login-timeout", "3s"], body)
    }
  }

  /// What is said to a client behind that header; `nil` when it is in.
  private func refusal(_ pool: PoolProcess, behind header: [UInt8], inPieces: Bool = false) throws
    -> ErrorFields?
  {
    let client = try PoolWireClient(port: pool.port)
    if inPieces { for byte in header { try client.send([byte]) } } else { try client.send(header) }
    do {
      try client.logIn(pool.target)
      #expect(try client.query("SELECT 1").value == "1")
      return nil
    } catch PoolWireClient.Failure.refused(let fields) {
      return fields
    }
  }

  private func line(_ address: String) -> [UInt8] {
    let kind = address.contains(":") ? "TCP6" : "TCP4"
    let own = address.contains(":") ? "::1" : "127.0.0.1"
    return Array("PROXY \(kind) \(address) \(own) 40000 6432\r\n".utf8)
  }

  @Test("rules and log have the address that a trusted proxy names")
  func trusted() throws {
    try withRules("127.0.0.0/8") { pool in
      #expect(try refusal(pool, behind: line("192.0.2.7")) == nil)
      #expect(try refusal(pool, behind: line("192.0.2.7"), inPieces: true) == nil)
      #expect(try refusal(pool, behind: line("2001:db8::7")) == nil)
      let binary: [UInt8] =
        [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10, 0x21, 0x11, 0, 12]
        + [192, 0, 2, 9, 127, 0, 0, 1, 0x9C, 0x40, 0x19, 0x20]
      #expect(try refusal(pool, behind: binary) == nil)
      let elsewhere = try refusal(pool, behind: line("198.51.100.1"))
      #expect(elsewhere?.sqlState == "28000")
      #expect(elsewhere?.message.hasPrefix("no pg_hba.conf entry for host \"198.51.100.1\"") == true)
      // A proxy that speaks for itself, and a client without one.
      #expect(try refusal(pool, behind: Array("PROXY UNKNOWN\r\n".utf8)) == nil)
      #expect(try refusal(pool, behind: []) == nil)
      #expect(try refusal(pool, behind: Array("PROXY TCP4 x y 1 2\r\n".utf8))?.sqlState == "08P01")
    }
  }

  @Test("from anywhere else a header is refused, and half a one is not waited for")
  func distrusted() throws {
    try withRules("10.0.0.0/8") { pool in
      #expect(try refusal(pool, behind: line("192.0.2.7"))?.sqlState == "28000")
      #expect(try refusal(pool, behind: []) == nil)
      let half = try PoolWireClient(port: pool.port)
      try half.send(Array("PROXY TCP4 192.0".utf8))
      #expect(try half.lastWords().tags == "")
      #expect(pool.metric("refusals_total{reason=\"login_timeout\"}") == 1)
    }
  }
}
