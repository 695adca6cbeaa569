import Migrations

/// The JSON documents of the migration commands, in Flyway's shapes: the same names, in alphabetical order.
package enum MigrationReport {
  /// The version of Flyway whose behaviour and documents these are.
  static let flywayVersion = "13.0.0"

  package static func document(
    _ result: InfoResult, _ session: MigrationSession, timestamp: String
  ) -> JSONValue {
    .object([
      .init("allSchemasEmpty", .bool(result.allSchemasEmpty)), .init("database", .string(session.database)),
      .init("exception", .null), .init("flywayVersion", .string(flywayVersion)),
      .init("licenseFailed", .bool(false)), .init("migrations", .array(result.lines.map { line($0) })),
      .init("operation", .string("info")), .init("schemaName", .string(session.schemaNames)),
      .init("schemaVersion", optional(result.plan.currentVersion?.text)),
      .init("timestamp", .string(timestamp)),
    ])
  }

  private static func line(_ entry: PlannedMigration) -> JSONValue {
    .object([
      .init("category", .string(entry.category)), .init("description", .string(entry.description)),
      .init("executionTime", .integer(entry.applied?.executionTime ?? 0)),
      .init("filepath", .string(entry.resolved?.absolutePath ?? "")),
      .init("installedBy", .string(entry.applied?.installedBy ?? "")),
      .init("installedOnUTC", .string(entry.applied?.installedOn ?? "")),
      .init("rawVersion", .string(entry.rawVersion)),
      .init("shouldExecuteExpression", optional(entry.resolved?.config.condition?.text)),
      .init("state", .string(entry.state.rawValue)), .init("type", .string(entry.type.rawValue)),
      .init("undoFilepath", .string(entry.undo?.absolutePath ?? "")),
      .init("undoable", .string(entry.undoable)),
      .init("version", .string(entry.version?.text ?? "")),
    ])
  }

  package static func document(_ result: ValidateResult, _ session: MigrationSession) -> JSONValue {
    let details: JSONValue =
      if let schema = result.missingSchema {
        problem(.schemaDoesNotExist, "Schema \(schema) doesn't exist yet")
      } else if !result.findings.isEmpty {
        problem(.validateError, "Migrations have failed validation")
      } else {
        .null
      }
    return .object([
      .init("allErrorMessages", .string(result.findings.map(\.message).joined(separator: "\n"))),
      .init("database", .string(session.database)), .init("errorDetails", details),
      .init("flywayVersion", .string(flywayVersion)),
      .init(
        "invalidMigrations",
        .array(
          result.findings.map { finding in
            .object([
              .init("description", .string(finding.description)),
              .init("errorDetails", problem(finding.code, finding.message)),
              .init("filepath", .string(finding.path)), .init("version", .string(finding.version)),
            ])
          })),
      .init("operation", .string("validate")), .init("validateCount", .integer(result.count)),
      .init("validationSuccessful", .bool(result.isValid)),
      .init("warnings", .array(result.isEmpty ? [.string(ValidateResult.emptyWarning)] : [])),
    ])
  }

  package static func document(
    _ result: MigrateResult, _ session: MigrationSession, timestamp: String
  ) -> JSONValue {
    var members: [JSONValue.Member] = [
      .init("database", .string(session.database)), .init("databaseType", .string("PostgreSQL")),
    ]
    if let error = result.error { members.append(.init("error", statementError(error))) }
    members += [
      .init("exception", optional(result.error?.message)), .init("flywayVersion", .string(flywayVersion)),
      .init("initialSchemaVersion", optional(result.initialVersion?.text)),
      .init("licenseFailed", .bool(false)),
      // Flyway lists what a group rolled back, too, and does not count it.
      .init("migrations", .array((result.applied + result.rolledBack).map { line($0) })),
      .init("migrationsExecuted", .integer(result.applied.count)), .init("operation", .string("migrate")),
      .init("schemaName", .string(session.schemaNames)), .init("success", .bool(result.error == nil)),
      .init(
        "targetSchemaVersion", optional(result.error == nil ? result.targetVersion?.text : nil)),
      .init("timestamp", .string(timestamp)), .init("totalMigrationTime", .integer(result.milliseconds)),
      .init("warnings", .array([])),
    ]
    return .object(members)
  }

  private static func line(_ migration: AppliedMigration) -> JSONValue {
    let entry = PlannedMigration(applied: nil, resolved: migration.file, state: .success)
    return .object([
      .init("category", .string(entry.category)), .init("description", .string(entry.description)),
      .init("executionTime", .integer(migration.milliseconds)),
      .init("filepath", .string(migration.file.absolutePath)), .init("type", .string(entry.type.rawValue)),
      .init("version", .string(entry.version?.text ?? "")),
    ])
  }

  /// Several commands in one call.
  package static func document(_ individual: [JSONValue]) -> JSONValue {
    .object([.init("individualResults", .array(individual))])
  }

  // MARK: - Errors

  /// The document of a call that failed before or beside migrating.
  package static func document(_ error: MigrationFailure) -> JSONValue {
    var members = [
      JSONValue.Member("cause", cause(error.causes[...])), .init("errorCode", .string(error.code.rawValue)),
      .init("message", .string(error.message)),
    ]
    if let state = error.sqlState {
      members += [
        .init("sqlErrorCode", .integer(0)), .init("sqlState", .string(state)),
        .init("subErrorCode", optional(error.subCode)),
      ]
    }
    return .object([.init("error", .object(members))])
  }

  private static func statementError(_ error: MigrationFailure) -> JSONValue {
    .object([
      .init("cause", cause(error.causes[...])), .init("errorCode", .string(error.code.rawValue)),
      .init("lineNumber", error.line.map { .integer($0) } ?? .null), .init("message", .string(error.message)),
      .init("path", optional(error.path)), .init("sqlErrorCode", .integer(0)),
      .init("sqlState", optional(error.sqlState)),
    ])
  }

  private static func cause(_ messages: ArraySlice<String>) -> JSONValue {
    guard let first = messages.first else { return .null }
    return .object([.init("cause", cause(messages.dropFirst())), .init("message", .string(first))])
  }

  private static func problem(_ code: ErrorCode, _ message: String) -> JSONValue {
    .object([.init("errorCode", .string(code.rawValue)), .init("errorMessage", .string(message))])
  }

  private static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
}
