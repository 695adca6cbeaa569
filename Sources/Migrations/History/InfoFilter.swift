/// Which lines `info` shows: `infoSinceDate` and its like. Source: Flyway 13, `info`.
package struct InfoFilter: Sendable, Equatable {
  /// `2020-12-01 13:00:00`, in the server's time as the history has it.
  private var since: String?
  private var until: String?
  private var sinceVersion: MigrationVersion?
  private var untilVersion: MigrationVersion?
  /// Empty for all.
  private var states: Set<MigrationState> = []

  /// - Throws: `MigrationError.unreadableDate`, `.unreadableChoice` for a state, `.invalidVersion`.
  package init(_ settings: MigrationSettings) throws(MigrationError) {
    since = try Self.date("infoSinceDate", settings)
    until = try Self.date("infoUntilDate", settings)
    if let text = settings.optional("infoSinceVersion") { sinceVersion = try MigrationVersion(text) }
    if let text = settings.optional("infoUntilVersion") { untilVersion = try MigrationVersion(text) }
    for word in settings.list("infoOfState") {
      let name = Self.name(word)
      guard
        let state = MigrationState.allCases.first(where: {
          $0.flywayName == name || Self.name($0.rawValue) == name
        })
      else {
        throw .unreadableChoice(
          name: "infoOfState", value: word,
          choices: MigrationState.allCases.map { $0.flywayName.lowercased() })
      }
      states.insert(state)
    }
  }

  /// The lines to show. Unused undo files are none, unless their state is asked for.
  package func lines(of plan: MigrationPlan) -> [PlannedMigration] {
    (plan.entries + (states.contains(.available) ? plan.available : [])).filter { matches($0) }
  }

  /// What has no date or version is after everything, and not before anything.
  private func matches(_ line: PlannedMigration) -> Bool {
    let installed = line.applied?.installedOnLocal
    if let since, let installed, installed <= since { return false }
    if let until, installed.map({ $0 >= until }) ?? true { return false }
    if let sinceVersion, let version = line.version, version < sinceVersion { return false }
    if let untilVersion, line.version.map({ $0 > untilVersion }) ?? true { return false }
    return states.isEmpty || states.contains(line.state)
  }

  /// `out of order`, `Out_Of_Order` and `OUT_OF_ORDER` are one.
  private static func name(_ text: String) -> String {
    String(text.uppercased().map { $0 == " " ? "_" : $0 }.filter { $0 != "(" && $0 != ")" })
  }

  /// Reads `dd/MM/yyyy HH:mm`.
  private static func date(_ name: String, _ settings: MigrationSettings) throws(MigrationError) -> String? {
    guard let text = settings.optional(name) else { return nil }
    let halves = text.split(separator: " ", omittingEmptySubsequences: true)
    let day = halves.first?.split(separator: "/") ?? []
    let time = halves.last?.split(separator: ":") ?? []
    let numbers = (day + time).compactMap { Int($0) }
    guard halves.count == 2, day.count == 3, time.count == 2, numbers.count == 5,
      (1...31).contains(numbers[0]),
      (1...12).contains(numbers[1]), (1...9999).contains(numbers[2]), (0...23).contains(numbers[3]),
      (0...59).contains(numbers[4])
    else { throw .unreadableDate(name: name, value: text) }
    func padded(_ number: Int, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: width - digits.count) + digits
    }
    return "\(padded(numbers[2], 4))-\(padded(numbers[1], 2))-\(padded(numbers[0], 2))"
      + " \(padded(numbers[3], 2)):\(padded(numbers[4], 2)):00"
  }
}

extension MigrationState {
  /// The name that Flyway's options have for it.
  var flywayName: String {
    switch self {
    case .pending: "PENDING"
    case .aboveTarget: "ABOVE_TARGET"
    case .belowBaseline: "BELOW_BASELINE"
    case .baselineIgnored: "BASELINE_IGNORED"
    case .ignored: "IGNORED"
    case .baseline: "BASELINE"
    case .success: "SUCCESS"
    case .failed: "FAILED"
    case .outOfOrder: "OUT_OF_ORDER"
    case .missing: "MISSING_SUCCESS"
    case .missingFailed: "MISSING_FAILED"
    case .future: "FUTURE_SUCCESS"
    case .futureFailed: "FUTURE_FAILED"
    case .outdated: "OUTDATED"
    case .superseded: "SUPERSEDED"
    case .deleted: "DELETED"
    case .undone: "UNDONE"
    case .available: "AVAILABLE"
    }
  }
}
