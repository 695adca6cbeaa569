/// Where a migration stands, in Flyway's words. The raw value is what `info` shows.
package enum MigrationState: String, Sendable, CaseIterable {
  case pending = "Pending"
  case aboveTarget = "Above Target"
  case belowBaseline = "Below Baseline"
  case baselineIgnored = "Ignored (Baseline)"
  case ignored = "Ignored"
  case baseline = "Baseline"
  case success = "Success"
  case failed = "Failed"
  case outOfOrder = "Out of Order"
  case missing = "Missing"
  case missingFailed = "Failed (Missing)"
  case future = "Future"
  case futureFailed = "Failed (Future)"
  case outdated = "Outdated"
  case superseded = "Superseded"
  case deleted = "Deleted"
  /// Applied, and taken back by an undo migration after that.
  case undone = "Undone"
  /// An undo migration that has not been used; `info` has no line for it.
  case available = "Available"

  package var isFailed: Bool { self == .failed || self == .missingFailed || self == .futureFailed }
  package var isMissing: Bool { self == .missing || self == .missingFailed }
  package var isFuture: Bool { self == .future || self == .futureFailed }
}
