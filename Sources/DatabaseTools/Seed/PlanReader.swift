import SeedData

/// Turns a plan file into a ``SeedPlan``. Every key is either understood or refused by name.
struct PlanReader {
  let path: String
  let text: PlanText
  private let document: [String: PlanValue]
  /// What a profile says instead of the plan.
  private let profile: SeedProfile
  /// Reads a file that the plan names.
  let read: (String) throws(Failure) -> [UInt8]

  init(
    path: String, text: String, profile: SeedProfile = SeedProfile(),
    read: @escaping (String) throws(Failure) -> [UInt8]
  ) throws(Failure) {
    self.path = path
    self.profile = profile
    self.text = PlanText(path: path, text: text)
    self.read = read
    document = try PlanValue.document(text, path: path)
  }

  func plan() throws(Failure) -> SeedPlanFile {
    try refuseOthers(document, than: ["version", "seed", "clock", "lists", "hooks", "table"], in: "the plan")
    guard case .integer(1)? = document["version"] else {
      throw failure("a plan begins with: version = 1")
    }
    var seed = 1
    if let value = document["seed"] {
      guard case .integer(let number) = value, number >= 0 else {
        throw failure("seed is a whole number from 0 up")
      }
      seed = number
    }
    let written = try clock()
    let clock = profile.clock ?? written
    guard case .list(let entries)? = document["table"], !entries.isEmpty else {
      throw failure("the plan has no [[table]]")
    }
    var tables: [TablePlan] = []
    for entry in entries { tables.append(try table(entry, clock: clock)) }
    let hooks = try members(document["hooks"], "hooks")
    try refuseOthers(hooks, than: ["before", "after"], in: "[hooks]")
    return SeedPlanFile(
      plan: SeedPlan(seed: profile.seed ?? UInt64(seed), lists: try lists(), tables: try profiled(tables)),
      before: try self.hooks(hooks["before"]), after: try self.hooks(hooks["after"]), text: text)
  }

  // MARK: - Parts

  /// The tables with the row counts of the profile.
  private func profiled(_ tables: [TablePlan]) throws(Failure) -> [TablePlan] {
    var tables = tables
    for (name, rows) in profile.rows.sorted(by: { $0.key < $1.key }) {
      guard let index = tables.firstIndex(where: { $0.name == name && $0.parent == nil }) else {
        throw Failure(
          "rows of \(name): \(path) has no such table, or its rows follow from another's",
          place: Failure.Place(file: profile.path ?? path))
      }
      tables[index].rows = rows
    }
    return tables
  }

  private func clock() throws(Failure) -> Int64? {
    guard let value = document["clock"] else { return nil }
    guard case .text(let written) = value, let second = CivilTime.second(written) else {
      throw failure("clock is a text such as \"2025-11-28T00:00:00Z\"")
    }
    return second
  }

  private func lists() throws(Failure) -> [WordList] {
    var lists: [WordList] = []
    for (name, value) in try members(document["lists"], "lists").sorted(by: { $0.key < $1.key }) {
      let options = try members(value, "list \(name)")
      try refuseOthers(options, than: ["file", "weight", "deal"], in: "list \(name)")
      guard case .text(let file)? = options["file"] else { throw failure("list \(name) needs a file") }
      let weight = try text(options["weight"], "list \(name): weight")
      let place = folder + file
      let bytes = try read(place)
      do throws(PlanProblem) {
        lists.append(
          try WordList(
            name: name, rows: try CSV.rows(bytes), weight: weight,
            isDealt: try flag(options["deal"], "deal").get()))
      } catch {
        guard case .csv(let line, let reason) = error.kind else {
          throw SeedPlanFile.failure(error, in: text)
        }
        throw Failure("list \(name): \(reason)", place: Failure.Place(file: place, line: line))
      }
    }
    return lists
  }

  private func hooks(_ value: PlanValue?) throws(Failure) -> [SeedPlanFile.Hook] {
    guard let value else { return [] }
    guard case .list(let entries) = value else {
      throw failure("a hook is a list of files: [\"hooks/after.sql\"]")
    }
    var hooks: [SeedPlanFile.Hook] = []
    for entry in entries {
      guard case .text(let file) = entry else { throw failure("a hook is a file's path, not \(entry.kind)") }
      hooks.append(SeedPlanFile.Hook(path: folder + file, sql: try read(folder + file)))
    }
    return hooks
  }

  // MARK: - Helpers

  /// The plan's folder with a slash, or nothing.
  var folder: String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return String(path[...slash])
  }

  func members(_ value: PlanValue?, _ what: String) throws(Failure) -> [String: PlanValue] {
    guard let value else { return [:] }
    guard case .table(let members) = value else { throw failure("\(what) is a table, not \(value.kind)") }
    return members
  }

  private func text(_ value: PlanValue?, _ what: String) throws(Failure) -> String? {
    guard let value else { return nil }
    guard case .text(let text) = value else { throw failure("\(what) is a text, not \(value.kind)") }
    return text
  }

  private func flag(_ value: PlanValue?, _ what: String) -> Result<Bool, PlanProblem> {
    switch value {
    case nil: .success(false)
    case .bool(let flag): .success(flag)
    case .some(let other): .failure(PlanProblem(.structure("\(what) is true or false, not \(other.kind)")))
    }
  }

  private func refuseOthers(
    _ members: [String: PlanValue], than known: [String], in what: String
  ) throws(Failure) {
    guard let other = members.keys.sorted().first(where: { !known.contains($0) }) else { return }
    throw failure("\(what) has no setting \"\(other)\"", hint: "there is \(known.joined(separator: ", "))")
  }

  func failure(_ what: String, hint: String? = nil) -> Failure {
    Failure(what, place: Failure.Place(file: path), hint: hint)
  }
}
