import Foundation
import LibPQ
import TestSupport
import Testing

/// Each test has a TMPDIR of its own, so that what is left behind is seen and belongs to it.
@Suite("dbtool ephemeral")
struct EphemeralTests {
  private static func withFolder<Answer>(_ body: (Place) throws -> Answer) throws -> Answer {
    let path = "/tmp/dbt-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(Place(path: path))
  }

  struct Place {
    let path: String

    func start(_ arguments: [String], _ environment: [String: String] = [:]) throws -> DBToolProcess {
      try DBToolProcess(
        ["ephemeral"] + arguments, environment: environment.merging(["TMPDIR": path]) { own, _ in own })
    }

    func run(_ arguments: [String], _ environment: [String: String] = [:]) throws -> DBToolProcess.Result {
      try start(arguments, environment).finish()
    }

    /// The private folders that are there now.
    var folders: [String] {
      (try? FileManager.default.contentsOfDirectory(atPath: path))?.filter { $0.hasPrefix("dbtool-") } ?? []
    }

    /// The processes that work inside of it.
    var processes: [String] {
      let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      return all.filter { name in
        let work = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(name)/cwd")
        return work?.hasPrefix(path) ?? false
      }
    }
  }

  private static let talkingAndWaiting = ["--", "sh", "-c", "echo $PGPORT; exec sleep 600"]

  @Test("the command finds the server by PG* and by DATABASE_URL, and nothing is left afterwards")
  func server() throws {
    try Self.withFolder { place in
      let script = """
        psql -XAtc 'SELECT current_user, current_database(), inet_server_addr()' && \
        psql -XAt "$DATABASE_URL" -c 'SELECT 6 * 7'
        """
      let result = try place.run(["--", "sh", "-c", script])
      #expect(result.stdout == "postgres|postgres|127.0.0.1\n42\n", "\(result.stderr)")
      #expect(result.status == 0)
      #expect(result.stderr.hasPrefix("throwaway PostgreSQL "))
      #expect(place.folders.isEmpty)
      #expect(place.processes.isEmpty)
    }
  }

  @Test("stdin is the command's")
  func input() throws {
    let result = try runDBTool(["ephemeral", "-q", "--", "psql", "-XAt"], input: "SELECT 'from stdin';\n")
    #expect(result.stdout == "from stdin\n")
    #expect(result.stderr == "")
  }

  @Test("variables that lead to another database do not reach the command")
  func otherVariables() throws {
    let outer = [
      "PGHOSTADDR": "192.0.2.1", "PGSERVICE": "production", "FLYWAY_URL": "jdbc:postgresql://production/x",
      "DATABASE_URL": "postgres://production/", "PGSSLMODE": "verify-full", "KEPT": "yes",
    ]
    let script = "psql -XAtc 'SELECT 1'; echo \"$PGHOSTADDR$PGSERVICE$FLYWAY_URL|$KEPT\""
    let result = try runDBTool(["ephemeral", "--", "sh", "-c", script], environment: outer)
    #expect(result.stdout == "1\n|yes\n", "\(result.stderr)")
  }

  @Test("nobody gets in without the password")
  func password() throws {
    let script =
      "PGPASSWORD=wrong psql -XAtc 'SELECT 1'; PGPASSWORD= PGPASSFILE=/dev/null psql -wXAtc 'SELECT 1'"
    let result = try runDBTool(["ephemeral", "--", "sh", "-c", script])
    #expect(result.stdout == "")
    #expect(result.status == 2)
    #expect(result.stderr.contains("password authentication failed"))
  }

