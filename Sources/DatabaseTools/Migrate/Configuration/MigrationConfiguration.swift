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
    /// The first value in Flyway's form that is none; what to say depends on the configuration files.
    package var problem: MigrationError?
    /// Options in Flyway's form that there are not.
    package var unknown: [String] = []

    package init() {}
  }

  /// Reads files and variables, and puts everything in its place.
  package static func load(
    _ commandLine: CommandLineValues, environment: [String: String]
  ) throws(MigrationFailure) -> MigrationConfiguration {
    var result = try load(commandLine, environment) { (files) throws(MigrationFailure) in
      try target(commandLine, environment, files)
    }
    result.warnings += try addProperties(of: result.settings.values, to: &result.target)
    return result
  }

  /// As ``load(_:environment:)``, for a database that no source names.
  package static func load(
    _ commandLine: CommandLineValues, environment: [String: String], for target: DatabaseTarget
  ) throws(MigrationFailure) -> MigrationConfiguration {
    try load(commandLine, environment, ownDatabase: true) { (_) throws(MigrationFailure) in target }
  }

  private static func load(
    _ commandLine: CommandLineValues, _ environment: [String: String], ownDatabase: Bool = false,
    target: (_ files: SettingValues) throws(MigrationFailure) -> DatabaseTarget
  ) throws(MigrationFailure) -> MigrationConfiguration {
    let variables = EnvironmentValues(environment)
    var strong = variables.values
    strong.override(with: commandLine.values)
    let directory = LocalPath.absolute(strong["workingDirectory"] ?? "", in: LocalPath.workingDirectory())

    let found = try ConfigurationFiles.find(
      named: strong["configFiles"].map { $0.split(separator: ",").map { String($0) } } ?? [], directory)
    let form = found.isTOML || found.paths.isEmpty ? ConfigurationForm.toml : .conf
    if let problem = commandLine.problem ?? variables.problem {
      throw MigrationFailure(form.wording(problem))
    }
    var files = FileValues(environment: strong["environment"])
    files.isForOwnDatabase = ownDatabase
    let encoding: TextEncoding
    do throws(MigrationError) {
      encoding = try TextEncoding(named: strong["configFileEncoding"] ?? "UTF-8")
    } catch {
      throw MigrationFailure(error)
    }
    for path in found.paths { try files.add(ConfigurationFile(reading: path, encoding, environment)) }
    for (key, value) in commandLine.environments.merging(
      variables.environments, uniquingKeysWith: { a, _ in a })
    {
      files.set(key, to: value)
    }
    let (weak, warnings) = try files.values(form, environment)
    if !commandLine.unknown.isEmpty { throw MigrationFailure(form.unknown(commandLine.unknown)) }

    var all = weak
    all.override(with: strong)
    let target = try target(weak)
    do throws(MigrationError) {
      return MigrationConfiguration(
        settings: try MigrationSettings(all), target: target,
        warnings: found.warnings + warnings + target.notes)
    } catch {
      throw misread(error, commandLine.values)
    }
  }

  /// A version or an encoding that is none; a wrong command line when it stands there.
  private static func misread(_ error: MigrationError, _ commandLine: SettingValues) -> MigrationFailure {
    var failure = MigrationFailure(error)
    let (names, what, hint): ([String], String, String) =
      switch error {
      case .invalidVersion(let text):
        (
          ["target", "baselineVersion"], "'\(text)' is no version",
          "numbers between dots, 1.2; a target may also be latest, current or next, and end in ?"
        )
      case .unknownEncoding(let text):
        (
          ["encoding"], "'\(text)' is no encoding",
          TextEncoding.allCases.map(\.rawValue).joined(separator: ", ")
        )
      default: ([], failure.failure.what, failure.failure.hint ?? "")  // an open set
      }
    failure.failure.what = what
    failure.failure.hint = hint.isEmpty ? nil : hint
    if names.contains(where: { commandLine[$0] != nil }) { failure.failure.exitCode = ExitStatus.usage }
    return failure
  }

  /// `jdbcProperties.NAME` mean the same as in a JDBC URL, and win over it.
  /// - Returns: what was accepted but has no effect here.
  private static func addProperties(
    of values: SettingValues, to target: inout DatabaseTarget
  ) throws(MigrationFailure) -> [String] {
    let prefix = "jdbcProperties."
    var source = TargetSource(name: "jdbcProperties")
    for name in values.names where name.hasPrefix(prefix) {
      do throws(Failure) {
        try JDBCParameter.take(
          String(name.dropFirst(prefix.count)), values[name] ?? "", into: &source,
          known: ConnectionParameters.names)
      } catch {
        throw MigrationFailure(error, code: .configuration)
      }
    }
    target.parameters.merge(source.parameters) { _, property in property }
    target.user = target.user ?? source.user
    target.password = target.password ?? source.password
    return source.notes
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
      var failure = MigrationFailure(error)
      let url = (flags.url ?? environment["FLYWAY_URL"] ?? files["url"] ?? "").lowercased()
      if url.hasPrefix("jdbc:"), !url.hasPrefix("jdbc:postgresql:") {
        failure.message = "No Flyway database plugin found to handle ********"
      }
      throw failure
    }
  }
}
