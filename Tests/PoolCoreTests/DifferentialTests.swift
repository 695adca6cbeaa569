import PoolCore
import Testing

@Suite("Clients behind the pool, against a server of their own")
struct DifferentialTests {
  @Test(
    "each client sees what it would see alone, whoever it shares the backends with",
    arguments: 1...120 as ClosedRange<UInt64>)
  func sameAsDirect(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    #expect(DifferentialRun(&random, steps: 600).faults == [], "seed \(seed)")
  }
}
