import PoolCore
import Testing

@testable import PoolServer

@Suite("A complaint that repeats itself") struct RepeatedComplaintTests {
  private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  @Test("is told once, and again after the pause, with how often it was held back")
  func repeats() {
    var complaint = RepeatedComplaint()
    #expect(complaint.tell("refused", at: at(0)) == 0)
    #expect(complaint.tell("refused", at: at(1)) == nil)
    #expect(complaint.tell("refused", at: at(9_999)) == nil)
    #expect(complaint.tell("refused", at: at(10_000)) == 2)
    #expect(complaint.tell("refused", at: at(10_001)) == nil)
  }

  @Test("another one is told at once")
  func changes() {
    var complaint = RepeatedComplaint()
    #expect(complaint.tell("refused", at: at(0)) == 0)
    #expect(complaint.tell("refused", at: at(1)) == nil)
    #expect(complaint.tell("no answer", at: at(2)) == 0)
    #expect(complaint.tell("refused", at: at(3)) == 0)
  }

  @Test("once settled, the next one is told at once")
  func settles() {
    var complaint = RepeatedComplaint()
    #expect(complaint.tell("refused", at: at(0)) == 0)
    complaint.settled()
    #expect(complaint.tell("refused", at: at(1)) == 0)
  }
}
