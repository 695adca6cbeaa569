import PoolCore
import Testing

@Suite("A client's session on its way to another process") struct ClientPassageTests {
  private var full: ClientPassage {
    var passage = ClientPassage()
    passage.user = "żółw"
    passage.database = "shop"
    passage.isUnix = true
    passage.keepsBackend = true
    passage.number = 0x8000_0001
    passage.secret = [0, 255, 1, 2]
    passage.startup = [.init(name: "application_name", value: Array("checkout".utf8))]
    passage.settings = [.init(name: "work_mem", value: Array("2MB".utf8)), .init(name: "x.y", value: [0xFF])]
    passage.told = [ReportedParameter(name: Array("TimeZone".utf8), value: [])]
    passage.unread = [0x51, 0, 0]
    return passage
  }

  @Test("its bytes say all that it is")
  func roundTrip() {
    #expect(ClientPassage(full.bytes) == full)
    #expect(ClientPassage(ClientPassage().bytes) == ClientPassage())
  }

  @Test("bytes that are cut off, too long or of another version are none")
  func garbage() {
    let bytes = full.bytes
    for length in bytes.indices { #expect(ClientPassage(Array(bytes[..<length])) == nil, "\(length) bytes") }
    #expect(ClientPassage(bytes + [0]) == nil)
    #expect(ClientPassage([9] + bytes.dropFirst()) == nil)
    var random = SplitMix64(seed: 7)
    for _ in 0..<5_000 {
      var broken = bytes
      broken[Int(random.next() % UInt64(broken.count))] = UInt8(truncatingIfNeeded: random.next())
      // Whatever it says then, it is read within its bounds.
      _ = ClientPassage(broken)
    }
  }
}
