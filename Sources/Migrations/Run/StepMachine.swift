/// A machine that says what to do next and is told what came of it: ``MigrationRun``, ``UndoRun``. One performer
/// serves all.
package protocol StepMachine: Sendable {
  /// The first step.
  mutating func start() -> MigrationStep
  /// The next step, now that the last one has come to `result`. After `.finished` there is none.
  mutating func next(_ result: MigrationStepResult) -> MigrationStep
  /// As ``next(_:)`` when somebody else held a lock that the last step needed: begins anew what can be begun anew,
  /// else nil, and it is a failure.
  mutating func again() -> MigrationStep?
  /// What has been done and committed, in order.
  var applied: [AppliedMigration] { get }
  /// What ran in a group that failed: it was rolled back with the rest.
  var rolledBack: [AppliedMigration] { get }
  /// The highest version before the first migration; nil on an empty schema.
  var initialVersion: MigrationVersion? { get }
}

extension StepMachine {
  package mutating func again() -> MigrationStep? { nil }
  package var rolledBack: [AppliedMigration] { [] }
}
