import DatabaseTools
import Migrations

/// What a dry run means for a call: whether there is one, and how it ends.
enum DryRunCall {
  /// Commands whose SQL is written down.
  private static let served = ["migrate", "undo", "baseline", "repair"]

  /// Whether one of these commands would write.
  static func isServed(_ commands: [String]) -> Bool { commands.contains { served.contains($0) } }

  /// - Returns: nil when none is asked for, or when the commands only look.
  /// - Throws: a usage failure for a command that cannot be written down; nothing has been done then.
  static func script(
    _ settings: MigrationSettings, _ line: FlywayCommandLine
  ) throws(MigrationFailure) -> DryRunScript? {
    guard let path = settings.optional("dryRunOutput") else { return nil }
    if line.commands.contains("clean") {
      throw MigrationFailure(
        Failure.usage(
          "clean has no dry run",
          hint: "what it drops is found out step by step; run the other commands alone"))
    }
    guard isServed(line.commands) else { return nil }
    if line.isJSON, path == DryRunScript.standardOutput {
      throw MigrationFailure(
        Failure.usage("stdout cannot be JSON and SQL at once", hint: "name a file: --dry-run=FILE"))
    }
    do throws(Failure) { return try DryRunScript(to: path) } catch { throw MigrationFailure(error) }
  }

  static func show(_ count: Int, toBe done: String, _ console: Console) {
    if console.isJSON { return }
    console.result("\(count) \(count == 1 ? "migration" : "migrations") would be \(done)")
  }

  static func end(_ script: DryRunScript, worked: Bool, _ console: Console) throws(MigrationFailure) {
    guard worked else { return script.discard() }
    do throws(Failure) { try script.finish() } catch { throw MigrationFailure(error) }
    console.say("dry run: nothing of this has been done")
  }
}
