/// What a script was meant to be called, guessed from a name that Flyway passes over in silence.
package struct NameAdvice: Sendable, Equatable {
  /// A name that is understood; where no version can be guessed it has one that is free.
  package let fileName: String
  /// What that name says.
  package let name: MigrationName

  /// - Parameters:
  ///   - fileName: one that ``MigrationName/parse(_:_:)`` calls invalid.
  ///   - highest: of the versions that are taken.
  /// - Returns: nil when nothing can be guessed: an undo script without a version.
  package init?(for fileName: String, _ rules: NamingRules, highest: MigrationVersion?) {
    guard let suffix = rules.suffix(of: fileName) else { return nil }
    let ending = String(fileName.suffix(suffix.count))
    var words = Words(String(fileName.dropLast(suffix.count)), rules)
    let guess: String
    if let callback = Self.callback(words.rest) {
      guess = callback
    } else {
      let role = words.takeRole()
      let version = words.takeVersion()
      let description = words.description.isEmpty ? "" : rules.separator + words.description
      switch role {
      case .repeatable: guess = rules.repeatable + rules.separator + words.description
      case .undo:
        guard let version else { return nil }
        guess = rules.undo + version + description
      case .baseline, .versioned:
        let prefix = role == .baseline ? rules.baseline : rules.versioned
        guess = prefix + (version ?? Self.next(highest)) + description
      }
    }
    self.fileName = guess + ending
    guard let name = MigrationName.parse(self.fileName, rules), self.fileName != fileName else { return nil }
    self.name = name
  }

  /// An event's name in other letters: `beforemigrate`.
  private static func callback(_ stem: String) -> String? {
    let lower = stem.lowercased()
    let found = CallbackEvent.allCases.filter { lower.hasPrefix($0.rawValue.lowercased()) }
      .max { $0.rawValue.count < $1.rawValue.count }
    guard let found else { return nil }
    let rest = stem.dropFirst(found.rawValue.count).drop { "_-. ".contains($0) }
    return found.rawValue + (rest.isEmpty ? "" : "__" + rest)
  }

  /// The whole number after the highest version.
  private static func next(_ highest: MigrationVersion?) -> String {
    guard let first = highest?.text.split(separator: ".").first, let number = Int(first) else { return "1" }
    return String(number &+ 1)
  }

  /// A name on its way to being understood.
  private struct Words {
    enum Role { case versioned, undo, baseline, repeatable }

    private(set) var rest: String
    private let rules: NamingRules
    private var isDown = false

    init(_ stem: String, _ rules: NamingRules) {
      rest = stem
      self.rules = rules
      // As golang-migrate and others name a pair.
      for (end, down) in [(".up", false), (".down", true), (".undo", true)]
      where rest.lowercased().hasSuffix(end) {
        rest.removeLast(end.count)
        isDown = down
      }
    }

    /// Takes a prefix off, in any letters, when what follows is no longer a word.
    mutating func takeRole() -> Role {
      let known: [(String, Role)] = [
        (rules.versioned, .versioned), (rules.undo, .undo), (rules.baseline, .baseline),
        (rules.repeatable, .repeatable),
      ]
      for (prefix, role) in known where rest.lowercased().hasPrefix(prefix.lowercased()) {
        let after = rest.dropFirst(prefix.count)
        guard let next = after.first, next.isNumber || "_-. ".contains(next) else { continue }
        rest = String(after)
        if role == .repeatable { _ = takeVersion() }
        return role
      }
      return isDown ? .undo : .versioned
    }

    /// Numbers with single separators between them: `001`, `1.2`, `2024_01_31`.
    mutating func takeVersion() -> String? {
      var parts: [String] = []
      var tail = rest.drop { "_-. ".contains($0) }
      while true {
        let digits = tail.prefix { $0.isASCII && $0.isNumber }
        if digits.isEmpty { break }
        let after = tail.dropFirst(digits.count)
        // `2_items` is a word, `3rd` too.
        if let next = after.first, !"_-. ".contains(next) { break }
        parts.append(String(digits))
        rest = String(after)
        guard after.count > 1, let next = after.dropFirst().first, next.isNumber else { break }
        tail = after.dropFirst()
      }
      if parts.count == 1 {
        let number = parts[0].drop { $0 == "0" }
        return number.isEmpty ? "0" : String(number)
      }
      return parts.isEmpty ? nil : parts.joined(separator: ".")
    }

    /// What is left, with `_` for blanks.
    var description: String {
      String(rest.drop { "_-. ".contains($0) }.map { $0 == " " ? "_" : $0 })
    }
  }
}