  @Test(
    "the command's exit status is passed on",
    arguments: [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)])
  func status(_ script: String, _ expected: Int32) throws {
    try Self.withFolder { place in
      let status = try place.run(["--", "sh", "-c", script]).status
      #expect(status == expected)
      #expect(place.folders.isEmpty)
    }
  }

  @Test("127 no such command, 126 not executable, 125 no server, 64 no command at all")
  func ownStatuses() throws {
    #expect(try runDBTool(["ephemeral", "--", "no-such-command"]).status == 127)
    #expect(try runDBTool(["ephemeral", "--", "/etc/passwd"]).status == 126)
    #expect(try runDBTool(["ephemeral", "--postgres-bin", "/nowhere", "--", "true"]).status == 125)
    #expect(try runDBTool(["ephemeral"]).status == 64)
    #expect(try runDBTool(["ephemeral", "--set", "port=1", "--", "true"]).status == 64)
  }

  @Test("a setting that the server refuses is a clear error, and nothing is left")
  func badSetting() throws {
    try Self.withFolder { place in
      let result = try place.run(["--set", "no_such_setting=1", "--", "true"])
      #expect(result.status == 125)
      #expect(result.stderr.contains("unrecognized configuration parameter"))
      #expect(place.folders.isEmpty)
    }
  }

  @Test("--set reaches the server, the last one wins")
  func settings() throws {
    let show =
      "SELECT current_setting('max_connections'), current_setting('fsync'), current_setting('shop.motto')"
    let result = try runDBTool([
      "ephemeral", "--set", "max_connections=50", "--set", "max_connections=77", "--set", "fsync=on", "--set",
      "shop.motto=it's cheap", "--", "psql", "-XAtc", show,
    ])
    #expect(result.stdout == "77|on|it's cheap\n", "\(result.stderr)")
  }

  @Test(
    "SIGTERM and SIGINT reach the command, and then everything is removed",
    arguments: [SIGTERM, SIGINT, SIGHUP])
  func signals(_ signal: Int32) throws {
    try Self.withFolder { place in
      let script = "trap 'echo caught; exit 3' TERM INT HUP; echo ready; while :; do sleep 0.05; done"
      let process = try place.start(["--", "sh", "-c", script])
      try #require(eventually { process.stdoutSoFar.contains("ready") })
      process.send(signal)
      let result = process.finish()
      #expect(result.status == 128 + signal)
      #expect(result.stdout == "ready\ncaught\n")
      #expect(place.folders.isEmpty)
      #expect(place.processes.isEmpty)
    }
  }

  @Test("a signal while the server is starting ends the start")
  func earlySignal() throws {
    try Self.withFolder { place in
      let process = try place.start(["--", "true"])
      try #require(eventually { !place.folders.isEmpty })
      process.send(SIGTERM)
      #expect(process.finish().status == 143)
      #expect(place.folders.isEmpty)
      #expect(eventually { place.processes.isEmpty })
    }
  }

  @Test("a second signal ends a command that ignores the first")
  func stubborn() throws {
    let script = "trap 'echo first' TERM; echo ready; while :; do sleep 0.05; done"
    let process = try DBToolProcess(["ephemeral", "--", "sh", "-c", script])
    try #require(eventually { process.stdoutSoFar.contains("ready") })
    process.send(SIGTERM)
    try #require(eventually { process.stdoutSoFar.contains("first") })
    process.send(SIGINT)
    #expect(process.finish().status == 143)
  }

  @Test("killed outright, server and command go with it, and the next start removes the folder")
  func killed() throws {
    try Self.withFolder { place in
      let process = try place.start(Self.talkingAndWaiting)
      try #require(eventually { process.stdoutSoFar.contains("\n") })
      process.send(SIGKILL)
      #expect(process.finish().status == 137)
      #expect(eventually { place.processes.isEmpty })
      #expect(place.folders.count == 1)
      #expect(try place.run(["--", "true"]).status == 0)
      #expect(place.folders.isEmpty)
    }
  }

  @Test("several at once have their own servers, and a start does not touch those that run")
  func several() throws {
    try Self.withFolder { place in
      let processes = try (0..<3).map { _ in try place.start(Self.talkingAndWaiting) }
      try #require(
        eventually(within: .seconds(60)) { processes.allSatisfy { $0.stdoutSoFar.contains("\n") } })
      #expect(Set(processes.map(\.stdoutSoFar)).count == 3)
      #expect(try place.run(["--", "psql", "-XAtc", "SELECT 1"]).stdout == "1\n")
      #expect(place.folders.count == 3)
      for process in processes { process.send(SIGTERM) }
      for process in processes { #expect(process.finish().status == 143) }
      #expect(place.folders.isEmpty)
      #expect(place.processes.isEmpty)
    }
  }

  @Test("a server that dies under the command is reported, and the command's status still counts")
  func serverDies() throws {
    try Self.withFolder { place in
      let script = "kill -QUIT $(head -1 $TMPDIR/dbtool-*/data/postmaster.pid); sleep 0.5; exit 5"
      let result = try place.run(["--", "sh", "-c", script])
      #expect(result.status == 5)
      #expect(result.stderr.contains("the throwaway PostgreSQL ended before the command did"))
      #expect(place.folders.isEmpty)
    }
  }

  @Test("an abandoned folder is removed, a stranger's and an unlocked full one are not touched")
  func strangers() throws {
    try Self.withFolder { place in
      let files = FileManager.default
      try files.createDirectory(atPath: place.path + "/dbtool-notes", withIntermediateDirectories: false)
      try files.createDirectory(atPath: place.path + "/dbtool-abcdef", withIntermediateDirectories: false)
      try files.createDirectory(atPath: place.path + "/dbtool-ABCDEF", withIntermediateDirectories: false)
      try Data().write(to: URL(filePath: place.path + "/dbtool-abcdef/somebodys.file"))
      try files.createSymbolicLink(atPath: place.path + "/dbtool-linked", withDestinationPath: "/etc")
      #expect(try place.run(["--", "true"]).status == 0)
      #expect(Set(place.folders) == ["dbtool-notes", "dbtool-abcdef", "dbtool-linked"])
    }
  }
}
