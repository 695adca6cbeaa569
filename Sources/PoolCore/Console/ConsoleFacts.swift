/// What SHOW tells beside the reports of the loops: configuration and clocks.
package struct ConsoleFacts: Sendable {
  /// dbtool's.
  package var version = ""
  package var host = ""
  package var port = 0
  package var listenPort = 0
  /// Backends that may be open.
  package var cap = 0
  package var maxClients = 0
  package var serverLifetimeSeconds: UInt64 = 0
  /// By clients' names; empty: every name is passed through.
  package var databases: [(name: String, target: String, mode: String?)] = []
  /// Everybody whom the configuration or `auth_file` names.
  package var users: [(name: String, mode: String?, maxBackends: Int)] = []
  package var peers: [(id: Int, host: String, port: Int)] = []
  package var settings: [ConsoleSetting] = []
  /// Databases by clients' names.
  package var paused: Set<String> = []
  package var disabled: Set<String> = []
  package var isPaused = false
  /// Of each name of a server.
  package var addresses: [String: [String]] = [:]
  /// The monotonic clock, in nanoseconds.
  package var now: UInt64 = 0
  /// The clock on the wall, in seconds since 1970, at ``now``.
  package var wallSeconds: Int64 = 0

  package init() {}

  /// A moment of the monotonic clock, as PgBouncer writes it.
  func time(_ moment: UInt64) -> ConsoleCell {
    guard moment > 0 else { return .null }
    let ago = now > moment ? (now - moment) / 1_000_000_000 : 0
    return .text(CivilTime.text(secondsSince1970: wallSeconds - Int64(clamping: ago)))
  }

  /// Seconds and the microseconds beyond them, since a moment.
  func wait(since moment: UInt64?) -> [ConsoleCell] {
    guard let moment, moment > 0, now > moment else { return [ConsoleCell(0), ConsoleCell(0)] }
    return Self.wait(now - moment)
  }

  static func wait(_ nanoseconds: UInt64) -> [ConsoleCell] {
    [ConsoleCell(nanoseconds / 1_000_000_000), ConsoleCell(nanoseconds / 1_000 % 1_000_000)]
  }
}

/// A key of the configuration, as SHOW CONFIG has it.
package struct ConsoleSetting: Equatable, Sendable {
  package var key: String
  package var value: String
  package var fallback: String
  /// By SET, while the pool runs.
  package var isChangeable: Bool

  package init(key: String, value: String, fallback: String, isChangeable: Bool) {
    self.key = key
    self.value = value
    self.fallback = fallback
    self.isChangeable = isChangeable
  }
}

/// Dates without a library. Source: the Gregorian calendar repeats every 146,097 days, which are 400 years.
package enum CivilTime {
  /// As `2026-11-22 01:51:26 UTC`.
  package static func text(secondsSince1970 seconds: Int64) -> String {
    let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
    let second = seconds - day * 86_400
    // Days from 1 March of the year 0: leap days come last in a year that begins in March.
    let shifted = day + 719_468
    let era = shifted >= 0 ? shifted / 146_097 : (shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }
    return "\(year)-\(padded(month))-\(padded(dayOfMonth)) "
      + "\(padded(second / 3_600)):\(padded(second / 60 % 60)):\(padded(second % 60)) UTC"
  }
}
