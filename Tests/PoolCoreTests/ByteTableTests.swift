import PoolCore
import Testing

@Suite("Byte strings by number") struct ByteTableTests {
  @Test("equal bytes have one number, until their last user lets go")
  func counted() {
    var table = ByteTable(seed: 1)
    let text = Array("SELECT 1".utf8)
    let (number, isNew) = table.retain(text.span)
    #expect(isNew)
    #expect(table.retain(text.span) == (number, false))
    #expect(table.bytes(of: number) == text)
    #expect(table.release(number) == false)
    #expect(table.find(text.span) == number)
    #expect(table.release(number) == true)
    #expect(table.find(text.span) == nil)
    #expect(table.count == 0)
  }

  @Test("the empty string is one like others")
  func empty() {
    var table = ByteTable(seed: 1)
    #expect(table.find([UInt8]().span) == nil)
    let (number, _) = table.retain([UInt8]().span)
    #expect(table.find([UInt8]().span) == number)
    #expect(table.find([0].span) == nil)
  }

  @Test("as a dictionary would have it, whatever the seed", arguments: [0, 1, 2, 3, UInt64.max, 0x5EED])
  func model(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var table = ByteTable(seed: seed)
    var numbers: [[UInt8]: (number: UInt32, uses: Int)] = [:]
    for _ in 0..<20_000 {
      // Short strings of few letters: neighbours in the table come and go all the time.
      let bytes = (0..<random.next() % 12).map { _ in UInt8(random.next() % 3) }
      if random.next() % 2 == 0 {
        let (number, isNew) = table.retain(bytes.span)
        let known = numbers[bytes]
        #expect(isNew == (known == nil), "seed \(seed)")
        if let known { #expect(number == known.number, "seed \(seed)") }
        #expect(
          known != nil || !numbers.values.contains { $0.number == number }, "seed \(seed): number in use")
        numbers[bytes] = (number, (known?.uses ?? 0) + 1)
      } else if let known = numbers[bytes] {
        let wasLast = table.release(known.number)
        #expect(wasLast == (known.uses == 1), "seed \(seed)")
        numbers[bytes] = wasLast ? nil : (known.number, known.uses - 1)
      } else {
        #expect(table.find(bytes.span) == nil, "seed \(seed)")
      }
      if numbers.count > 300, let victim = numbers.first {
        for _ in 0..<victim.value.uses { _ = table.release(victim.value.number) }
        numbers[victim.key] = nil
      }
    }
    #expect(table.count == numbers.count)
    for (bytes, known) in numbers { #expect(table.find(bytes.span) == known.number, "seed \(seed)") }
  }
}
