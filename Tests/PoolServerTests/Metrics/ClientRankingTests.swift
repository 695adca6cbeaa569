import Testing

@testable import PoolServer

@Suite("Who holds and waits longest") struct ClientRankingTests {
  @Test("the earliest of many are found in order, whatever the order in which they are seen")
  func earliest() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      let times = (0..<200).map { _ in UInt64.random(in: 0..<50, using: &generator) }
      var found = Earliest(7)
      for (index, time) in times.enumerated() { found.see(index, since: time) }
      #expect(found.entries.map(\.since) == Array(times.sorted().prefix(7)))
      for entry in found.entries { #expect(times[entry.index] == entry.since) }
    }
  }

  @Test("fewer than there is room for are all there")
  func few() {
    var found = Earliest(3)
    found.see(4, since: 9)
    found.see(2, since: 1)
    #expect(found.entries.map(\.index) == [2, 4])
  }

  @Test("of several loops, the longest of all together; pins by the time that they have lasted")
  func sum() {
    func client(_ id: Int, held: UInt64, pinned: UInt64 = 0) -> ClientFacts {
      var facts = ClientFacts()
      (facts.id, facts.nanoseconds, facts.pinnedNanoseconds) = (id, held, pinned)
      return facts
    }
    var ranking = ClientRanking(
      holders: (0..<20).map { client($0, held: UInt64($0)) }, waiters: [],
      pinned: [client(1, held: 1, pinned: 5)])
    ranking.add(
      ClientRanking(
        holders: [client(100, held: 15), client(101, held: 99)], waiters: [client(7, held: 3)],
        pinned: [client(2, held: 99, pinned: 4)]))
    #expect(ranking.holders.count == ClientRanking.most)
    #expect(ranking.holders.prefix(2).map(\.id) == [101, 19])
    #expect(ranking.waiters.map(\.id) == [7])
    #expect(ranking.pinned.map(\.id) == [1, 2])
  }
}
