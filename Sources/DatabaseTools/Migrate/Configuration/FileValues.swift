import Migrations

/// The keys of all configuration files, put together: a later file wins.
struct FileValues {
  /// The environment that a stronger source chose.
  let environment: String?
  var keys: [String: String] = [:]

  init(environment: String?) { self.environment = environment }

  mutating func add(_ file: ConfigurationFile) {
    for (key, value) in file.values { keys[key] = value }
  }

  /// The options that the files set; in TOML those of the chosen environment, too.
  /// - Throws: `MigrationFailure` for a key that no option has.
  func values(isTOML: Bool) throws(MigrationFailure) -> (SettingValues, warnings: [String]) {
    var values = SettingValues()
    var unknown: [String] = []
    var warnings: [String] = []
    let name = environment ?? keys["flyway.environment"] ?? "default"
    let own = "environments." + name + "."
    func set(_ option: String, _ key: String, _ value: String) throws(MigrationFailure) {
      do throws(MigrationError) {
        if try !values.set(checking: option, to: value) { unknown.append(key) }
      } catch {
        throw MigrationFailure(error)
      }
    }
    let sorted = keys.sorted { $0.key < $1.key }
    for (key, value) in sorted {
      if key.hasPrefix("flyway.") {
        try set(String(key.dropFirst("flyway.".count)), key, value)
      } else if !key.hasPrefix("environments.") {
        warnings.append("\(key) is no key of Flyway's; it is passed over")
      }
    }
    // An environment's own settings are stronger than the common ones.
    for (key, value) in sorted where key.hasPrefix(own) {
      let rest = String(key.dropFirst(own.count))
      if rest == "displayName" { continue }
      try set(rest.hasPrefix("flyway.") ? String(rest.dropFirst("flyway.".count)) : rest, key, value)
    }
    if name != "default", !sorted.contains(where: { $0.key.hasPrefix(own) }) {
      throw MigrationFailure(.unknownEnvironment(name))
    }
    if let first = unknown.first {
      throw MigrationFailure(isTOML ? .unknownOptions(unknown) : .unknownFileKey(first))
    }
    return (values, warnings)
  }
}
