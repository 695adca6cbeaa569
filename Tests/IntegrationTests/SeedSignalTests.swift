import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("A signal while seed runs")
struct SeedSignalTests {
  private func waits(_ process: DBToolProcess, for text: String) -> Bool {
    eventually(within: .seconds(60)) { process.stderrSoFar.contains(text) }
  }

  @Test(
    "cancels what runs at the server, leaves nothing written, and ends with 128 and its number",
    arguments: [(SIGTERM, "SIGTERM"), (SIGINT, "SIGINT"), (SIGHUP, "SIGHUP")])
  func cancelled(_ signal: Int32, _ name: String) throws {
    try StorefrontDatabase.with { (shop) throws in
      // The products go in, and the users wait.
      let other = try shop.target.connect(applicationName: "nightly report")
      try other.execute("BEGIN; LOCK TABLE users IN SHARE MODE")
      let process = try shop.startSeed(["--products", "100"])
      #expect(
        waits(process, for: "waiting for a lock (1 s), held by pid \(other.backendPID) (nightly report"))
      process.send(signal)
      let result = process.finish()
      #expect(result.status == 128 + signal)
      #expect(result.stderr.contains("error: interrupted by \(name) (SQLSTATE 57014)"))
      #expect(result.stderr.contains("Nothing was changed: the load was rolled back."))
      #expect(result.stdout.isEmpty)
      try other.execute("ROLLBACK")
      #expect(try shop.count("products") == 0)
      #expect(try shop.seed("--products", "100").status == 0)
      #expect(try shop.count("products") == 100)
    }
  }

  @Test("stops it in the middle of a table's rows, too")
  func inCopy() throws {
    try StorefrontDatabase.with { (shop) throws in
      let process = try shop.startSeed(["--only", "products", "--products", "20000000"])
      let isCopying = try eventually {
        try shop.ask("SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database()") == "1"
      }
      #expect(isCopying)
      process.send(SIGTERM)
      #expect(process.finish().status == 128 + SIGTERM)
      #expect(try shop.count("products") == 0)
    }
  }
}
