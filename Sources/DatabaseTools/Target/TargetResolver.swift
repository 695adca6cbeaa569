private import LibPQ

/// What the command line says about the database.
package struct TargetFlags: Sendable, Equatable {
  /// Any form that `TargetSource.reading` takes.
  package var url: String?
  package var user: String?
  package var password: Secret?
  /// A file with the password as its only line.
  package var passwordFile: String?
  /// A JSON file as AWS Secrets Manager stores it.
  package var secretFile: String?

  package init(
    url: String? = nil, user: String? = nil, password: Secret? = nil, passwordFile: String? = nil,
    secretFile: String? = nil
  ) {
    self.url = url
    self.user = user
    self.password = password
    self.passwordFile = passwordFile
    self.secretFile = secretFile
  }
}

/// Finds the database a command means: host, port, database, user and password one by one, first source wins.
///
/// The order: flags, environment, Flyway's configuration files, and then libpq's own `PG*`, service file and
/// `~/.pgpass`, which simply fill what is left. Other parameters, such as `sslmode`, describe the way to a
/// server, so they are taken only from sources up to the one that named the server.
package struct TargetResolver: Sendable {
  private let flags: TargetFlags
  private let environment: [String: String]
  private let readsFlywayVariables: Bool
  private let files: [TargetSource]

  /// - Parameters:
  ///   - environment: the process's variables.
  ///   - readsFlywayVariables: true for migration commands: `FLYWAY_URL`, `FLYWAY_USER`, `FLYWAY_PASSWORD`.
  ///   - files: what Flyway's configuration files say, the strongest first.
  package init(
    flags: TargetFlags, environment: [String: String], readsFlywayVariables: Bool = false,
    files: [TargetSource] = []
  ) {
    self.flags = flags
    self.environment = environment
    self.readsFlywayVariables = readsFlywayVariables
    self.files = files
  }

  /// - Throws: `Failure` for a source that cannot be read or understood; never with a password in it.
  package func resolve() throws(Failure) -> DatabaseTarget {
    let known = ConnectionParameters.names
    var target = DatabaseTarget()
    var serverIsNamed = false

    func add(_ source: TargetSource) {
      if !serverIsNamed {
        target.parameters.merge(source.parameters) { first, _ in first }
        target.notes += source.notes
      }
      serverIsNamed = serverIsNamed || source.namesServer
      target.host = target.host ?? source.host
      target.port = target.port ?? source.port
      target.database = target.database ?? source.database
      target.user = target.user ?? source.user
      target.password = target.password ?? source.password
    }

    add(TargetSource(name: "flags", user: flags.user, password: flags.password))
    if let path = flags.passwordFile { add(try SecretFile.password(at: path, from: "--password-file")) }
    if let path = flags.secretFile { add(try SecretFile.secret(at: path, from: "--secret")) }
    if let url = flags.url { add(try .reading(url, from: "--url", known: known)) }

    if readsFlywayVariables {
      add(
        TargetSource(
          name: "FLYWAY_USER", user: variable("FLYWAY_USER"),
          password: variable("FLYWAY_PASSWORD").map { Secret($0) }
        ))
      if let url = variable("FLYWAY_URL") { add(try .reading(url, from: "FLYWAY_URL", known: known)) }
    }
    if let path = variable("DBTOOL_SECRET_FILE") {
      add(try SecretFile.secret(at: path, from: "DBTOOL_SECRET_FILE"))
    }
    if let url = variable("DATABASE_URL") {
      do throws(Failure) {
        add(try .reading(url, from: "DATABASE_URL", known: known))
      } catch {
        // Many programs read DATABASE_URL; when ours is already known, another one's need not be right.
        guard serverIsNamed else { throw error }
        target.notes.append("\(error.what); it was not used")
      }
    }
    for file in files { add(file) }
    return target
  }

  /// A variable's value; an empty one counts as not set.
  private func variable(_ name: String) -> String? {
    environment[name].flatMap { $0.isEmpty ? nil : $0 }
  }
}
