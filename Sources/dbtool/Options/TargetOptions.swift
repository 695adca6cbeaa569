import ArgumentParser
import DatabaseTools

/// Which database: the options of every command that works on one.
struct TargetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The database: postgresql://…, jdbc:postgresql://…, or libpq's key=value. (DATABASE_URL)",
      valueName: "url"))
  var url: String?

  @Option(help: ArgumentHelp("The user to log in as. (PGUSER)", valueName: "name"))
  var user: String?

  @Option(
    name: [.customLong("password", withSingleDash: true), .customLong("password")],
    help: ArgumentHelp(
      "The password. Others on this machine can read it here; --password-file is better. (PGPASSWORD)",
      valueName: "password"))
  var password: String?

  @Option(help: ArgumentHelp("A file with the password as its only line.", valueName: "file"))
  var passwordFile: String?

  @Option(
    help: ArgumentHelp(
      "A JSON file as AWS Secrets Manager stores it: username, password, host, port, dbname. (DBTOOL_SECRET_FILE)",
      valueName: "file"))
  var secret: String?

  /// What these options say, for the resolver.
  var flags: TargetFlags {
    TargetFlags(
      url: url, user: user, password: password.map { Secret($0) }, passwordFile: passwordFile,
      secretFile: secret)
  }

  /// Finds the database and says on stderr which one it is.
  func resolve(_ console: Console) throws(Failure) -> DatabaseTarget {
    let target = try TargetResolver(flags: flags, environment: ProcessEnvironment.current).resolve()
    for note in target.notes { console.warn(note) }
    console.say("database: \(target)")
    return target
  }
}
