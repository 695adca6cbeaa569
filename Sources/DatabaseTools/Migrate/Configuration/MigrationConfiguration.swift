import LibPQ
package import Migrations

/// The settings of one call, from all sources: command line, then environment, then files, then defaults.
/// Source: Flyway 13, configuration precedence.
package struct MigrationConfiguration: Sendable {
  package var settings: MigrationSettings
  package var target: DatabaseTarget
  package var warnings: [String]

  /// What the command line gave.
  package struct CommandLineValues: Sendable {
    /// Options by Flyway's names.
    package var values = SettingValues()
    /// `environments.NAME.KEY` by that text.
    package var environments: [String: String] = [:]
    package var passwordFile: String?
    package var secretFile: String?

    package init() {}
  }

  /// Reads files and variables, and puts everything in its place.
  package static func load(
    _ commandLine: CommandLineValues, environment: [String: String]
  ) throws(MigrationFailure) -> MigrationConfiguration {
    try load(commandLine, environment) { (files) throws(MigrationFailure) in
      try target(commandLine, environment, files)
    }
  }

  /// As ``load(_:environment:)``, for a database that no source names.
  package static func load(
    _ commandLine: CommandLineValues, environment: [String: String], for target: DatabaseTarget
  ) throws(MigrationFailure) -> MigrationConfiguration {
    try load(commandLine, environment) { (_) throws(MigrationFailure) in target }
  }

  private static func load(
    _ commandLine: CommandLineValues, _ environment: [String: String],
    target: (_ files: SettingValues) throws(MigrationFailure) -> DatabaseTarget
  ) throws(MigrationFailure) -> MigrationConfiguration {
    let variables = try EnvironmentValues(environment)
    var strong = variables.values
    strong.override(with: commandLine.values)
    let directory = LocalPath.absolute(strong["workingDirectory"] ?? "", in: LocalPath.workingDirectory())

    let found = try ConfigurationFiles.find(
      named: strong["configFiles"].map { $0.split(separator: ",").map { String($0) } } ?? [], directory)
    var files = FileValues(environment: strong["environment"])
    for path in found.paths {
      try files.add(ConfigurationFile(reading: path, environment))
    }
    for (key, value) in commandLine.environments.merging(
      variables.environments, uniquingKeysWith: { a, _ in a })
    {
      files.keys[key] = value
    }
    let (weak, warnings) = try files.values(isTOML: found.isTOML)

    var all = weak
    all.override(with: strong)
    let target = try target(weak)
    do throws(MigrationError) {
      return MigrationConfiguration(
        settings: try MigrationSettings(all), target: target,
        warnings: found.warnings + warnings + target.notes)
    } catch {
      throw MigrationFailure(error)
    }
  }

  private static func target(
    _ commandLine: CommandLineValues, _ environment: [String: String], _ files: SettingValues
  ) throws(MigrationFailure) -> DatabaseTarget {
    let flags = TargetFlags(
      url: commandLine.values["url"], user: commandLine.values["user"],
      password: commandLine.values["password"].map { Secret($0) }, passwordFile: commandLine.passwordFile,
      secretFile: commandLine.secretFile)
    do throws(Failure) {
      var sources = [
        TargetSource(
          name: "configuration file", user: files["user"], password: files["password"].map { Secret($0) })
      ]
      if let url = files["url"] {
        sources.append(
          try .reading(url, from: "url in the configuration file", known: ConnectionParameters.names))
      }
      return try TargetResolver(
        flags: flags, environment: environment, readsFlywayVariables: true, files: sources
      ).resolve()
    } catch {
      throw MigrationFailure(error)
    }
  }
}
