import DatabaseTools
import PoolServer
import PostgresWire
import TestSupport
import Testing

@Suite("SASL messages, well-formed and not, directly and through the pool") struct PoolSASLTests {
  /// What the other side answers to a first password message, and to one behind it.
  private func answer(_ port: UInt16, _ target: DatabaseTarget, _ bodies: [[UInt8]], tag: UInt8 = 0x70) throws
    -> ErrorFields?
  {
    let client = try PoolWireClient(port: port)
    try client.sendStartup(target)
    for body in bodies {
      _ = try client.next()
      var writer = MessageWriter()
      writer.message(tag) { $0.raw(body) }
      try client.send(writer.bytes)
    }
    return try client.lastWords().messages.compactMap(\.error).first
  }

  private static let name = Array("SCRAM-SHA-256\u{0}".utf8)
  private static func sized(_ text: String, _ size: Int32? = nil) -> [UInt8] {
    let size = size ?? Int32(text.utf8.count)
    return name + (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) } + Array(text.utf8)
  }

  @Test("the same SQLSTATE and message as the server's, and never a crash")
  func parity() throws {
    try PoolProcess.with(backends: 2) { pool in
      let direct = UInt16(pool.server.port ?? "") ?? 0
      for bodies in [
        [Self.sized("")], [Self.sized("", -2)], [Self.sized("n,,n=,r=abc", -1)],
        [Self.sized("n,,n=,r=abc", 100)],
        [Self.sized("n,,n=,r=abc", 3)], [Self.name], [Array("SCRAM-SHA-256".utf8)], [[]],
        [Array("SCRAM-SHA-1\u{0}".utf8) + [255, 255, 255, 255]], [Self.sized("garbage")],
        [Self.sized("n,,m=x,n=,r=abc")], [Self.sized("n,,n=,")], [Self.sized("n")],
        [Self.sized("", -1), []], [Self.sized("", -1), Array("garbage".utf8)],
        [Self.sized("n,,n=,r=abcdefgh"), []], [Self.sized("n,,n=,r=abcdefgh"), Array("garbage".utf8)],
      ] {
        let theirs = try answer(direct, pool.server, bodies)
        let ours = try answer(pool.port, pool.target, bodies)
        #expect(
          ours?.sqlState == theirs?.sqlState && ours?.message == theirs?.message,
          "\(bodies): \(String(describing: ours))")
        #expect(theirs?.sqlState == "08P01" || theirs?.sqlState == "0A000")
      }
      let query = Array("SELECT 1\u{0}".utf8)
      let theirs = try answer(direct, pool.server, [query], tag: FrontendTag.query)
      let ours = try answer(pool.port, pool.target, [query], tag: FrontendTag.query)
      #expect(ours == theirs || ours?.message == theirs?.message)
      #expect(ours?.message == "expected SASL response, got message type 81")
    }
  }

  @Test("without an initial response the server's empty challenge comes first, and the login goes on")
  func late() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try PoolWireClient(port: pool.port)
      try client.sendStartup(pool.target)
      _ = try client.next()
      try client.send { $0.saslInitialResponse(mechanism: "SCRAM-SHA-256", response: nil) }
      let empty = try client.next()
      #expect(empty.bytes == [BackendTag.authentication, 0, 0, 0, 8, 0, 0, 0, 11])
      var scram = ScramClient(
        password: pool.target.password?.reveal ?? "", clientNonce: scramNonce(), hash: .openSSL)
      let first = scram.clientFirst()
      try client.send { $0.saslResponse(first) }
      let challenge = try client.next()
      guard
        case .saslContinue(let message) = AuthenticationRequest.read(
          in: challenge.bytes.span, at: 0, length: challenge.bytes.count)
      else {
        Issue.record("no challenge")
        return
      }
      let proof = try scram.received(serverFirst: message)
      try client.send { $0.saslResponse(proof) }
      #expect(try client.reply().messages.last?.tag == BackendTag.readyForQuery)
      #expect(try client.query("SELECT 7").value == "7")
    }
  }
}
