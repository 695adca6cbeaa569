import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

/// stderr is a pipe whose reader goes: `head` that has seen enough, a log collector that restarts.
@Suite("dbtool when nobody reads its talk any more")
struct ClosedPipeTests {
  /// Starts `dbtool` with stderr in a pipe, whose reading end is the answer's.
  private static func start(
    _ arguments: [String], _ environment: [String: String]
  ) throws -> (process: Process, stdout: Pipe, stderr: Pipe) {
    let process = Process()
    let pipes = (out: Pipe(), err: Pipe())
    process.executableURL = DBToolProcess.binary
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipes.out
    process.standardError = pipes.err
    process.currentDirectoryURL = URL(filePath: "/")
    try process.run()
    return (process, pipes.out, pipes.err)
  }

  @Test("a throwaway server is removed all the same, and its command has SIGPIPE as usual")
  func ephemeral() throws {
    let folder = "/tmp/dbt-\(UUID().uuidString.prefix(8))"
    let files = FileManager.default
    try files.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    defer { try? files.removeItem(atPath: folder) }
    let command = ["ephemeral", "--", "grep", "SigIgn", "/proc/self/status"]
    let (process, stdout, stderr) = try Self.start(command, ["TMPDIR": folder])
    try stderr.fileHandleForReading.close()
    let text = String(decoding: stdout.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 0)
    #expect(try files.contentsOfDirectory(atPath: folder).isEmpty)
    // Source: proc(5): a mask in hexadecimal; signal n is bit n - 1.
    let mask = text.split(separator: "\t").last.flatMap { UInt64($0.dropLast(), radix: 16) }
    #expect(mask.map { $0 & (1 << UInt64(SIGPIPE - 1)) } == 0, "\(text)")
  }

  @Test("a pool goes on serving its clients")
  func pool() throws {
    try SharedPostgres.withDatabase { database in
      let port = try PoolProcess.freePort()
      let (process, _, stderr) = try Self.start(
        ["pool", "--listen", "127.0.0.1:\(port)", "--http-listen", "", "--max-connections", "2"],
        ["DATABASE_URL": database.testURL])
      defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
      #expect(!stderr.fileHandleForReading.availableData.isEmpty)
      try stderr.fileHandleForReading.close()
      var target = database
      target.port = String(port)
      // A refused login is a line of the log, and so is a drain.
      var stranger = target
      stranger.user = "stranger"
      #expect(eventually { (try? target.connect().query("SELECT 1").first) == "1" })
      #expect(throws: Failure.self) { try stranger.connect() }
      #expect(try target.connect().query("SELECT 2").first == "2")
      kill(process.processIdentifier, SIGTERM)
      process.waitUntilExit()
      #expect(process.terminationReason == .exit)
      #expect(process.terminationStatus == 0)
    }
  }
}
