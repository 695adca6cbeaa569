import LibPQ
import Migrations
import SQLText

/// Sends statements outside a transaction again that did not get a lock, as `--retries` has it.
final class StatementRetries {
  private let session: MigrationSession
  private var attempts = 0

  init(_ session: MigrationSession) { self.session = session }

  /// Whether a statement is to be sent again; waits before it says yes, and clears away what the failure left.
  /// - Parameter attempt: how often this statement has failed, from 1.
  /// - Throws: `ServerError` when what it left cannot be cleared away.
  func isTriedAgain(
    _ error: ServerError, _ statement: ScriptStatement, attempt: Int
  ) throws(ServerError) -> Bool {
    if attempt == 1 { attempts = 0 }
    switch RetryRule.repetition(of: statement) {
    case .never: return false
    case .asItIs: return try pause(after: error, statement.string)
    case .withoutIndex(let name, let table):
      guard try pause(after: error, statement.string) else { return false }
      try drop(ConcurrentIndex(connection: session.connection, name: name, table: table))
      return true
    }
  }

  /// Drops an INVALID index. That wants a lock, too.
  func drop(_ index: ConcurrentIndex) throws(ServerError) {
    var isTold = false
    while true {
      do throws(ServerError) {
        return try index.dropInvalid { name in
          if !isTold {
            session.talk.warn(
              "index \(name) is INVALID: its build did not come to an end; it is dropped and built again")
          }
          isTold = true
        }
      } catch {
        guard try pause(after: error, "dropping index \(index.name)") else { throw error }
      }
    }
  }

  /// Waits when another try is worth it and allowed.
  private func pause(after error: ServerError, _ statement: String) throws(ServerError) -> Bool {
    guard RetryRule.isWorthAnotherTry(sqlState: error.sqlState),
      attempts < session.settings.number("retries")
    else { return false }
    attempts += 1
    let reason = session.explanation(error.message)
    try session.pause(attempts, "\(LockHolder.firstLine(statement, limit: 60)): \(reason)")
    return true
  }
}
