import DatabaseTools
import Migrations

/// The words of a `verify` call: its own options, and those that `migrate` has.
struct VerifyWords {
  var junit: String?
  var seeds = Verifier.Seeds.standard
  var preparation: String?
  var server = EphemeralSettings()
  var migrate: FlywayCommandLine

  /// - Parameter words: without `verify` itself.
  /// - Throws: `Failure`, usage, also for an option that names a database.
  init(_ words: [String]) throws(Failure) {
    var others: [String] = []
    var rest = words[...]
    var wantsSeeds = true
    var plan: String?
    while let word = rest.popFirst() {
      let (flag, inline) = Self.split(word)
      func value() throws(Failure) -> String {
        if let inline { return inline }
        guard let next = rest.popFirst() else { throw .usage("\(flag) needs a value") }
        return next
      }
      switch flag {
      case "--junit": junit = try value()
      case "--plan": plan = try value()
      case "--prepare": preparation = try value()
      case "--postgres-bin": server.binaries = try value()
      case "--set": try server.set(try value())
      case "--no-seed": wantsSeeds = false
      default: others.append(word)
      }
    }
    if let plan, !wantsSeeds { throw .usage("--plan \(plan) and --no-seed exclude each other") }
    seeds = !wantsSeeds ? .none : plan.map { .plan($0) } ?? .standard
    do throws(MigrationFailure) { migrate = try FlywayCommandLine(others) } catch {
      var failure = error.failure
      failure.exitCode = ExitStatus.usage
      if failure.hint == nil { failure.hint = "`dbtool verify --help` lists what it takes" }
      throw failure
    }
    if let command = migrate.commands.first {
      throw .usage("verify and \(command) do not go together", hint: "run them one after the other")
    }
    try refuseDatabase()
  }

  /// Who names a database expects it to be looked at; it never is.
  private func refuseDatabase() throws(Failure) {
    var named = ["url", "user", "password"].filter { migrate.values.values[$0] != nil }
    if migrate.values.passwordFile != nil { named.append("password-file") }
    if migrate.values.secretFile != nil { named.append("secret") }
    guard let first = named.first else { return }
    throw .usage(
      "verify takes no --\(first): it never touches a database, it starts one of its own",
      hint: "leave it out; `dbtool validate` compares the files with a database")
  }

  private static func split(_ word: String) -> (flag: String, value: String?) {
    guard word.hasPrefix("--"), let equals = word.firstIndex(of: "=") else { return (word, nil) }
    return (String(word[..<equals]), String(word[word.index(after: equals)...]))
  }
}
