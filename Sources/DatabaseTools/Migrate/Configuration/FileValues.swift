import Migrations

/// The keys of all configuration files, put together: a later file wins.
struct FileValues {
  /// The environment that a stronger source chose.
  let environment: String?
  private var keys: [String: Entry] = [:]

  private struct Entry {
    var value: String
    /// Nil: it came from the command line or a variable.
    var place: Failure.Place?
  }

  init(environment: String?) { self.environment = environment }

  mutating func add(_ file: ConfigurationFile) {
    for entry in file.values {
      keys[entry.key] = Entry(
        value: entry.value, place: Failure.Place(file: file.path, line: entry.line))
    }
  }

  /// A key of an environment from elsewhere.
  /// For a command that brings its own database: what says how to reach one is not looked at, so that no variable
  /// has to be set for it.
  var isForOwnDatabase = false

  mutating func set(_ key: String, to value: String) { keys[key] = Entry(value: value) }

  /// The options that the files set; in TOML those of the chosen environment, too.
  /// - Parameters:
  ///   - form: which the files are of: it decides what an error says.
  ///   - variables: what `${env.NAME}` stands for. Other environments are not looked at: theirs may be unset.
  /// - Throws: `MigrationFailure` for a key that no option has, a value that is none, a variable that is unset.
  func values(
    _ form: ConfigurationForm, _ variables: [String: String]
  ) throws(MigrationFailure) -> (SettingValues, warnings: [String]) {
    var values = SettingValues()
    var unknown: [(key: String, place: Failure.Place?)] = []
    var warnings: [String] = []
    let name = environment ?? keys["flyway.environment"]?.value ?? "default"
    let own = "environments." + name + "."
    func set(_ option: String, _ key: String, _ entry: Entry) throws(MigrationFailure) {
      if isForOwnDatabase, ["url", "user", "password"].contains(option) { return }
      do throws(MigrationError) {
        let value = form == .toml ? try Self.resolve(entry.value, variables) : entry.value
        if try !values.set(checking: option, to: value) { unknown.append((key, entry.place)) }
      } catch {
        var failure = MigrationFailure(form.wording(error))
        failure.failure.place = entry.place
        throw failure
      }
    }
    let sorted = keys.sorted { $0.key < $1.key }
    for (key, entry) in sorted {
      if key.hasPrefix("flyway.") {
        try set(String(key.dropFirst("flyway.".count)), key, entry)
      } else if !key.hasPrefix("environments.") {
        warnings.append("\(key) is no key of Flyway's; it is passed over")
      }
    }
    // An environment's own settings are stronger than the common ones.
    for (key, entry) in sorted where key.hasPrefix(own) {
      let rest = String(key.dropFirst(own.count))
      if rest == "displayName" { continue }
      if rest.hasPrefix("resolvers.") {
        throw MigrationFailure(
          .unservedOption(key, reason: "secrets come from ${env.NAME}, --password-file or --secret"))
      }
      try set(rest.hasPrefix("flyway.") ? String(rest.dropFirst("flyway.".count)) : rest, key, entry)
    }
    if name != "default", !sorted.contains(where: { $0.key.hasPrefix(own) }) {
      throw MigrationFailure(.unknownEnvironment(name))
    }
    if let first = unknown.first {
      var failure = MigrationFailure(form.unknown(unknown.map(\.key)))
      failure.failure.place = first.place
      throw failure
    }
    return (values, warnings)
  }

  /// Puts variables in the place of `${env.NAME}`; other `${…}` are placeholders of scripts and stay.
  private static func resolve(
    _ text: String, _ variables: [String: String]
  ) throws(MigrationError) -> String {
    var result = ""
    var rest = text[...]
    while let open = rest.firstRange(of: "${env.") {
      guard let close = rest[open.upperBound...].firstIndex(of: "}") else { break }
      let name = String(rest[open.upperBound..<close])
      guard let value = variables[name] else { throw .unsetEnvironmentVariable(name) }
      result += rest[..<open.lowerBound] + value
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }
}
