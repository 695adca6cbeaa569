package import SQLText

/// What may be tried again when a lock was not had, and after how long.
package enum RetryRule {
  /// Whether an error means that somebody else was in the way: a lock not had in time, or a deadlock that this
  /// session was chosen to end.
  package static func isWorthAnotherTry(sqlState: String?) -> Bool {
    sqlState == "55P03" || sqlState == "40P01"
  }

  /// Whether a statement outside a transaction has left nothing behind when it fails, so that it can run again.
  ///
  /// The CONCURRENTLY forms leave an invalid index or a half detached partition, CALL and DO may have committed
  /// a part, and the data of a COPY has gone by.
  package static func canRunAgain(_ statement: ScriptStatement) -> Bool {
    switch statement.keywords.first {
    case "CALL", "DO", "COPY", "EXECUTE": false
    case "CREATE", "DROP", "REINDEX", "ALTER", "REFRESH", "REPACK":
      !StatementWords(statement.text.span).contain("CONCURRENTLY")
    default: true
    }
  }

  /// Milliseconds to wait before a try: half a second, doubled each time, 15 s at most, and of that a part between
  /// a half and the whole, so that many who failed together do not come back together.
  /// - Parameters:
  ///   - attempt: how many tries have failed, from 1.
  ///   - random: any number.
  package static func pause(attempt: Int, random: UInt64) -> Int {
    let longest = min(15_000, 500 << min(max(attempt - 1, 0), 10))
    return longest / 2 + Int(random % UInt64(longest / 2 + 1))
  }
}
