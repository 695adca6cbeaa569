/// `ignoreMigrationPatterns`: which migrations validation passes over. The default is `*:future`.
package struct IgnorePatterns: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable { case any = "*", versioned, repeatable }
  package enum State: String, Sendable, CaseIterable { case any = "*", missing, pending, ignored, future }

  package struct Pattern: Sendable, Equatable {
    package var kind: Kind
    package var state: State

    package init(_ kind: Kind, _ state: State) {
      self.kind = kind
      self.state = state
    }
  }

  package private(set) var patterns: [Pattern]

  package init(_ patterns: [Pattern] = [Pattern(.any, .future)]) { self.patterns = patterns }

  /// Reads a comma-separated list; an empty text ignores nothing.
  /// - Throws: `MigrationError.invalidPattern`, `.invalidPatternKind`, `.invalidPatternState`.
  package init(_ text: String) throws(MigrationError) {
    patterns = []
    for item in text.split(separator: ",") {
      let written = PropertiesFile.trim(item)
      if written.isEmpty { continue }
      let parts = written.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw .invalidPattern(written) }
      let words = parts.map { PropertiesFile.trim($0).lowercased() }
      guard let kind = Kind(rawValue: words[0]) else { throw .invalidPatternKind(words[0]) }
      guard let state = State(rawValue: words[1]) else { throw .invalidPatternState(words[1]) }
      patterns.append(Pattern(kind, state))
    }
  }

  /// These and one more, as `migrate` adds `*:pending` for its own validation.
  package func adding(_ pattern: Pattern) -> IgnorePatterns { IgnorePatterns(patterns + [pattern]) }

  package func match(isRepeatable: Bool, _ state: MigrationState) -> Bool {
    patterns.contains { pattern in
      let kindFits: Bool =
        switch pattern.kind {
        case .any: true
        case .versioned: !isRepeatable
        case .repeatable: isRepeatable
        }
      let stateFits: Bool =
        switch pattern.state {
        case .any: true
        case .missing: state.isMissing
        case .pending: state == .pending
        case .ignored: state == .ignored
        case .future: state.isFuture
        }
      return kindFits && stateFits
    }
  }

  /// Whether pending ones of a kind are passed over: then an outdated repeatable is no error either.
  package func ignoresPending(isRepeatable: Bool) -> Bool { match(isRepeatable: isRepeatable, .pending) }
}
