import Migrations

/// The cases of a run by their files, in the order in which they are shown.
struct VerifyLedger {
  private(set) var cases: [VerifyCase] = []
  private(set) var keys: [String] = []
  private var places: [String: Int] = [:]

  /// What a case is found by: the absolute path of its file, or its name.
  mutating func add(_ entry: VerifyCase, as key: String) {
    if places[key] != nil { return }
    places[key] = cases.count
    keys.append(key)
    cases.append(entry)
  }

  func has(_ key: String) -> Bool { places[key] != nil }

  subscript(_ key: String) -> VerifyCase? { places[key].map { cases[$0] } }

  mutating func change(_ key: String, _ body: (inout VerifyCase) -> Void) {
    if let place = places[key] { body(&cases[place]) }
  }

  /// A case that was not tried yet has passed; one that failed stays so.
  mutating func pass(_ key: String, milliseconds: Int? = nil, remark: String? = nil) {
    change(key) { entry in
      if case .notTried = entry.outcome { entry.outcome = .passed }
      if let milliseconds { entry.milliseconds = milliseconds }
      if let remark { entry.remark = remark }
    }
  }

  mutating func fail(_ key: String, _ rule: Finding.Rule, _ failure: Failure) {
    if !has(key) { add(VerifyCase(key), as: key) }
    change(key) { $0.fail(Finding(rule, failure)) }
  }

  mutating func note(_ key: String, _ rule: Finding.Rule, _ failure: Failure) {
    if !has(key) { add(VerifyCase(key), as: key) }
    change(key) { $0.notes.append(Finding(rule, failure)) }
  }

  /// Says why what has not been tried was not.
  mutating func skip(_ keys: [String], _ reason: String) {
    for key in keys {
      change(key) { if case .notTried = $0.outcome { $0.outcome = .notTried(reason) } }
    }
  }

  /// The key of the case of a file as people see it, or of its configuration.
  func key(ofFile file: String?) -> String? {
    guard let file else { return nil }
    return cases.firstIndex { $0.file == file || $0.file.map { $0 + ".conf" } == file }.map { keys[$0] }
  }

  func hasFailed(_ key: String) -> Bool { self[key]?.outcome == .failed }
}
