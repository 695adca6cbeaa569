/// What to do about errors of the server that migrations often meet, where the server does not say it.
enum VerifyAdvice {
  /// A failure of a migration with a hint for a reviewer: what state a throwaway database is in does not matter.
  static func improved(_ failure: Failure) -> Failure {
    var improved = failure
    let kept = (failure.hint ?? "").split(separator: "\n").filter { line in
      !states.contains { line.hasPrefix($0) }
    }
    improved.hint = hint(for: failure) ?? (kept.isEmpty ? nil : kept.joined(separator: "\n"))
    return improved
  }

  /// How the sentences begin that tell what a failed migration has left.
  private static let states = [
    "Nothing was changed by this migration", "Nothing of this migration was run", "What the script committed",
    "What ran before this statement",
  ]

  private static func hint(for failure: Failure) -> String? {
    switch failure.sqlState {
    case "42704" where failure.what.hasPrefix("role "):
      "create what the real server has in a file, and name it: --prepare FILE"
    case "0A000" where failure.what.contains("column generation expression"):
      "a generated column may look at its own row only: copy the value into the row, or compute it in a view"
    case "0A000" where failure.what.contains("is not available"), "58P01":
      "the throwaway server lacks an extension: install its package, or name other programs by --postgres-bin DIR"
    case "25001":
      "it cannot run in a transaction: write executeInTransaction=false into a file of the script's name and .conf"
    default: nil  // an open set: the server's own hint stays
    }
  }
}
