import ArgumentParser

/// The options that every command has.
struct GlobalOptions: ParsableArguments {
  @Flag(name: .long, help: "Print one JSON document on stdout (long-running commands: JSON lines).")
  var json = false

  @Flag(name: .shortAndLong, help: "Print results and errors only.")
  var quiet = false

  @Flag(name: .shortAndLong, help: "Say more about what is being done.")
  var verbose = false

  @Flag(name: .customLong("no-color"), help: "No colours; NO_COLOR and output that is no terminal count too.")
  var noColor = false

  func validate() throws {
    if quiet && verbose { throw ValidationError("--quiet and --verbose exclude each other") }
  }

  /// The two output streams as these options want them.
  var console: Console {
    Console(talk: quiet ? .quiet : verbose ? .verbose : .normal, isJSON: json, allowsColour: !noColor)
  }
}
