import DatabaseTools

/// What `dbtool pool check` found, in plain words.
struct PoolCheckReport: Sendable, Equatable {
  enum Verdict: String, Sendable { case works, note, fails }

  /// One thing that was tried.
  struct Finding: Sendable, Equatable {
    let verdict: Verdict
    /// What: `user app in shop`.
    let subject: String
    let says: String
    var hint: String?
  }

  var findings: [Finding] = []

  var isFine: Bool { findings.allSatisfy { $0.verdict != .fails } }

  mutating func add(_ verdict: Verdict, _ subject: String, _ says: String, hint: String? = nil) {
    findings.append(Finding(verdict: verdict, subject: subject, says: says, hint: hint))
  }

  /// Whether the cap fits what the server leaves to ordinary roles.
  /// - Parameters:
  ///   - cap: `max_connections`; `nil`: `percent` of them.
  ///   - usable: the server's connections less those that it keeps for superusers and others.
  mutating func addCap(_ cap: Int?, percent: Int, usable: Int, forLookups: Bool) {
    let most = cap ?? max(1, usable * percent / 100)
    let lookups = forLookups ? ", one of them for look-ups of users" : ""
    guard most <= usable else {
      return add(
        .fails, "cap", "max_connections is \(most), and the server leaves \(usable) to ordinary roles",
        hint: "say max_connections = \(usable) or less, or raise it at the server")
    }
    let left = usable - most
    add(
      left == 0 ? .note : .works, "cap",
      "\(most) of the server's \(usable) usable connections\(lookups); \(left) left for others",
      hint: left == 0 ? "others meet 53300 while the pool is full: say max_connections_percent = 90" : nil)
  }

  func lines(_ paint: Paint) -> [String] {
    findings.flatMap { finding in
      let mark =
        switch finding.verdict {
        case .works: paint.green("works")
        case .note: paint.yellow("note ")
        case .fails: paint.red("fails")
        }
      return ["\(mark)  \(finding.subject): \(finding.says)"]
        + (finding.hint.map { ["         hint: \($0)"] } ?? [])
    }
  }

  var json: JSONValue {
    .object([
      .init("operation", .string("pool check")), .init("ok", .bool(isFine)),
      .init(
        "findings",
        .array(
          findings.map { finding in
            .object([
              .init("verdict", .string(finding.verdict.rawValue)), .init("subject", .string(finding.subject)),
              .init("says", .string(finding.says)),
              .init("hint", finding.hint.map { .string($0) } ?? .null),
            ])
          })),
    ])
  }
}
