import DatabaseTools
import Migrations

/// The words of a `new` call: what is to be made, and the options that `migrate` has.
struct NewWords {
  let request: NewMigration.Request
  let migrate: FlywayCommandLine

  /// - Parameter words: without `new` itself.
  /// - Throws: `Failure`, usage.
  init(_ words: [String]) throws(Failure) {
    var others: [String] = []
    var rest = words[...]
    var version: String?
    var isRepeatable = false
    var isUndo = false
    while let word = rest.popFirst() {
      switch word {
      case "--repeatable": isRepeatable = true
      case "--undo": isUndo = true
      case "--as":
        guard let next = rest.popFirst() else { throw .usage("--as needs a value") }
        version = next
      case _ where word.hasPrefix("--as="): version = String(word.dropFirst("--as=".count))
      default: others.append(word)
      }
    }
    do throws(MigrationFailure) { migrate = try FlywayCommandLine(others, takesNames: true) } catch {
      var failure = error.failure
      failure.exitCode = ExitStatus.usage
      if failure.hint == nil { failure.hint = Self.advice }
      throw failure
    }
    guard migrate.names.count < 2 else {
      throw .usage(
        "one name is enough, and these are \(migrate.names.count): \(migrate.names.joined(separator: ", "))",
        hint: "join them with _, or put quotes around them")
    }
    if isRepeatable, isUndo { throw .usage("--repeatable and --undo exclude each other") }
    if version != nil, isRepeatable || isUndo { throw .usage("--as is for versioned migrations") }
    let title = migrate.names.first
    if isUndo {
      request = .undo(of: title)
    } else if let title {
      request = isRepeatable ? .repeatable(title: title) : .versioned(title: title, version: version)
    } else if migrate.wantsHelp {
      request = .undo(of: nil)
    } else {
      throw .usage("the new migration has no name", hint: "say what it does: `dbtool new add_users`")
    }
  }

  private static let advice = "`dbtool new --help` lists what it takes"
}
