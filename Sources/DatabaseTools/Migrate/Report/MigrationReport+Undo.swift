import Migrations

extension MigrationReport {
  package static func document(_ result: UndoResult, _ session: MigrationSession) -> JSONValue {
    .object([
      .init("database", .string(session.database)), .init("flywayVersion", .string(flywayVersion)),
      .init("initialSchemaVersion", result.initialVersion.map { .string($0.text) } ?? .null),
      .init("migrationsUndone", .integer(result.undone.count)), .init("operation", .string("undo")),
      .init("schemaName", .string(session.schemaNames)),
      .init("targetSchemaVersion", result.version.map { .string($0.text) } ?? .null),
      .init(
        "undoneMigrations",
        .array(
          result.undone.map { undone in
            .object([
              .init("description", .string(undone.file.description)),
              .init("executionTime", .integer(undone.milliseconds)),
              .init("filepath", .string(undone.file.absolutePath)),
              .init("version", .string(undone.file.version?.text ?? "")),
            ])
          })),
      .init("warnings", .array(result.warnings.map { .string($0) })),
    ])
  }
}
