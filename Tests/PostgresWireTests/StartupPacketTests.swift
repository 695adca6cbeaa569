import PostgresWire
import Testing

@Suite("Startup packets")
struct StartupPacketTests {
  let sample = written {
    $0.startup(parameters: [
      StartupParameter("user", "app"), StartupParameter("database", "shop"),
      StartupParameter("application_name", ""),
    ])
  }

  private func request(_ bytes: [UInt8]) throws -> StartupRequest {
    guard case .startup(let request) = StartupPacket.read(in: bytes.span) else {
      throw StartupFault.layout
    }
    return request
  }

  @Test("cut at every byte boundary, a packet is incomplete until its last byte is there")
  func boundaries() {
    for count in 0..<sample.count {
      let needed = count < 4 ? 8 : sample.count
      #expect(StartupPacket.read(in: Array(sample.prefix(count)).span) == .incomplete(needed: needed))
    }
    #expect(StartupPacket.read(in: sample.span).packetLength == sample.count)
  }

  @Test("bytes of the next message are left alone")
  func trailing() throws {
    let request = try request(sample + frame("Q", ascii("SELECT 1\0")))
    #expect(request.packetLength == sample.count)
    #expect(request.parameters.map(\.name) == ["user", "database", "application_name"])
    #expect(request.value(of: "application_name") == [])
  }

  @Test(
    "an impossible length is refused before anything else comes",
    arguments: [0, 4, 7, 10_005, 65_536, 0x4745_5420, -1, -2_147_483_648])
  func impossibleLength(length: Int) {
    #expect(StartupPacket.read(in: word(length).span) == .malformed(.length(length)))
  }

  @Test("up to 10,000 bytes may follow the length word, as in PostgreSQL", arguments: [8, 10_001, 10_004])
  func possibleLength(length: Int) {
    #expect(StartupPacket.read(in: word(length).span) == .incomplete(needed: length))
  }

  @Test("a packet of the largest size is read")
  func largest() throws {
    let value = [UInt8](repeating: 0x61, count: 9_983)
    let bytes = packet(0x30000, ascii("user\0a\0opt\0") + value + [0, 0])
    #expect(bytes.count == 10_004)
    #expect(try request(bytes).value(of: "opt") == value)
  }

  @Test("SSLRequest, GSSENCRequest and CancelRequest are told by their codes")
  func requests() {
    #expect(StartupPacket.read(in: written { $0.sslRequest() }.span) == .sslRequest)
    #expect(StartupPacket.read(in: written { $0.gssRequest() }.span) == .gssRequest)
    #expect(StartupPacket.read(in: (written { $0.sslRequest() } + [0x16]).span).packetLength == 8)
    #expect(StartupPacket.read(in: packet(80_877_103, [0]).span) == .malformed(.length(9)))
    #expect(StartupPacket.read(in: packet(80_877_104, [0]).span) == .malformed(.length(9)))
  }

  @Test("a CancelRequest has a key of 4 to 256 bytes", arguments: [0, 3, 4, 32, 256, 257])
  func cancel(length: Int) {
    let key = [UInt8](repeating: 5, count: length)
    let bytes = written { $0.cancelRequest(processID: 0x8000_0001, key: key) }
    let expected: StartupPacket =
      (4...256).contains(length)
      ? .cancel(processID: 0x8000_0001, key: key) : .malformed(.length(bytes.count))
    #expect(StartupPacket.read(in: bytes.span) == expected)
    #expect(expected.packetLength == ((4...256).contains(length) ? bytes.count : 0))
  }

  @Test("a TLS handshake is known by its first byte")
  func directTLS() {
    #expect(StartupPacket.read(in: ([0x16] as [UInt8]).span) == .directTLS)
    #expect(StartupPacket.read(in: ([0x16, 3, 1, 2, 0, 1] as [UInt8]).span) == .directTLS)
  }

  @Test(
    "any minor version of protocol 3 is taken: negotiation is the caller's",
    arguments: [0, 1, 2, 9999, 65_535])
  func minors(minor: Int) throws {
    let request = try request(packet(0x30000 | minor, ascii("user\0a\0\0")))
    #expect(request.protocolMajor == 3 && request.protocolMinor == minor)
  }

  @Test("other major versions are refused by name", arguments: [(2, 0), (4, 0), (1234, 5677), (0, 0)])
  func majors(major: Int, minor: Int) {
    #expect(
      StartupPacket.read(in: packet(major << 16 | minor, ascii("user\0a\0\0")).span)
        == .malformed(.unsupportedProtocol(major: major, minor: minor)))
  }

  @Test("an absent or empty database is the user's name")
  func database() throws {
    #expect(try request(packet(0x30000, ascii("user\0app\0\0"))).database == "app")
    #expect(try request(packet(0x30000, ascii("user\0app\0database\0\0\0"))).database == "app")
    #expect(try request(sample).database == "shop")
  }

  @Test("no user is an empty user")
  func noUser() throws {
    #expect(try request(packet(0x30000, [0])).user == "")
  }

  @Test("of duplicates the last wins")
  func duplicates() throws {
    let request = try request(packet(0x30000, ascii("user\0a\0TimeZone\0UTC\0user\0b\0\0")))
    #expect(request.user == "b")
    #expect(request.parameters.map(\.name) == ["user", "TimeZone"])
  }

  @Test("_pq_ options are kept apart")
  func protocolOptions() throws {
    let request = try request(packet(0x30000, ascii("_pq_.x\u{0}1\u{0}user\0a\0_pq_.x\u{0}2\0_pq_.y\0\0\0")))
    #expect(request.unknownProtocolOptions == ["_pq_.x", "_pq_.y"])
    #expect(request.parameters.map(\.name) == ["user"])
  }

  @Test("a value may be other than UTF-8; the name of a user, a database or a parameter may not")
  func encodings() throws {
    let value = try request(
      packet(0x30000, ascii("application_name\0") + [0xe9, 0xff] + ascii("\0user\0a\0\0")))
    #expect(value.value(of: "application_name") == [0xe9, 0xff])
    for body in [
      ascii("user\0") + [0xe9, 0, 0], ascii("database\0") + [0xff, 0, 0], [0xff, 0, 0x61, 0, 0],
    ] {
      #expect(StartupPacket.read(in: packet(0x30000, body).span) == .malformed(.nameNotUTF8))
    }
  }

  @Test(
    "pairs without their ends, and bytes behind the end, are malformed",
    arguments: [
      "", "u", "user", "user\0", "user\0a", "user\0a\0", "user\0\0", "user\0a\0x", "user\0a\0x\0", "\0\0",
      "user\0a\0\0x", "user\0a\0\0\0",
    ])
  func layout(body: String) {
    #expect(StartupPacket.read(in: packet(0x30000, ascii(body)).span) == .malformed(.layout))
  }

  @Test("no packet with one byte changed traps")
  func corruptions() {
    for index in sample.indices {
      for value in UInt8.min...UInt8.max {
        var corrupt = sample
        corrupt[index] = value
        _ = StartupPacket.read(in: corrupt.span)
      }
    }
  }

  @Test("faults say it in PostgreSQL's words and codes")
  func faults() {
    #expect(StartupFault.length(7).message == "invalid length of startup packet")
    #expect(StartupFault.length(7).sqlState == "08P01")
    #expect(
      StartupFault.unsupportedProtocol(major: 2, minor: 0).message
        == "unsupported frontend protocol 2.0: server supports 3.0 to 3.2")
    #expect(StartupFault.unsupportedProtocol(major: 2, minor: 0).sqlState == "0A000")
  }
}
