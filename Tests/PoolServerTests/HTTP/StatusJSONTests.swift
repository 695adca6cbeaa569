import Foundation
import PoolCore
import Testing

@testable import PoolServer

@Suite("/status.json") struct StatusJSONTests {
  private func document(_ snapshot: PoolSnapshot) throws -> [String: Any] {
    let text = snapshot.statusJSON(of: ProcessFacts())
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  @Test("tells backends, clients, queue and what was counted")
  func numbers() throws {
    var snapshot = PoolSnapshot()
    (snapshot.backendsInUse, snapshot.backendsIdle, snapshot.cap) = (61, 24, 85)
    (snapshot.waiting, snapshot.longestWaitNanoseconds, snapshot.maxClients) = (3, 1_500_000_000, 10_000)
    snapshot.counters.queries = 7
    snapshot.counters.queueRefusals = 2
    snapshot.counters.pins.add(.advisoryLock)
    snapshot.counters.borrowWait.record(20_000)
    snapshot.loopCPU = [1: 2_000_000_000, 0: 1_000_000_000]
    let all = try document(snapshot)
    #expect(all["state"] as? String == "server_unreachable")
    #expect(all["max_backends"] as? Int == 85)
    #expect((all["backends"] as? [String: Int])?["in_use"] == 61)
    #expect((all["clients"] as? [String: Int])?["waiting"] == 3)
    #expect((all["queue"] as? [String: Double])?["longest_seconds"] == 1.5)
    #expect((all["totals"] as? [String: Int])?["queries"] == 7)
    #expect((all["refusals"] as? [String: Int])?["queue_full"] == 2)
    #expect((all["pins"] as? [String: Int])?["advisory_lock"] == 1)
    let histograms = try #require(all["histograms"] as? [String: Any])
    #expect((histograms["bounds_seconds"] as? [Double])?.count == Histogram.boundedBuckets)
    let wait = try #require(histograms["borrow_wait"] as? [String: Any])
    let counts = try #require(wait["counts"] as? [Int])
    #expect(counts.count == Histogram.boundedBuckets + 1)
    #expect(counts[1] == 1)
    #expect(counts.reduce(0, +) == 1)
    let loops = try #require(all["loops"] as? [[String: Double]])
    #expect(loops.map { $0["cpu_seconds"] } == [1, 2])
  }

  @Test("names clients whatever they call themselves")
  func clients() throws {
    var client = ClientFacts()
    client.application = "</script>\u{2028}\u{0}\"\\\n\u{7F}é"
    client.state = .idleInTransaction
    client.nanoseconds = 2_500_000_000
    client.pinReasons = ["advisory_lock"]
    client.serverProcess = 4_242
    var snapshot = PoolSnapshot()
    snapshot.ranking = ClientRanking(holders: [client], waiters: [], pinned: [])
    let text = snapshot.statusJSON(of: ProcessFacts())
    #expect(!text.contains("<"))
    let holder = try #require((try document(snapshot)["holders"] as? [[String: Any]])?.first)
    #expect(holder["application_name"] as? String == client.application)
    #expect(holder["state"] as? String == "idle_in_transaction")
    #expect(holder["seconds"] as? Double == 2.5)
    #expect(holder["pin_reasons"] as? [String] == ["advisory_lock"])
    #expect(holder["server_process"] as? Int == 4_242)
  }

  @Test("says in which state the pool is, and why", arguments: [true, false])
  func state(isDraining: Bool) throws {
    var snapshot = PoolSnapshot()
    snapshot.isServerReachable = true
    snapshot.isDraining = isDraining
    #expect(try document(snapshot)["state"] as? String == (isDraining ? "draining" : "ready"))
    #expect(try document(snapshot)["server_error"] is NSNull)
  }
}
