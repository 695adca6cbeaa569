import PostgresWire
import Testing

@Suite("Hostile bytes")
struct HostileBytesTests {
  @Test("no reader traps or points outside on any prefix of any message", arguments: allMessages.map(\.bytes))
  func prefixes(bytes: [UInt8]) {
    for count in 0...bytes.count {
      let prefix = Array(bytes.prefix(count))
      #expect(readEverything(prefix, at: 0, length: count))
      // A length that is longer than what is there, as from a header that was believed too early.
      _ = readEverything(prefix, at: 0, length: bytes.count)
    }
  }

  @Test("nor on any message with one byte changed", arguments: allMessages.map(\.bytes))
  func corruptions(bytes: [UInt8]) {
    for index in bytes.indices {
      for value in [0, 1, 0x7f, 0x80, 0xff, bytes[index] ^ 1, bytes[index] &+ 1] as [UInt8] {
        var corrupt = bytes
        corrupt[index] = value
        #expect(readEverything(corrupt, at: 0, length: corrupt.count), "byte \(index) set to \(value)")
      }
    }
  }

  @Test(
    "nor for an offset or a length that cannot be",
    arguments: [(-1, 10), (0, -1), (0, 0), (0, 4), (0, 11), (6, 5), (10, 0), (11, 5), (100, 5), (0, 1 << 40)])
  func impossibleRanges(offset: Int, length: Int) {
    _ = readEverything(Array(repeating: 0, count: 10), at: offset, length: length)
    #expect(QueryView.read(in: [UInt8](repeating: 0, count: 10).span, at: offset, length: length) == nil)
  }

  @Test("nor on bytes drawn at random", arguments: 1...20 as ClosedRange<UInt64>)
  func random(seed: UInt64) {
    var generator = SplitMix(state: seed)
    for _ in 0..<300 {
      let count = Int(generator.next() % 64)
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next() & generator.next()) }
      #expect(readEverything(bytes, at: 0, length: count), "seed \(seed), bytes \(bytes)")
      _ = StartupPacket.read(in: bytes.span)
      _ = StartupPacket.read(in: (word(count + 8) + word(0x30000) + bytes).span)
      _ = parseOptions(bytes)
    }
  }
}

/// A small generator whose numbers are the same for the same seed everywhere.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
