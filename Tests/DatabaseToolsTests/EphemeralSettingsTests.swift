import Testing

@testable import DatabaseTools

@Suite("Settings of a throwaway server")
struct EphemeralSettingsTests {
  @Test(
    "name=value is taken apart at the first =",
    arguments: [
      ("max_connections=100", "max_connections", "100"), ("Search_Path=a=b", "search_path", "a=b"),
      ("x.y=", "x.y", ""),
    ])
  func taken(_ assignment: String, _ name: String, _ value: String) throws {
    var settings = EphemeralSettings()
    try settings.set(assignment)
    #expect(settings.parameters.map(\.name) == [name])
    #expect(settings.parameters.map(\.value) == [value])
  }

  @Test(
    "what is no assignment, or would open the server to others, is refused as a wrong command line",
    arguments: [
      "max_connections", "=1", "a b=1", "a\n=1", "work_mem=1\nfsync=on", "port=5432", "listen_addresses=*",
      "HBA_FILE=/x",
    ])
  func refused(_ assignment: String) throws {
    var settings = EphemeralSettings()
    let failure = try #require(throws: Failure.self) { try settings.set(assignment) }
    #expect(failure.exitCode == 64)
    #expect(settings.parameters.isEmpty)
  }

  @Test("the user's settings come after ours, quoted as the file wants them")
  func configuration() throws {
    let text = EphemeralStart.configuration(
      [("fsync", "on"), ("x.y", #"it's \ here"#)], socketFolder: "/tmp/d")
    let lines = text.split(separator: "\n").map { String($0) }
    #expect(lines.suffix(2) == ["fsync = 'on'", #"x.y = 'it''s \\ here'"#])
    #expect(lines.contains("listen_addresses = '127.0.0.1'"))
    let off = try #require(lines.firstIndex(of: "fsync = 'off'"))
    let on = try #require(lines.firstIndex(of: "fsync = 'on'"))
    #expect(off < on)
  }

  @Test("a TMPDIR too long for a socket's name gives way to /tmp")
  func parents() {
    let long = "/" + String(repeating: "x", count: 90)
    #expect(PrivateFolder.parents(explicit: nil, environment: ["TMPDIR": long]) == ["/tmp"])
    #expect(
      PrivateFolder.parents(explicit: nil, environment: ["TMPDIR": "/var/tmp/"]) == ["/var/tmp", "/tmp"])
    #expect(PrivateFolder.parents(explicit: nil, environment: ["TMPDIR": "relative"]) == ["/tmp"])
    #expect(PrivateFolder.parents(explicit: "/x", environment: [:]) == ["/x"])
  }

  @Test("a folder that others may not pass is known before a server is started in it")
  func entrance() throws {
    let nobody = try #require(SystemUser(named: "nobody"))
    #expect(nobody.mayEnter("/tmp"))
    #expect(!nobody.mayEnter("/nowhere/at/all"))
    #expect(SystemUser(named: "no such user") == nil)
  }

  @Test(
    "a command is looked for as a shell does",
    arguments: [
      ("sh", ProgramSearch.Answer.found), ("/bin/sh", .found), ("no-such-command", .notFound),
      ("/tmp", .notExecutable),
      ("/etc/passwd", .notExecutable), ("/nowhere/x", .notFound), ("", .notFound),
    ])
  func search(_ program: String, _ expected: ProgramSearch.Answer) {
    #expect(ProgramSearch.look(for: program, path: "/usr/bin:/bin") == expected)
  }
}
