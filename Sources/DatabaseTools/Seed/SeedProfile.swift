import SeedData

/// A file that replaces a plan's row counts, seed or clock: `profiles/NAME.toml` beside the plan.
struct SeedProfile {
  var path: String?
  /// By table.
  var rows: [String: Int] = [:]
  var seed: UInt64?
  /// Seconds since 1970.
  var clock: Int64?

  /// - Parameter plan: the plan's path.
  static func read(_ name: String, of plan: String) throws(Failure) -> SeedProfile {
    let folder = plan.lastIndex(of: "/").map { String(plan[...$0]) } ?? ""
    let profiles = folder + "profiles"
    let path = profiles + "/" + name + ".toml"
    guard !name.contains("/"), LocalFile.kind(of: path) == .file else {
      let known = ((try? LocalFile.names(in: profiles)) ?? []).filter { $0.hasSuffix(".toml") }
        .map { String($0.dropLast(5)) }
      throw Failure(
        "there is no profile \(path)",
        hint: known.isEmpty
          ? "write it: rows, seed and clock of the plan" : "there is \(known.joined(separator: ", "))",
        exitCode: ExitStatus.usage)
    }
    return try SeedProfile(path: path, text: try LocalFile.text(of: path))
  }

  init() {}

  private init(path: String, text: String) throws(Failure) {
    self.path = path
    for (key, value) in try PlanValue.document(text, path: path) {
      switch (key, value) {
      case ("seed", .integer(let number)) where number >= 0: seed = UInt64(number)
      case ("clock", .text(let written)):
        guard let second = CivilTime.second(written) else {
          throw Self.failure(path, "clock is no time: \(written)")
        }
        clock = second
      case ("rows", .table(let counts)):
        for (table, count) in counts {
          guard case .integer(let number) = count, number >= 0 else {
            throw Self.failure(path, "rows of \(table) are a whole number from 0 up")
          }
          rows[table] = number
        }
      default:
        throw Self.failure(path, "\(key) is no setting of a profile, or not of its kind")
      }
    }
  }

  private static func failure(_ path: String, _ what: String) -> Failure {
    Failure(
      what, place: Failure.Place(file: path),
      hint: "a profile has seed = 2, clock = \"2025-11-28\" and a table [rows] with products = 1000")
  }
}
