import DatabaseTools
import Foundation
import TestSupport
import Testing

@Suite("dbtool pool top") struct PoolTopTests {
  private func url(_ pool: PoolProcess) -> String { "http://127.0.0.1:\(pool.httpPort)" }

  /// A pool with two backends, one of them held by a client that calls itself so.
  private func withHolder(named name: String = "till-7", _ body: (PoolProcess) throws -> Void) throws {
    try PoolProcess.with(backends: 2) { pool in
      let holder = try pool.wireClient(("application_name", name))
      #expect(try holder.query("BEGIN").tags == "CZ")
      try body(pool)
    }
  }

  @Test("once: what the pool has, who holds its backends, and status 0")
  func once() throws {
    try withHolder { pool in
      let result = try runDBTool(["pool", "top", "--once", "--interval", "100ms", "--url", url(pool)])
      #expect(result.status == 0, "\(result.stderr)")
      for words in [
        "dbtool pool ", "  ready  up ", "127.0.0.1:\(pool.httpPort)", "\nbackends", "/2  1 in use",
        "\nclients         1  1 active", "\nqueue           0  longest 0 ms",
        "\nwho has had a backend longest\n", "  idle in transaction  ", "  till-7  ",
      ] { #expect(result.stdout.contains(words), "\(words)\n\(result.stdout)") }
      #expect(!result.stdout.contains("\u{1B}"))
    }
  }

  @Test("as JSON: the document as the pool gives it")
  func json() throws {
    try withHolder { pool in
      let result = try runDBTool(["pool", "top", "--json", "--url", url(pool)])
      #expect(result.status == 0)
      let document = try #require(JSONValue(parsing: result.stdout))
      #expect(document["max_backends"]?.text == "2")
      guard case .array(let holders)? = document["holders"] else {
        Issue.record("no holders")
        return
      }
      #expect(holders.map { $0["application_name"]?.text } == ["till-7"])
    }
  }

  @Test("where no terminal is, a line each time until a signal ends it")
  func lines() throws {
    try withHolder { pool in
      let top = try DBToolProcess(["pool", "top", "--interval", "100ms", "--url", url(pool)])
      #expect(eventually { top.stdoutSoFar.split(separator: "\n").count >= 3 })
      top.send(SIGINT)
      let result = top.finish()
      #expect(result.status == 130)
      for line in result.stdout.split(separator: "\n") {
        #expect(line.contains("  backends 1/2  clients 1  waiting 0  "))
      }
    }
  }

  @Test("on a terminal it draws on a screen of its own, follows its width, and leaves everything as it was")
  func terminal() throws {
    // What a client calls itself must not reach the terminal as it is.
    try withHolder(named: "evil\u{1B}[2Jname") { pool in
      let terminal = try TestTerminal(columns: 100)
      let top = try DBToolProcess(
        ["pool", "top", "--interval", "200ms", "--url", url(pool)], environment: ["TERM": "xterm"],
        terminal: terminal.handle)
      #expect(eventually { terminal.text.contains("who has had a backend longest") })
      #expect(terminal.text.contains("\u{1B}[?1049h"))
      #expect(!terminal.echoes)
      #expect(terminal.text.contains("evil"))
      #expect(!terminal.text.contains("\u{1B}[2Jname"))
      let before = terminal.text.count
      terminal.resize(columns: 44)
      #expect(eventually { terminal.text.dropFirst(before).contains("…\u{1B}[K") })
      try terminal.type("q")
      #expect(top.finish().status == 0)
      #expect(terminal.text.hasSuffix("\u{1B}[?25h\u{1B}[?1049l"))
      #expect(terminal.echoes)
    }
  }

  @Test("Ctrl-C and SIGTERM leave the terminal as it was, too", arguments: [SIGINT, SIGTERM])
  func signals(signal: Int32) throws {
    try withHolder { pool in
      let terminal = try TestTerminal()
      let top = try DBToolProcess(["pool", "top", "--url", url(pool)], terminal: terminal.handle)
      #expect(eventually { terminal.text.contains("who has had") })
      top.send(signal)
      #expect(top.finish().status == 128 + signal)
      #expect(terminal.text.hasSuffix("\u{1B}[?25h\u{1B}[?1049l"))
      #expect(terminal.echoes)
    }
  }

  @Test("it finds the pool as the pool itself finds its http_listen: by flag, variable or file")
  func places() throws {
    try withHolder { pool in
      let address = "127.0.0.1:\(pool.httpPort)"
      let folder = FileManager.default.temporaryDirectory.appending(path: "top-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      try "[pool]\nhttp_listen = \"\(address)\"\n".write(
        to: folder.appending(path: "dbtool.toml"), atomically: true, encoding: .utf8)
      #expect(try runDBTool(["pool", "top", "--json"], in: folder.path).status == 0)
      #expect(try runDBTool(["pool", "top", "--json", "--http-listen", address]).status == 0)
      let variable = ["DBTOOL_POOL_HTTP_LISTEN": address]
      #expect(try runDBTool(["pool", "top", "--json"], environment: variable).status == 0)
    }
  }

  @Test("nobody there, another kind of server and a wrong command line are said in a line")
  func failures() throws {
    let nobody = try runDBTool(["pool", "top", "--once", "--url", "http://127.0.0.1:1"])
    #expect(nobody.status == 1)
    #expect(nobody.stderr.hasPrefix("error: 127.0.0.1:1: Connection refused\n"))
    for arguments in [["--url", "https://127.0.0.1:9137"], ["--url", "http://:x"], ["--interval", "soon"]] {
      #expect(try runDBTool(["pool", "top"] + arguments).status == 64)
    }
    try withHolder { pool in
      // It waits for a login, and gets none.
      let other = try runDBTool(["pool", "top", "--once", "--url", "http://127.0.0.1:\(pool.port)"])
      #expect(other.status == 1)
      #expect(other.stderr.contains("hint: see http_listen"))
    }
  }
}
