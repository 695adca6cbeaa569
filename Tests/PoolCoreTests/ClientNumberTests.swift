import PoolCore
import Testing

@Suite("The numbers by which clients are cancelled") struct ClientNumberTests {
  @Test(
    "a number leads back to its pool and its client's place, whatever chance adds",
    arguments: [0, 1, 7, 511], [1, 2, 10_256, 1_000_256])
  func wayBack(pool: Int, capacity: Int) {
    let numbers = ClientNumbers(pool: pool, capacity: capacity)
    for random in [0, 1, 0x8000_0000, 0xDEAD_BEEF, UInt32.max] {
      for place in Set([0, capacity / 2, capacity - 1]) {
        let number = numbers.number(at: place, random: random)
        #expect(numbers.place(of: number) == place)
        #expect(numbers.pool(of: number) == pool)
        #expect(number > 0 && number <= UInt32(Int32.max), "drivers take it for a signed number")
      }
    }
  }

  @Test("every pool reads a number alike, however many clients each takes")
  func between() {
    let small = ClientNumbers(pool: 3, capacity: 10)
    let large = ClientNumbers(pool: 4, capacity: 1_000_000)
    for random in [0, 99, UInt32.max] {
      #expect(large.pool(of: small.number(at: 9, random: random)) == 3)
      #expect(small.pool(of: large.number(at: 999_999, random: random)) == 4)
    }
  }

  @Test(
    "with 10,000 clients, 8 bits are left to chance beside the secret's 32, and 17 where there is no pool_id")
  func chance() {
    let named = ClientNumbers(pool: 511, capacity: 10_256)
    let alone = ClientNumbers(pool: 0, capacity: 10_256)
    let draws = (0..<(1 << 18)).map { UInt32($0) }
    #expect(Set(draws.map { named.number(at: 5, random: $0) }).count == 1 << 8)
    #expect(Set(draws.map { alone.number(at: 5, random: $0) }).count == 1 << 17)
  }

  @Test("the mark of a hop goes on behind a key of any length, and comes off again")
  func hop() {
    for length in [4, 8, 32, 256 - 8] {
      let key = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      #expect(CancelHop.read(key) == (key, false))
      #expect(CancelHop.read(CancelHop.marked(key)) == (key, true))
    }
    #expect(CancelHop.read([]) == ([], false))
  }
}
