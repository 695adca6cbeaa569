/// Something that `verify` objects to, or that people should know.
package struct Finding: Sendable, Equatable {
  /// What kind of finding it is; the raw value is its name in JSON, JUnit and annotations.
  package enum Rule: String, Sendable, CaseIterable {
    /// A name that migrate passes over in silence.
    case name
    /// A script that cannot be read to its end: something is never closed, a placeholder has no value.
    case script
    /// A migration, a repeatable or a callback that fails.
    case migrate
    /// A baseline migration that builds another schema than the migrations it stands for.
    case baseline
    /// An undo script that fails, or has nothing to undo.
    case undo
    /// An undo script that leaves another schema than it found before its migration.
    case undoDifference = "undo-difference"
    /// A migration that fails after it has been undone, or then builds another schema.
    case again
    /// A repeatable that fails, or changes the schema, when it runs a second time.
    case repeatable
    /// What `validate` objects to.
    case validate
    case seed
    /// A script that does not run in one transaction.
    case transaction
    /// A versioned migration that cannot be undone.
    case noUndo = "no-undo"
  }

  package var rule: Rule
  package var failure: Failure

  package init(_ rule: Rule, _ failure: Failure) {
    self.rule = rule
    self.failure = failure
  }
}

/// One thing that `verify` looked at: a script, or a question about all of them.
package struct VerifyCase: Sendable, Equatable {
  package enum Outcome: Sendable, Equatable {
    case passed
    case failed
    /// With the reason.
    case notTried(String)
  }

  /// A file's path below its location, or the question.
  package var name: String
  /// Where the file is, for people.
  package var file: String?
  package var outcome: Outcome
  package var milliseconds: Int?
  /// What was found out besides, in a few words.
  package var remark: String?
  package var findings: [Finding] = []
  /// What people should know; the case passes with it.
  package var notes: [Finding] = []

  package init(_ name: String, file: String? = nil, _ outcome: Outcome = .passed, milliseconds: Int? = nil) {
    self.name = name
    self.file = file
    self.outcome = outcome
    self.milliseconds = milliseconds
  }

  /// Adds a finding, unless it says what another one said already.
  package mutating func fail(_ finding: Finding) {
    outcome = .failed
    // A finding about a file as a whole is told by several checks in different words; the last one knows most.
    if finding.rule == .script, let place = finding.failure.place, place.line == nil {
      findings.removeAll { $0.rule == .script && $0.failure.place == place }
    }
    let isKnown = findings.contains {
      $0.failure.what == finding.failure.what && $0.failure.place == finding.failure.place
    }
    if !isKnown { findings.append(finding) }
  }
}

/// What `verify` found, in the order in which it is shown.
package struct VerifyReport: Sendable, Equatable {
  package var cases: [VerifyCase]
  /// `15.18`.
  package var serverVersion: String
  package var milliseconds: Int

  package init(cases: [VerifyCase], serverVersion: String, milliseconds: Int) {
    self.cases = cases
    self.serverVersion = serverVersion
    self.milliseconds = milliseconds
  }

  package var findings: [Finding] { cases.flatMap(\.findings) }
  package var notes: [Finding] { cases.flatMap(\.notes) }
  package var isClean: Bool { findings.isEmpty }
}
