import PoolCore
import Testing

@Suite("Values by number") struct NumberTableTests {
  @Test("a value is found until it is removed, and changed in its place")
  func lifetime() {
    var table = NumberTable<String>()
    #expect(table[7] == nil)
    #expect(table.remove(7) == nil)
    table.set(7, "seven")
    table.set(7 << 32, "many")
    #expect(table.count == 2)
    if let place = table.place(of: 7) { table[place: place] += "!" }
    #expect(table[7] == "seven!")
    #expect(table.remove(7) == "seven!")
    #expect(table[7] == nil)
    #expect(table[7 << 32] == "many")
  }

  @Test("as a dictionary would have it", arguments: [1, 2, 3, 0x5EED] as [UInt64])
  func model(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var table = NumberTable<UInt64>()
    var model: [UInt64: UInt64] = [:]
    for step in 0..<20_000 {
      // Clients in the upper half, names in the lower: neighbours come and go all the time.
      let key = random.next() % 8 << 32 | random.next() % 16
      switch random.next() % 3 {
      case 0:
        #expect(table.remove(key) == model.removeValue(forKey: key), "seed \(seed), step \(step)")
      case 1:
        let value = random.next()
        table.set(key, value)
        model[key] = value
      default: #expect(table[key] == model[key], "seed \(seed), step \(step)")
      }
    }
    #expect(table.count == model.count)
    #expect(Dictionary(uniqueKeysWithValues: zip(table.keys, table.values)) == model)
  }
}
