import PoolCore
import PostgresWire

/// Swift Testing has an `Expectation` of its own.
typealias Owed = Expectation

/// One event at a ledger, as the tables write it.
enum LedgerEvent: Sendable {
  case sent(Owed.Kind, UInt32 = 0)
  /// A message from the backend and what must become of it.
  case came(UInt8, ReplyVerdict)
  /// ReadyForQuery with its status.
  case ready(TransactionStatus, ReplyVerdict)
  case settled(Bool)
  case doubtful
  /// What the server skipped, as (kind, payload).
  case skipped([Owed])
}

struct LedgerCase: Sendable, CustomStringConvertible {
  var claim: String
  var events: [LedgerEvent]
  var description: String { claim }

  /// What does not happen as written.
  func faults() -> [String] {
    var ledger = ReplyLedger()
    var faults: [String] = []
    for (number, event) in events.enumerated() {
      switch event {
      case .sent(let kind, let payload): ledger.sent(Owed(kind, payload))
      case .came(let tag, let expected):
        let verdict = ledger.received(tag, status: nil)
        if verdict != expected { faults.append("\(number): \(verdict) instead of \(expected)") }
      case .ready(let status, let expected):
        let verdict = ledger.received(BackendTag.readyForQuery, status: status)
        if verdict != expected { faults.append("\(number): \(verdict) instead of \(expected)") }
      case .settled(let expected):
        if ledger.isSettled != expected { faults.append("\(number): settled is \(ledger.isSettled)") }
      case .doubtful:
        if !ledger.isDoubtful || ledger.isSettled { faults.append("\(number): not doubtful") }
      case .skipped(let expected):
        let dropped = ledger.takeDropped()
        if dropped != expected { faults.append("\(number): skipped \(dropped)") }
      }
    }
    return faults
  }
}
