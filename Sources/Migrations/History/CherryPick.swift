/// One entry of `cherryPick`: a version, or a description with `_` for blanks. Source: Flyway's manual.
package struct CherryPick: Sendable, Equatable {
  /// As written.
  package let text: String
  private let version: MigrationVersion?
  private let description: String

  package init(_ text: String) {
    self.text = text
    version = try? MigrationVersion(text)
    description = String(text.map { $0 == "_" ? " " : $0 })
  }

  /// Whether it means this migration. A version names versioned migrations only; a description names both
  /// kinds.
  package func names(_ version: MigrationVersion?, _ description: String) -> Bool {
    if let version, let own = self.version { return own == version }
    return self.description == description
  }

  package static func list(_ texts: [String]) -> [CherryPick] { texts.map { CherryPick($0) } }

  /// What `migrate` applies, in the order of the list. What has been applied already is passed over.
  /// - Throws: `MigrationError.unknownPick`, and `.unreadyPick` for what is neither applied nor pending.
  static func chosen(
    _ picks: [CherryPick], of plan: MigrationPlan
  ) throws(MigrationError) -> [ResolvedMigration] {
    var chosen: [ResolvedMigration] = []
    for pick in picks {
      let named = plan.entries.filter { pick.names($0.version, $0.description) }
      let pending = named.filter { $0.state == .pending }.compactMap(\.resolved)
      if pending.isEmpty {
        guard let last = named.last else { throw .unknownPick(pick.text) }
        if last.applied == nil { throw .unreadyPick(pick.text, state: last.state.rawValue) }
      }
      chosen += pending.filter { !chosen.contains($0) }
    }
    return chosen
  }
}
