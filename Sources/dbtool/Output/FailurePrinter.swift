import ArgumentParser
import DatabaseTools
import Glibc

/// Shows why a command ended, and tells its exit status. It reads the command line by itself, because what
/// went wrong may be the command line.
struct FailurePrinter: Sendable {
  private let console: Console

  /// - Parameter arguments: the words after the program's name; those behind `--` are another program's.
  init(arguments: [String]) {
    let ours = arguments.prefix { $0 != "--" }
    console = Console(isJSON: ours.contains("--json"), allowsColour: !ours.contains("--no-color"))
  }

  /// Prints a failure on stderr; with `--json` the same facts as a document on stdout, too.
  func show(_ failure: Failure) {
    console.raw(failure.text(coloured: console.errPaint.isOn))
    if console.isJSON { console.result(failure.json) }
  }

  /// Ends with an error of ArgumentParser's: help and version are no failure, the rest is a wrong command line.
  func finish(_ error: any Error) -> Int32 {
    // A bare ExitCode has been explained by whoever threw it.
    if let status = error as? ExitCode { return status.rawValue }
    let code = Root.exitCode(for: error)
    if code == ExitCode.success {
      Console.write(Root.fullMessage(for: error) + "\n", to: STDOUT_FILENO)
      return ExitStatus.done
    }
    let text = Root.fullMessage(for: error)
    let prefix = "Error: "
    let body = text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : text[...]
    console.raw(console.errPaint.red("error:") + " " + body + "\n")
    if console.isJSON { console.result(Failure(Root.message(for: error)).json) }
    return code.rawValue
  }
}

extension Failure {
  /// `{"error": {…}}` with only the members that exist.
  var json: JSONValue {
    var members: [JSONValue.Member] = [.init("message", .string(what))]
    if let sqlState { members.append(.init("sqlState", .string(sqlState))) }
    if let place {
      members.append(.init("file", .string(place.file)))
      if let line = place.line { members.append(.init("line", .integer(line))) }
      if let column = place.column { members.append(.init("column", .integer(column))) }
    }
    if let detail { members.append(.init("detail", .string(detail))) }
    if let hint { members.append(.init("hint", .string(hint))) }
    return .object([.init("error", .object(members))])
  }
}
