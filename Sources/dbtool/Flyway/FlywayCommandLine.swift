import DatabaseTools
import Migrations

/// The words of a migration call, in Flyway's form (`-key=value`), ours (`--key value`), or both.
struct FlywayCommandLine {
  /// Flyway's verbs that are served, in the order of `--help`.
  static let verbs = ["migrate", "info", "validate", "baseline", "repair", "undo", "clean"]
  /// Verbs of Flyway that are not.
  static let otherVerbs = ["check", "snapshot"]

  var commands: [String] = []
  /// Words that are neither options nor commands, where such are taken.
  var names: [String] = []
  var values = MigrationConfiguration.CommandLineValues()
  var isJSON = false
  var isQuiet = false
  var isVerbose = false
  var allowsColour = true
  /// Colours even where no terminal reads.
  var wantsColour = false
  var wantsHelp = false
  var wantsVersion = false
  /// `-migrationIds`: info prints the versions only.
  var wantsIDs = false
  /// A word of Flyway's form is there: its statuses and messages are followed.
  var isFlywayForm = false

  /// `--dry-run` without a file: stdout is SQL.
  var writesSQL: Bool {
    values.values["dryRunOutput"] == DryRunScript.standardOutput && DryRunCall.isServed(commands)
  }

  /// Whether these words, those after the program's name, are a migration call.
  ///
  /// They are when no other command of ours comes first, and there is a verb or a word in Flyway's form.
  static func isCall(_ words: [String], otherCommands: [String]) -> Bool {
    guard let first = words.first, !otherCommands.contains(first) else { return false }
    return words.contains { isFlywayOption($0) || verbs.contains($0) || otherVerbs.contains($0) }
  }

  /// `-key=value`.
  private static func isFlywayOption(_ word: String) -> Bool {
    word.hasPrefix("-") && !word.hasPrefix("--") && word.contains("=")
  }

  /// - Parameter takesNames: a word without a hyphen is a name, whatever it says.
  /// - Throws: `MigrationFailure`, with Flyway's code where the word is of its form.
  init(_ words: [String], takesNames: Bool = false) throws(MigrationFailure) {
    isFlywayForm = words.contains { Self.isFlywayOption($0) }
    var rest = words[...]
    while let word = rest.popFirst() {
      if word.hasPrefix("--") {
        try addFlag(word, &rest)
      } else if Self.isFlywayOption(word) {
        try addOption(word)
      } else if word.hasPrefix("-") {
        try addSwitch(word)
      } else if takesNames {
        names.append(word)
      } else if word == "help" {
        wantsHelp = true
      } else if Self.verbs.contains(word) {
        commands.append(word)
      } else {
        throw Self.otherVerbs.contains(word) ? Self.unserved(word) : MigrationFailure(.unknownWord(word))
      }
    }
    try readOutputOptions()
  }

  private static func unserved(_ verb: String) -> MigrationFailure {
    MigrationFailure(.unservedCommand(verb))
  }

  private static func split(_ word: Substring) -> (name: String, value: String?) {
    guard let equals = word.firstIndex(of: "=") else { return (String(word), nil) }
    return (String(word[..<equals]), String(word[word.index(after: equals)...]))
  }

  private mutating func readOutputOptions() throws(MigrationFailure) {
    let type = values.values["outputType"]?.lowercased() ?? ""
    guard type == "json" || type.isEmpty else { throw MigrationFailure(.unreadableOutputType(type)) }
    if type == "json" { isJSON = true }
    switch values.values["color"] ?? "auto" {
    case "auto", "": break
    case "never": allowsColour = false
    case "always": wantsColour = true
    default: throw MigrationFailure(.unreadableColour(values.values["color"] ?? ""))
    }
  }

  /// `-key=value`. What is wrong with it is told when the configuration files are known.
  private mutating func addOption(_ word: String) throws(MigrationFailure) {
    let (written, value) = Self.split(word.dropFirst())
    let name = written.hasPrefix("flyway.") ? String(written.dropFirst("flyway.".count)) : written
    if name.hasPrefix("environments.") {
      values.environments[name] = value ?? ""
      return
    }
    do throws(MigrationError) {
      if try !values.values.set(checking: name, to: value ?? "") { values.unknown.append("flyway." + name) }
    } catch {
      guard case .unreadableValue = error else { throw MigrationFailure(error) }
      values.problem = values.problem ?? error
    }
  }

  /// Flyway's words with one hyphen and no value.
  private mutating func addSwitch(_ word: String) throws(MigrationFailure) {
    switch word {
    case "-X": isVerbose = true
    case "-q": isQuiet = true
    case "-h", "-?": wantsHelp = true
    case "-v": wantsVersion = true
    case "-migrationIds": wantsIDs = true
    // There is never a prompt.
    case "-n": break
    // Nothing is ever fetched from the network, and there is one edition.
    case "-skipCheckForUpdate", "-communityFallback": break
    default: throw MigrationFailure(.unknownWord(word))
    }
  }

  /// `--key value` and `--key=value`.
  private mutating func addFlag(_ word: String, _ rest: inout ArraySlice<String>) throws(MigrationFailure) {
    let (flag, inline) = Self.split(word[...])
    switch flag {
    case "--json": isJSON = true
    case "--quiet": isQuiet = true
    case "--verbose": isVerbose = true
    case "--no-color": allowsColour = false
    case "--help": wantsHelp = true
    case "--version": wantsVersion = true
    case "--dry-run": values.values["dryRunOutput"] = inline ?? DryRunScript.standardOutput
    case "--password-file": values.passwordFile = try value(flag, inline, &rest)
    case "--secret": values.secretFile = try value(flag, inline, &rest)
    case "--placeholder":
      let (name, text) = Self.split(try value(flag, inline, &rest)[...])
      guard let text, !name.isEmpty else {
        throw MigrationFailure(Failure.usage("--placeholder takes NAME=VALUE"))
      }
      values.values["placeholders." + name] = text
    default: try addOptionFlag(flag, inline, &rest)
    }
  }

  private mutating func addOptionFlag(
    _ flag: String, _ inline: String?, _ rest: inout ArraySlice<String>
  ) throws(MigrationFailure) {
    guard let (option, key) = MigrationOptions.find(flag: flag) else {
      throw MigrationFailure(
        Failure.usage("unknown option \(flag)", hint: "`dbtool migrate --help` lists every option"),
        code: .configuration)
    }
    let text: String
    if option.kind == .boolean, inline == nil {
      text = ["true", "false"].contains(rest.first?.lowercased() ?? "") ? rest.removeFirst() : "true"
    } else {
      text = try value(flag, inline, &rest)
    }
    // Our form says what is wrong; Flyway's own words for a bad value do not.
    do throws(MigrationError) { try values.values.set(option, key, to: text) } catch {
      if case .unreadableValue = error {
        throw MigrationFailure(
          Failure.usage(
            "\(flag) cannot be '\(text)'", hint: option.kind.form))
      }
      throw MigrationFailure(error)
    }
  }

  private func value(
    _ flag: String, _ inline: String?, _ rest: inout ArraySlice<String>
  ) throws(MigrationFailure) -> String {
    if let inline { return inline }
    guard let next = rest.popFirst() else { throw MigrationFailure(Failure.usage("\(flag) needs a value")) }
    return next
  }
}
