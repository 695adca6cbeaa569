import PoolCore
import Testing

@testable import PoolServer

@Suite("What is remembered of slow transactions") struct SlowTransactionTests {
  private func words(_ text: String) -> StatementWords { StatementWords(text: text, fingerprint: "") }

  @Test("wait and server time add up, and the statement that took longest is kept")
  func notes() {
    var slow = SlowTransactions()
    slow.waited(7, 50)
    slow.answered(7, 10) { words("begin") }
    slow.answered(7, 100) { words("update") }
    slow.answered(7, 40) {
      Issue.record("asked for the text of a shorter one")
      return nil
    }
    // Its text is not known.
    slow.answered(7, 900) { nil }
    let notes = slow.ended(7)
    #expect(notes.waited == 50)
    #expect(notes.server == 1_050)
    #expect(notes.queries == 4)
    #expect(notes.statement == words("update"))
    #expect(slow.isEmpty)
  }

  @Test("each transaction begins anew")
  func anew() {
    var slow = SlowTransactions()
    slow.answered(1, 10) { words("a") }
    slow.waited(1, 5)
    #expect(slow.ended(1).queries == 0)
    #expect(slow.ended(1).waited == 0)
  }

  @Test("ten lines a second, and the next one says how many were held back")
  func limit() {
    var limit = LogLimit()
    let start: UInt64 = 5_000_000_000
    for line in 0..<25 {
      let admitted = limit.admit(at: Instant(nanoseconds: start + UInt64(line)))
      #expect(admitted == (line < LogLimit.linesPerSecond ? 0 : nil))
    }
    #expect(limit.admit(at: Instant(nanoseconds: start + 1_000_000_000)) == 15)
    #expect(limit.admit(at: Instant(nanoseconds: start + 1_000_000_001)) == 0)
  }
}
