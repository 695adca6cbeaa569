/// One thing that a ``StepMachine`` wants done next.
package enum MigrationStep: Sendable, Equatable {
  /// The event's scripts, each in its own transaction.
  case callback(CallbackEvent)
  /// The event's scripts, inside the migration's transaction if it has one.
  case eachCallback(CallbackEvent, ResolvedMigration)
  /// The advisory lock, waiting for it by asking again and again. Where the run's lock belongs to a transaction,
  /// that transaction is open afterwards.
  case lock
  /// The rows of the history table → `.history`.
  case readHistory
  /// Look over the script → `.inspected`.
  case inspect(ResolvedMigration)
  /// Role and search path back to where they were at the start.
  case resetSession
  case begin
  /// The script's statements → `.ran`.
  case run(ResolvedMigration, transactional: Bool)
  case record(HistoryRow)
  /// Take rows out of the history.
  case forget([HistoryRow])
  case commit
  case rollBack
  case unlock
  /// Wait before the turn is begun anew, for the `attempt`th time.
  case pause(attempt: Int)
  /// The end. An error here is one that the rules found; one that a step met is the performer's to tell.
  case finished(MigrationError?)
}

/// What came of a step.
package enum MigrationStepResult: Sendable, Equatable {
  case done
  case history([HistoryRow])
  case inspected(transactional: Bool)
  case ran(milliseconds: Int)
  /// As `ran`, but the script may have let the lock go, or written into the history table.
  case ranAndMayHaveUnlocked(milliseconds: Int)
  /// The step could not be done; the performer keeps the error.
  case failed(milliseconds: Int)
}

/// A migration that this run has applied for good.
package struct AppliedMigration: Sendable, Equatable {
  package var file: ResolvedMigration
  package var milliseconds: Int
}
