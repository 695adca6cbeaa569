/// One option of the migration commands. Command line, environment, configuration files and `--help` all read
/// ``MigrationOptions/all``, so that they cannot disagree.
package struct MigrationOption: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    case text, boolean, integer
    /// As ``DurationText`` reads it.
    case duration
    /// Comma-separated.
    case list
    /// `name.KEY=VALUE`.
    case map
    /// Never shown.
    case secret

    /// What a value must look like, for messages.
    package var form: String {
      switch self {
      case .boolean: "true or false"
      case .integer: "a number"
      case .duration: "a number and ms, s, m, h or d, as in 3s"
      case .list: "names with commas between"
      case .text, .map, .secret: "any text"
      }
    }
  }

  package enum Service: Sendable, Equatable {
    case served
    /// Refused by name, with this reason, unless the value is one of those that change nothing.
    case refused(reason: String, harmless: [String])
  }

  /// Flyway's name, as in `-name=value`, `flyway.name=value` and, in TOML, `[flyway] name`.
  package var name: String
  package var kind: Kind
  /// As written; empty for none.
  package var standard: String
  /// What it is, in a few words, for `--help`.
  package var summary: String
  /// Belongs to `[environments.NAME]` in TOML.
  package var isEnvironment = false
  /// Only on the command line (and, where there is a variable, from the environment).
  package var isCommandLineOnly = false
  package var service = Service.served
  /// Whether a variable sets it, too.
  package var hasVariable = true
  /// The environment variable, where it is not made from the name.
  var ownVariable: String?

  /// `FLYWAY_LOCK_RETRY_COUNT`; of a map without the key.
  package var variable: String { ownVariable ?? "FLYWAY_" + Self.words(name, "_").uppercased() }

  /// `--lock-retry-count`.
  package var flag: String { "--" + Self.words(name, "-") }

  /// Splits at capitals and dots.
  private static func words(_ name: String, _ separator: String) -> String {
    var result = ""
    for character in name {
      if character == "." {
        result += separator
      } else if character.isUppercase {
        result += separator + character.lowercased()
      } else {
        result.append(character)
      }
    }
    return result
  }
}
