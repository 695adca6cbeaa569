/// The moments at which a script named for them runs; the raw value is the file name's first part.
///
/// Source: Flyway 13, SQL callbacks. `beforeConnect` is a name, but a `.sql` file of it never runs: there is no
/// connection yet.
package enum CallbackEvent: String, CaseIterable, Sendable, Hashable {
  case beforeConnect, afterConnect
  case createSchema, beforeCreateSchema
  case beforeMigrate, afterMigrate, afterMigrateApplied, afterVersioned, beforeRepeatables, afterMigrateError
  case afterMigrateOperationFinish
  case beforeEachMigrate, afterEachMigrate, afterEachMigrateError
  case beforeEachMigrateStatement, afterEachMigrateStatement, afterEachMigrateStatementError
  case beforeUndo, afterUndo, afterUndoError
  case beforeEachUndo, afterEachUndo, afterEachUndoError
  case beforeEachUndoStatement, afterEachUndoStatement, afterEachUndoStatementError
  case beforeClean, afterClean, afterCleanError
  case beforeInfo, afterInfo, afterInfoError, afterInfoOperationFinish
  case beforeValidate, afterValidate, afterValidateError
  case beforeBaseline, afterBaseline, afterBaselineError
  case beforeRepair, afterRepair, afterRepairError
}
