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

  package var isFailed: Bool { self == .failed || self == .missingFailed || self == .futureFailed }
  package var isMissing: Bool { self == .missing || self == .missingFailed }
  package var isFuture: Bool { self == .future || self == .futureFailed }
}
