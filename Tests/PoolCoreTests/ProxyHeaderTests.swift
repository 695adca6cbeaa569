import PoolCore
import Testing

@Suite("PROXY headers") struct ProxyHeaderTests {
  private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

  private static func version2(
    _ body: [UInt8], kind: UInt8 = 0x21, family: UInt8 = 0x11, announced: Int? = nil
  ) -> [UInt8] {
    let size = announced ?? body.count
    return signature + [kind, family, UInt8(size >> 8), UInt8(size & 255)] + body
  }

  private static let four: [UInt8] = [192, 0, 2, 1, 10, 0, 0, 1, 0x30, 0x39, 0x19, 0x20]

  private func read(_ bytes: [UInt8]) -> ProxyHeader { ProxyHeader.read(in: bytes.span) }

  @Test(
    "the client's address is known when the header is whole, and not a byte before",
    arguments: [
      (Array("PROXY TCP4 192.0.2.1 10.0.0.1 56324 6432\r\n".utf8), "192.0.2.1"),
      (Array("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n".utf8), "2001:db8::1"),
      (Array("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 65535\r\n".utf8), "192.0.2.1"),
      (Array("PROXY UNKNOWN\r\n".utf8), nil), (Array("PROXY UNKNOWN whatever it says\r\n".utf8), nil),
      (version2(four), "192.0.2.1"), (version2(four + [4, 0, 1, 0]), "192.0.2.1"),
      (version2([0x20, 1, 0x0D, 0xB8] + Array(repeating: 0, count: 32), family: 0x21), "2001:db8::"),
      (version2([], kind: 0x20, family: 0), nil), (version2(four, kind: 0x20), nil),
      (version2(Array(repeating: 0, count: 216), family: 0x31), nil),
    ] as [([UInt8], String?)])
  func whole(header: [UInt8], address: String?) {
    for count in 0..<header.count { #expect(read(Array(header.prefix(count))) == .incomplete) }
    let expected = ProxyHeader.present(address: address.flatMap { NetworkAddress($0) }, length: header.count)
    #expect(read(header) == expected)
    #expect(read(header + [0, 0, 0, 8]) == expected)
  }

  @Test(
    "what is no header of the protocol is malformed",
    arguments: [
      Array("PROXY TCP4 192.0.2.1 10.0.0.1 56324 6432\n".utf8), Array("PROXY TCP4 192.0.2.1\r\n".utf8),
      Array("PROXY TCP4 ::1 ::1 1 2\r\n".utf8), Array("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n".utf8),
      Array("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n".utf8), Array("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n".utf8),
      Array("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n".utf8), Array("PROXY \n".utf8),
      Array("PROXY ".utf8) + Array(repeating: 65, count: 200), version2(four, kind: 0x11),
      version2(four, kind: 0x22), version2(four, family: 0x41), version2(four, family: 0x13),
      version2(Array(four.prefix(11))), version2(four, family: 0x21),
      version2(four, announced: 60_000),
    ])
  func malformed(header: [UInt8]) {
    #expect(read(header) == .malformed)
  }

  @Test("startup packets and TLS begin otherwise")
  func absent() {
    for bytes: [UInt8] in [
      [0], [0, 0, 0, 8], [0x16, 3, 1], [0x50, 0x52, 0x4F, 0x58, 0x59, 0x59], [13, 10, 10],
    ] {
      #expect(read(bytes) == .absent)
    }
  }

  @Test("bytes at random are never taken for more than is there")
  func anything() {
    var random = SystemRandomNumberGenerator()
    let seeds = [Self.version2(Self.four), Array("PROXY TCP4 192.0.2.1 10.0.0.1 56324 6432\r\n".utf8)]
    for _ in 0..<50_000 {
      var bytes = seeds.randomElement(using: &random) ?? []
      for _ in 0..<Int.random(in: 0..<4, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
      if case .present(_, let length) = read(bytes) { #expect(length <= bytes.count) }
    }
  }
}
