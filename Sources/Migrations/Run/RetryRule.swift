package import SQLText

/// What may be tried again when a lock was not had, and after how long.
package enum RetryRule {
  /// Whether an error means that somebody else was in the way: a lock not had in time, or a deadlock that this
  /// session was chosen to end.
  package static func isWorthAnotherTry(sqlState: String?) -> Bool {
    sqlState == "55P03" || sqlState == "40P01"
  }

  /// How a statement outside a transaction can run again after it has failed.
  package enum Repetition: Sendable, Equatable {
    case asItIs
    /// After the INVALID index that it may have left has been dropped. The table is text for `to_regclass`.
    case withoutIndex(String, table: String)
    case never
  }

  /// Most statements leave nothing behind when they fail. The CONCURRENTLY forms leave an invalid index or a half
  /// detached partition, CALL and DO may have committed a part, and the data of a COPY has gone by.
  package static func repetition(of statement: ScriptStatement) -> Repetition {
    switch statement.keywords.first {
    case "CALL", "DO", "COPY", "EXECUTE": return .never
    case "CREATE", "DROP", "REINDEX", "ALTER", "REFRESH", "REPACK":
      guard StatementWords(statement.text.span).contain("CONCURRENTLY") else { return .asItIs }
      return switch InterruptedStatement(statement) {
      case .indexBuild(let name, let table): .withoutIndex(name, table: table)
      // An index that it has made unusable already is dropped all the same.
      case .indexDrop: .asItIs
      case .transactionStart, .transactionEnd, .unknown: .never
      }
    default: return .asItIs  // an open set
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
