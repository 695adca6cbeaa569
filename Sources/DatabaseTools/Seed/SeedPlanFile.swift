package import SeedData

/// A plan with the file that it comes from, and its hooks.
package struct SeedPlanFile: Sendable, Equatable {
  /// SQL that runs in the load's transaction.
  package struct Hook: Sendable, Equatable {
    package var path: String
    package var sql: [UInt8]
  }

  package var plan: SeedPlan
  package var before: [Hook]
  package var after: [Hook]
  package var text: PlanText

  /// Where the shop's plan is.
  package static let defaultPath = "seeds/shop.toml"

  /// Reads a plan, its word lists and its hooks; their paths are relative to the plan's folder.
  /// - Parameter profile: the name of a file in `profiles/` beside the plan, whose settings come before the plan's.
  /// - Throws: `Failure` with file, line and column.
  package static func read(
    _ path: String = defaultPath, profile: String? = nil
  ) throws(Failure) -> SeedPlanFile {
    guard LocalFile.kind(of: path) == .file else {
      throw Failure(
        "there is no plan \(path)",
        hint: path == defaultPath
          ? "run it where seeds/ is, or name a plan: --plan FILE" : "name a plan that is there: --plan FILE")
    }
    let text = try LocalFile.text(of: path)
    let overrides: SeedProfile
    if let profile { overrides = try SeedProfile.read(profile, of: path) } else { overrides = SeedProfile() }
    return try PlanReader(path: path, text: text, profile: overrides, read: LocalFile.bytes(of:)).plan()
  }

  /// A problem with the plan as a failure that points into the file.
  package func failure(_ problem: PlanProblem) -> Failure {
    Self.failure(problem, in: text)
  }

  static func failure(_ problem: PlanProblem, in text: PlanText) -> Failure {
    let (place, excerpt) = text.place(table: problem.table, column: problem.column)
    return Failure(problem.message, place: place, excerpt: excerpt, hint: problem.hint)
  }
}
