package import Migrations

extension MigrationReport {
  package static func document(_ plan: RepairPlan, _ session: MigrationSession) -> JSONValue {
    func line(_ row: HistoryRow, _ path: String) -> JSONValue {
      .object([
        .init("description", .string(row.description)), .init("filepath", .string(path)),
        .init("version", .string(row.version?.text ?? "")),
      ])
    }
    return .object([
      .init("database", .string(session.database)), .init("flywayVersion", .string(flywayVersion)),
      .init("migrationsAligned", .array(plan.aligned.map { line($0.before, $0.path) })),
      .init("migrationsDeleted", .array(plan.deleted.map { line($0, "") })),
      .init("migrationsRemoved", .array(plan.removed.map { line($0, "") })),
      .init("operation", .string("repair")),
      .init("repairActions", .array(plan.actions.map { .string($0) })), .init("warnings", .array([])),
    ])
  }

  package static func baselineDocument(_ session: MigrationSession) -> JSONValue {
    .object([
      .init("baselineVersion", .string(session.settings.baselineVersion.text)),
      .init("database", .string(session.database)), .init("flywayVersion", .string(flywayVersion)),
      .init("operation", .string("baseline")), .init("successfullyBaselined", .bool(true)),
      .init("warnings", .array([])),
    ])
  }

  package static func document(_ result: CleanResult, _ session: MigrationSession) -> JSONValue {
    func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    return .object([
      .init("database", .string(session.database)), .init("flywayVersion", .string(flywayVersion)),
      .init("operation", .string("clean")), .init("schemasCleaned", list(result.cleaned)),
      .init("schemasDropped", list(result.dropped)), .init("warnings", list(result.warnings)),
    ])
  }
}
