import Migrations

/// What the environment variables say: `FLYWAY_TABLE`, `flyway_table`, `environments_default_url`.
struct EnvironmentValues {
  var values = SettingValues()
  /// `environments.NAME.KEY`.
  var environments: [String: String] = [:]
  /// The first value that is none; what to say depends on the configuration files.
  var problem: MigrationError?

  init(_ environment: [String: String]) {
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
      if name.hasPrefix("environments_") {
        environments[String(name.map { $0 == "_" ? "." : $0 })] = value
        continue
      }
      guard let (option, key) = Self.option(name), Self.counts(option, name), !value.isEmpty || key != nil
      else {
        continue
      }
      do throws(MigrationError) { try values.set(option, key, to: value) } catch {
        problem = problem ?? error
      }
    }
  }

  private static func option(_ name: String) -> (option: MigrationOption, key: String?)? {
    if name.hasPrefix("FLYWAY_") { return MigrationOptions.find(variable: name) }
    guard name.hasPrefix("flyway_") else { return nil }
    return MigrationOptions.find(name: String(name.dropFirst("flyway_".count).map { $0 == "_" ? "." : $0 }))
  }

  /// Flyway does not read `FLYWAY_ENVIRONMENT`, only the lower-case form.
  private static func counts(_ option: MigrationOption, _ name: String) -> Bool {
    option.name != "environment" || name.hasPrefix("flyway_")
  }
}
