import DatabaseTools
import Foundation
import LibPQ
import TestSupport

/// A statement that runs on a thread of its own, since it has to wait for another session.
final class RunningQuery {
  private final class Outcome: @unchecked Sendable {
    // Written by the thread before it signals `done`, read by the test after it.
    var text = ""
    let done = DispatchSemaphore(value: 0)
  }

  private let outcome = Outcome()
  private let pid: Int32

  init(_ sql: String, at target: DatabaseTarget) throws {
    let connection = try target.connect()
    pid = connection.backendPID
    nonisolated(unsafe) let session = connection  // handed over: only the thread uses it from here on
    let outcome = outcome
    Thread.detachNewThread {
      do throws(ServerError) {
        outcome.text = try session.query(sql).first ?? ""
      } catch {
        outcome.text = error.sqlState
      }
      outcome.done.signal()
    }
  }

  /// Whether it comes to wait for a lock.
  func isWaiting(seenBy connection: Connection) throws -> Bool {
    try eventually {
      try connection.query("SELECT cardinality(pg_blocking_pids($1::int)) > 0", [String(pid)]).first == "t"
    }
  }

  /// The first value, or the SQLSTATE of its failure.
  func answer() -> String {
    outcome.done.wait()
    return outcome.text
  }
}
