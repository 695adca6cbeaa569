import Migrations

/// Short forms for tables of files and rows.
enum Make {
  /// `V1__a`, `R__view`, `B2__base`: a file whose checksum is `sum`.
  static func file(_ name: String, sum: Int32 = 1, equivalent: Int32? = nil) -> ResolvedMigration {
    var version: MigrationVersion?
    var raw = ""
    var text = ""
    var type = MigrationType.sql
    switch MigrationName.parse(name + ".sql", NamingRules()) {
    case .versioned(let rawVersion, let found, let description):
      (version, raw, text) = (found, rawVersion, description)
    case .baseline(let rawVersion, let found, let description):
      (version, raw, text, type) = (found, rawVersion, description, .sqlBaseline)
    case .undo(let rawVersion, let found, let description):
      (version, raw, text, type) = (found, rawVersion, description, .undoSQL)
    case .repeatable(let description): text = description
    case .callback, .invalid, nil: text = "?"
    }
    return ResolvedMigration(
      version: version, rawVersion: raw, description: text, type: type, script: name + ".sql",
      path: "sql/\(name).sql", absolutePath: "/w/sql/\(name).sql", checksum: sum,
      equivalentChecksum: equivalent)
  }

  /// A row as `migrate` would have written it for a file of this name.
  static func row(
    _ rank: Int, _ name: String, sum: Int32? = 1, type: MigrationType? = nil, success: Bool = true
  ) -> HistoryRow {
    let file = file(name)
    return HistoryRow(
      installedRank: rank, version: file.version, description: file.description, type: type ?? file.type,
      script: file.script, checksum: sum, installedBy: "app", executionTime: 1, success: success)
  }

  static func plan(
    _ files: [ResolvedMigration], _ rows: [HistoryRow], target: String = "latest", outOfOrder: Bool = false,
    undos: [ResolvedMigration] = []
  ) throws -> MigrationPlan {
    try MigrationPlan(
      resolved: ResolvedMigration.ordered(files), applied: rows,
      policy: .init(target: try MigrationTarget(target), outOfOrder: outOfOrder), undos: undos)
  }

  /// `1 Success`, `view Pending`, in the order of info.
  static func lines(_ plan: MigrationPlan) -> [String] {
    plan.entries.map { "\($0.version?.text ?? $0.description) \($0.state.rawValue)" }
  }
}
