package import Foundation
private import Glibc

/// The built `dbtool`, run as a user runs it.
package final class DBToolProcess {
  /// What a finished run left.
  package struct Result: Sendable {
    /// As a shell counts it: 128 + n when signal n ended it.
    package let status: Int32
    package let stdout: String
    package let stderr: String
  }

  private let process = Process()
  private let folder: URL

  /// Where the binary is: beside the test bundle, or where `DBTOOL_BINARY` says.
  package static var binary: URL {
    if let named = ProcessInfo.processInfo.environment["DBTOOL_BINARY"] { return URL(filePath: named) }
    let bundle = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    return bundle.deletingLastPathComponent().appending(path: "dbtool")
  }

  /// Starts it. The variables of this process are passed on but for those that lead to a database; `environment`
  /// comes on top.
  /// - Parameters:
  ///   - errors: what its stderr is, instead of what ``stderrSoFar`` reads.
  ///   - terminal: what its stdin and stdout are, instead of `input` and what ``stdoutSoFar`` reads.
  package init(
    _ arguments: [String], environment: [String: String] = [:], input: String = "",
    in workFolder: String? = nil, errors: FileHandle? = nil, terminal: FileHandle? = nil
  ) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "dbtool test \(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let inputFile = folder.appending(path: "in")
    try Data(input.utf8).write(to: inputFile)
    process.executableURL = Self.binary
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .filter { name, _ in
        !name.hasPrefix("PG") && !name.hasPrefix("FLYWAY_") && !name.hasPrefix("DBTOOL_")
          && name != "DATABASE_URL"
      }
      .merging(environment) { _, new in new }
    process.standardInput = try terminal ?? FileHandle(forReadingFrom: inputFile)
    process.standardOutput = try terminal ?? output("out")
    process.standardError = try errors ?? output("err")
    if let workFolder { process.currentDirectoryURL = URL(filePath: workFolder) }
    try process.run()
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  package var pid: Int32 { process.processIdentifier }

  package var isRunning: Bool { process.isRunning }

  /// What it has written so far.
  package var stdoutSoFar: String { text("out") }
  package var stderrSoFar: String { text("err") }

  package func send(_ signal: Int32) { kill(pid, signal) }

  /// Waits for its end.
  package func finish() -> Result {
    process.waitUntilExit()
    let signal = process.terminationReason == .uncaughtSignal
    return Result(
      status: signal ? 128 + process.terminationStatus : process.terminationStatus, stdout: text("out"),
      stderr: text("err"))
  }

  private func output(_ name: String) throws -> FileHandle {
    let file = folder.appending(path: name)
    try Data().write(to: file)
    return try FileHandle(forWritingTo: file)
  }

  private func text(_ name: String) -> String {
    let bytes = (try? Data(contentsOf: folder.appending(path: name))) ?? Data()
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// Runs `dbtool` to its end.
package func runDBTool(
  _ arguments: [String], environment: [String: String] = [:], input: String = "", in workFolder: String? = nil
) throws -> DBToolProcess.Result {
  try DBToolProcess(arguments, environment: environment, input: input, in: workFolder).finish()
}

/// Waits until `condition` holds, looking again every few milliseconds.
/// - Returns: whether it came to hold within `limit`.
package func eventually(within limit: Duration = .seconds(30), _ condition: () throws -> Bool) rethrows
  -> Bool
{
  let deadline = ContinuousClock.now + limit
  while true {
    if try condition() { return true }
    if ContinuousClock.now >= deadline { return false }
    usleep(5_000)
  }
}
