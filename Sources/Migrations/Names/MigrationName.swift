/// What a script's file name says.
package enum MigrationName: Sendable, Equatable {
  /// `V1_2__two_words.sql`: version as written (with `_`), version, description `two words`.
  case versioned(rawVersion: String, MigrationVersion, description: String)
  /// `B5__everything.sql`: stands for all migrations up to its version on a new database.
  case baseline(rawVersion: String, MigrationVersion, description: String)
  /// `U1_2__two_words.sql`: takes the migration of its version back.
  case undo(rawVersion: String, MigrationVersion, description: String)
  /// `R__view.sql`.
  case repeatable(description: String)
  /// `beforeMigrate.sql`, `beforeMigrate__why.sql`.
  case callback(CallbackEvent, description: String)
  /// A suffix of scripts, but not a name Flyway understands; it says why, in Flyway's words.
  case invalid(reason: String)

  /// Reads the name of a file, without its folders. Nil when its suffix is not one of scripts'.
  ///
  /// The longest prefix wins, case counts; the first separator splits; the rest keeps further ones.
  package static func parse(_ fileName: String, _ rules: NamingRules) -> MigrationName? {
    guard let suffix = rules.suffix(of: fileName) else { return nil }
    let ending = String(fileName.suffix(suffix.count))
    let stem = String(fileName.dropLast(suffix.count))
    guard let (prefix, role) = longestPrefix(of: stem, rules) else {
      return .invalid(reason: "Unrecognised migration name format: \(fileName)")
    }
    let (left, right) = split(String(stem.dropFirst(prefix.count)), at: rules.separator)
    let description = String(right.map { $0 == "_" ? " " : $0 })
    let example = right.isEmpty ? "description" : right
    switch role {
    case .versioned, .baseline, .undo:
      if left.isEmpty {
        let model = prefix + "1.2" + rules.separator + example + ending
        return .invalid(
          reason: "Invalid versioned migration name format: \(fileName)"
            + " (It must contain a version and should look like this: \(model))")
      }
      guard let version = try? MigrationVersion(left) else {
        return .invalid(
          reason: "Invalid versioned migration name format: \(fileName)"
            + " (could not recognise version number \(left))")
      }
      switch role {
      case .undo: return .undo(rawVersion: left, version, description: description)
      case .baseline: return .baseline(rawVersion: left, version, description: description)
      case .versioned, .repeatable, .callback:
        return .versioned(rawVersion: left, version, description: description)
      }
    case .repeatable, .callback:
      guard left.isEmpty else {
        let model = prefix + rules.separator + example + ending
        return .invalid(
          reason: "Invalid repeatable migration / callback name format: \(fileName)"
            + " (It cannot contain a version and should look like this: \(model))")
      }
      if case .callback(let event) = role { return .callback(event, description: description) }
      return .repeatable(description: description)
    }
  }

  private enum Role: Equatable {
    case versioned, repeatable, baseline, undo
    case callback(CallbackEvent)
  }

  private static func longestPrefix(of stem: String, _ rules: NamingRules) -> (String, Role)? {
    var found: (String, Role)?
    func consider(_ prefix: String, _ role: Role) {
      // An empty one fits every name, after all others.
      guard prefix.isEmpty || stem.hasPrefix(prefix), prefix.count > (found?.0.count ?? -1) else { return }
      found = (prefix, role)
    }
    consider(rules.versioned, .versioned)
    consider(rules.repeatable, .repeatable)
    consider(rules.baseline, .baseline)
    consider(rules.undo, .undo)
    for event in CallbackEvent.allCases { consider(event.rawValue, .callback(event)) }
    return found
  }

  private static func split(_ text: String, at separator: String) -> (left: String, right: String) {
    var index = text.startIndex
    while !separator.isEmpty, index < text.endIndex {
      if text[index...].hasPrefix(separator) {
        return (String(text[..<index]), String(text[index...].dropFirst(separator.count)))
      }
      index = text.index(after: index)
    }
    return (text, "")
  }
}
