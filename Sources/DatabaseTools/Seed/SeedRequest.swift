/// What a run is asked to do beyond its plan.
package struct SeedRequest: Sendable {
  package enum Task: Sendable, Equatable {
    /// Add what is missing.
    case load
    /// Find out what would be added, and leave everything as it is.
    case dryRun
    /// Compare the rows that are there with those that the plan makes, and leave everything as it is.
    case verify
    /// Delete the plan's rows.
    case reset
  }

  package var task: Task
  /// Row counts that replace the plan's, by table.
  package var rows: [String: Int]
  /// The tables to fill; nil for all of them.
  package var only: [String]?
  /// Replaces the plan's seed.
  package var seed: UInt64?
  /// How many sessions load at once, from 1.
  package var jobs: Int
  /// The name of the database, typed by someone who knows that it says production.
  package var acknowledged: String?

  package init(
    _ task: Task = .load, rows: [String: Int] = [:], only: [String]? = nil, seed: UInt64? = nil,
    jobs: Int = 1,
    acknowledged: String? = nil
  ) {
    self.task = task
    self.rows = rows
    self.only = only
    self.seed = seed
    self.jobs = jobs
    self.acknowledged = acknowledged
  }

  var isDryRun: Bool { task == .dryRun }
}

/// How far a run is.
package struct SeedProgress: Sendable, Equatable {
  /// The table under way.
  package var table: String
  /// Rows made of all tables so far, and all there are to make.
  package var done: Int
  package var total: Int

  package init(table: String, done: Int, total: Int) {
    self.table = table
    self.done = done
    self.total = total
  }
}
