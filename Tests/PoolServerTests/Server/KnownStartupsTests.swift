import PoolCore
import PostgresWire
import Testing

@testable import PoolServer

@Suite("Startup packets that come again") struct KnownStartupsTests {
  private func packet(_ parameters: [(String, String)]) -> [UInt8] {
    var writer = MessageWriter()
    writer.startup(parameters: parameters.map { StartupParameter($0.0, $0.1) })
    return writer.bytes
  }

  private func startup(_ packet: [UInt8]) throws -> KnownStartup {
    guard case .startup(let request) = StartupPacket.read(in: packet.span) else {
      throw StartupFault.layout
    }
    return KnownStartup(request, packet: packet)
  }

  private func find(_ bytes: [UInt8], in known: KnownStartups) -> KnownStartup? { known.find(bytes.span) }

  @Test("are found by their bytes, whatever comes behind them, and by nothing else")
  func found() throws {
    let bytes = packet([("user", "app"), ("database", "shop"), ("application_name", "web")])
    let app = try startup(bytes)
    var known = KnownStartups()
    #expect(find(bytes, in: known) == nil)
    #expect(known.keep(app) == nil)
    #expect(app.isKept && find(bytes, in: known) === app)
    #expect(find(bytes + [1, 2, 3], in: known) === app)
    for length in 0..<bytes.count { #expect(find(Array(bytes[..<length]), in: known) == nil) }
    for place in bytes.indices {
      var other = bytes
      other[place] ^= 1
      #expect(find(other, in: known) == nil)
    }
  }

  @Test("are read once: who, where, what is set")
  func contents() throws {
    let app = try startup(
      packet([
        ("user", "app"), ("options", "-c work_mem=5MB"), ("application_name", "web"), ("TimeZone", "UTC"),
      ])
    )
    #expect(app.user == "app" && app.database == "app" && app.account == Array("app".utf8))
    #expect(app.application == Array("app\0app\0web".utf8))
    let image = try app.image.get()
    #expect(image["work_mem"] == Array("5MB".utf8) && image["timezone"] == Array("UTC".utf8))
    #expect(image["user"] == nil && image["options"] == nil)
    #expect(throws: StartupOptionsFault.unknownWord("x")) {
      try startup(packet([("user", "app"), ("options", "x")])).image.get()
    }
  }

  @Test("push each other out, however many there are, and are told who went")
  func bounded() throws {
    var known = KnownStartups()
    var kept: [KnownStartup] = []
    var gone = 0
    for number in 0..<1_000 {
      let next = try startup(packet([("user", "user\(number)")]))
      if let old = known.keep(next) {
        #expect(!old.isKept)
        gone += 1
      }
      kept.append(next)
    }
    let left = kept.count(where: \.isKept)
    #expect(left == 1_000 - gone && (1...64).contains(left))
    // One that is there already pushes nobody out, itself least of all.
    let last = try #require(kept.last)
    #expect(known.keep(last) == nil && last.isKept)
  }

  @Test("are not kept when they are long")
  func long() throws {
    let bytes = packet([("user", "app"), ("options", String(repeating: " ", count: 600))])
    var known = KnownStartups()
    let app = try startup(bytes)
    #expect(known.keep(app) == nil && !app.isKept && find(bytes, in: known) == nil)
  }
}
