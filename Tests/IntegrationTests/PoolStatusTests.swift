import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("What the pool shows of its clients") struct PoolStatusTests {
  private static let chromium = "/usr/bin/chromium"

  /// A pool with two backends: one held by a till that thinks, one kept by a client with a lock; and one client waits.
  private func withCrowd(_ flags: [String] = [], _ body: (PoolProcess) throws -> Void) throws {
    try SharedPostgres.withDatabase { database in
      try PoolProcess.with(database, backends: 2, flags) { pool in
        // All log in first: settings that are new to the pool are tried on a backend.
        let keeper = try pool.wireClient(("application_name", "keeper"))
        let till = try pool.wireClient(("application_name", "till-7"))
        let waiter = try pool.wireClient(("application_name", "patient"))
        #expect(try keeper.query("SELECT pg_advisory_lock(1)").tags == "TDCZ")
        #expect(try till.query("BEGIN").tags == "CZ")
        #expect(try till.query("SELECT 'confidential'").tags == "TDCZ")
        try waiter.send { $0.query("SELECT 'confidential'") }
        #expect(pool.waits(1))
        try body(pool)
        #expect(try till.query("COMMIT").tags == "CZ")
        #expect(try waiter.reply().tags == "TDCZ")
      }
    }
  }

  private func status(_ pool: PoolProcess) throws -> JSONValue {
    try #require(JSONValue(parsing: pool.page("/status.json")?.body ?? ""))
  }

  private func clients(_ status: JSONValue, _ name: String) -> [JSONValue] {
    guard case .array(let clients)? = status[name] else { return [] }
    return clients
  }

  @Test(
    "holders, waiters and pins by name, state and age, on one loop and on several; never what they asked",
    arguments: [1, 2])
  func ranking(threads: Int) throws {
    try withCrowd(["--threads", String(threads)]) { pool in
      let status = try status(pool)
      let holders = clients(status, "holders")
      #expect(holders.count == 2)
      let till = try #require(holders.first { $0["application_name"]?.text == "till-7" })
      #expect(till["state"]?.text == "idle_in_transaction")
      #expect(till["user"]?.text == pool.server.user)
      #expect(till["database"]?.text == pool.server.database)
      #expect(till["address"]?.text == "127.0.0.1")
      let keeper = try #require(clients(status, "pinned").first)
      #expect(keeper["application_name"]?.text == "keeper")
      #expect(keeper["pin_reasons"] == .array([.string("advisory_lock")]))
      #expect(keeper["state"]?.text == "between_transactions")
      let process = try pool.direct().query(
        """
        SELECT l.pid FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
        WHERE l.locktype = 'advisory' AND a.datname = current_database()
        """
      ).first
      #expect(keeper["server_process"]?.text == process)
      let waiters = clients(status, "waiters")
      #expect(waiters.map { $0["application_name"]?.text } == ["patient"])
      #expect(waiters.first?["state"]?.text == "waiting")
      #expect(status["queue"]?["length"]?.text == "1")
      #expect(status["pins"]?["advisory_lock"]?.text == "1")
      let ids = (holders + waiters).map { $0["id"]?.text }
      #expect(Set(ids).count == 3)
      let page = pool.page("/status.json")?.body ?? ""
      #expect(!page.contains("confidential"))
      #expect(!page.contains("pg_advisory_lock"))
    }
  }

  @Test("ages grow with time")
  func ages() throws {
    try withCrowd { pool in
      func age() throws -> Double {
        try #require(clients(status(pool), "waiters").first?["seconds"]?.text.flatMap { Double($0) })
      }
      let first = try age()
      #expect(try eventually { try age() > first + 0.2 })
    }
  }

  @Test(
    "the page shows the real numbers in a browser, which no policy of its own stops",
    .enabled(if: FileManager.default.isExecutableFile(atPath: chromium), "Chromium is not here"))
  func page() throws {
    try withCrowd { pool in
      let folder = FileManager.default.temporaryDirectory.appending(path: "page-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let browser = Process()
      browser.executableURL = URL(filePath: Self.chromium)
      browser.arguments = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--user-data-dir=\(folder.path)", "--virtual-time-budget=4000", "--dump-dom",
        "http://127.0.0.1:\(pool.httpPort)/",
      ]
      let output = folder.appending(path: "out")
      try Data().write(to: output)
      browser.standardOutput = try FileHandle(forWritingTo: output)
      browser.standardError = FileHandle.nullDevice
      try browser.run()
      browser.waitUntilExit()
      let page = try String(contentsOf: output, encoding: .utf8)
      for part in [
        #"<span id="state" class="badge ready">ready</span>"#, #"<span id="backends-open">2</span>"#,
        #"<span id="backends-cap">2</span>"#, #"<span id="clients-now">3</span>"#,
        #"<div class="big" id="queue">1</div>"#, "<td class=\"who\">till-7</td>",
        "<td class=\"\">idle in transaction</td>",
        "<td class=\"\">advisory lock</td>", "<td class=\"who\">patient</td>",
        "advisory lock <b class=\"\">1</b>",
        "<title>2/2 in use, 1 waiting – dbtool pool</title>",
      ] {
        #expect(page.contains(part) || page.contains(part.replacing(" class=\"\"", with: "")), "\(part)")
      }
      #expect(!page.contains("confidential"))
    }
  }
}
