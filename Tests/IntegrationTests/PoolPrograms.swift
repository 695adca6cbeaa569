import Foundation
import TestSupport

/// A program that is run against a pool: a driver's script, psql, pgbench.
final class PoolProgram {
  private let process = Process()
  private let log: URL

  struct Missing: Error { let program: String }

  /// Starts it with `DATABASE_URL` set, without the `PG*` variables of this process.
  init(_ path: String, _ arguments: [String], databaseURL: String) throws {
    log = FileManager.default.temporaryDirectory.appending(path: "dbtool test \(UUID().uuidString)")
    try Data().write(to: log)
    let output = try FileHandle(forWritingTo: log)
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment
      .filter { name, _ in !name.hasPrefix("PG") }
      .merging(["DATABASE_URL": databaseURL, "PGCONNECT_TIMEOUT": "20"]) { _, new in new }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
  }

  deinit {
    if isRunning { kill(process.processIdentifier, SIGKILL) }
    try? FileManager.default.removeItem(at: log)
  }

  /// One of PostgreSQL's client programs: in PATH, or where its packages put it.
  static func postgres(_ name: String) throws -> String {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let versions = ((try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? [])
      .sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
    let folders =
      versions.map { "/usr/lib/postgresql/\($0)/bin" } + path.split(separator: ":").map { String($0) }
    let found = folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let found else { throw Missing(program: name) }
    return found
  }

  /// A script of Tests/Drivers, run by the Python that has the drivers.
  static func driver(_ script: String, _ arguments: [String], databaseURL: String) throws -> PoolProgram {
    guard let python = DriverPython.path else { throw Missing(program: "python3 with drivers") }
    let scripts = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Drivers")
    return try PoolProgram(
      python, [scripts.appending(path: script).path] + arguments, databaseURL: databaseURL)
  }

  /// Ends it by a signal and waits for that.
  func end(by signal: Int32) {
    if isRunning { kill(process.processIdentifier, signal) }
    process.waitUntilExit()
  }

  var isRunning: Bool { process.isRunning }

  /// All that it has written by now.
  var outputSoFar: String { String(decoding: (try? Data(contentsOf: log)) ?? Data(), as: UTF8.self) }

  /// Waits for its end, a minute at most, doing `work` again and again meanwhile.
  /// - Returns: its status, and all that it wrote.
  func finish(_ work: () throws -> Void = { usleep(5_000) }) rethrows -> (status: Int32, output: String) {
    let deadline = ContinuousClock.now + .seconds(60)
    while isRunning, ContinuousClock.now < deadline { try work() }
    if isRunning {
      // Whoever it waits for shall not wait for it.
      kill(process.processIdentifier, SIGKILL)
    }
    process.waitUntilExit()
    let output = (try? Data(contentsOf: log)) ?? Data()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }
}
