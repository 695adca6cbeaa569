import Testing

@testable import PoolServer

@Suite("What the system tells of the process") struct ProcessFactsTests {
  @Test("start and memory are read behind the name, whatever it holds")
  func stat() {
    var facts = ProcessFacts()
    // proc(5) of a sleep that was renamed to "a) b (c", shortened to its numbers.
    facts.readStat(
      "4242 (a) b (c) S 1 4242 4242 0 -1 4194304 100 0 0 0 12 34 0 0 20 0 5 0 150050 8200192 220 184467 1 1",
      boot: "cpu 1 2 3\nbtime 1700000000\nprocesses 7\n", ticksPerSecond: 100, pageSize: 4_096)
    #expect(facts.virtualBytes == 8_200_192)
    #expect(facts.residentBytes == 220 * 4_096)
    #expect(facts.startNanoseconds == 1_700_001_500_500_000_000)
  }

  @Test("a text that is none leaves everything as it is", arguments: ["", "4242", "4242 (x) S 1 2"])
  func garbage(stat: String) {
    var facts = ProcessFacts()
    facts.readStat(stat, boot: "", ticksPerSecond: 100, pageSize: 4_096)
    #expect(facts == ProcessFacts())
  }

  @Test(
    "the limit of descriptors is the soft one",
    arguments: [
      ("Max open files            1024                 524288               files", 1_024),
      ("Max open files            unlimited            unlimited            files", nil), ("", nil),
    ] as [(String, Int?)])
  func limit(line: String, most: Int?) {
    #expect(ProcessFacts.mostDescriptors("Limit  Soft Limit  Hard Limit  Units\n" + line) == most)
  }

  @Test("of this process it tells what must be so")
  func own() {
    let facts = ProcessFacts.now
    #expect(facts.cpuNanoseconds > 0)
    #expect(facts.residentBytes > 1 << 20)
    #expect(facts.virtualBytes >= facts.residentBytes)
    #expect(facts.openDescriptors >= 3)
    #expect(facts.startNanoseconds > 1_600_000_000_000_000_000)
    #expect(facts.startNanoseconds <= facts.timeNanoseconds)
    // A test run does not take a week.
    #expect(facts.uptimeNanoseconds < 7 * 86_400 * 1_000_000_000)
  }
}
