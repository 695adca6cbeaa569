import PoolCore
import Testing

@Suite("Deadlines") struct TimerWheelTests {
  private func wheel() -> TimerWheel { TimerWheel(resolution: 8_000_000, slots: 16, now: at(0)) }

  @Test("a timer fires once, not before its deadline and at most one resolution late")
  func once() {
    var timers = wheel()
    timers.set(3, at(20))
    #expect(timers.nextExpired(at: at(19)) == nil)
    #expect(timers.nextExpired(at: at(28)) == 3)
    #expect(timers.nextExpired(at: at(1000)) == nil)
    #expect(timers.count == 0)
    #expect(timers.nextLook == nil)
  }

  @Test("a cancelled timer never fires, and cancelling what is not set is harmless")
  func cancelled() {
    var timers = wheel()
    timers.cancel(5)
    timers.set(5, at(10))
    timers.cancel(5)
    timers.cancel(5)
    #expect(timers.nextExpired(at: at(100)) == nil)
    #expect(!timers.isSet(5))
  }

  @Test("setting again replaces the deadline")
  func replaced() {
    var timers = wheel()
    timers.set(1, at(10))
    timers.set(1, at(100))
    #expect(timers.count == 1)
    #expect(timers.nextExpired(at: at(50)) == nil)
    #expect(timers.nextExpired(at: at(108)) == 1)
  }

  @Test("a deadline that has passed when it is set fires at the next look")
  func past() {
    var timers = wheel()
    timers.set(0, at(500))
    #expect(timers.nextExpired(at: at(508)) == 0)
    timers.set(1, at(100))
    #expect(timers.nextExpired(at: at(509)) == 1)
  }

  @Test("a timer many turns ahead does not ask for a look before the next slot: the loop would spin")
  func noSpin() {
    var timers = wheel()
    // 16 slots of 8 ms are a turn of 128 ms; this lies in the present slot, ten turns on.
    timers.set(0, at(1279))
    #expect(timers.nextExpired(at: at(1)) == nil)
    for now in stride(from: UInt64(2), to: 1279, by: 1) {
      _ = timers.nextExpired(at: at(now))
      #expect(timers.nextLook.map { $0 > at(now) } == true, "at \(now) ms")
    }
    #expect(timers.nextExpired(at: at(1287)) == 0)
  }

  @Test("as a sorted list would have it", arguments: 1...20 as ClosedRange<UInt64>)
  func model(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var timers = wheel()
    var deadlines: [Int: UInt64] = [:]
    var now: UInt64 = 0
    for _ in 0..<3000 {
      switch random.next() % 4 {
      case 0, 1:
        let number = Int(random.next() % 40)
        // Now and then in the past.
        let deadline = now + random.next() % 400
        deadlines[number] = deadline > 20 ? deadline - 20 : 0
        timers.set(number, at(deadline > 20 ? deadline - 20 : 0))
      case 2:
        let number = Int(random.next() % 40)
        deadlines[number] = nil
        timers.cancel(number)
      default:
        now += random.next() % 16 == 0 ? random.next() % 1000 : random.next() % 20
        while let number = timers.nextExpired(at: at(now)) {
          let deadline = deadlines.removeValue(forKey: number)
          #expect(deadline.map { $0 <= now } == true, "seed \(seed): \(number) fired early or twice")
        }
        #expect(deadlines.values.allSatisfy { $0 + 8 > now }, "seed \(seed): late at \(now)")
        let next = timers.nextLook
        #expect((next == nil) == deadlines.isEmpty, "seed \(seed)")
        if let next, let soonest = deadlines.values.min() { #expect(next <= at(soonest + 8), "seed \(seed)") }
      }
      #expect(timers.count == deadlines.count, "seed \(seed)")
    }
  }
}
