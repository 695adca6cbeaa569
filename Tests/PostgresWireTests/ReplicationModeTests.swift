import PostgresWire
import Testing

@Suite("The startup parameter replication") struct ReplicationModeTests {
  @Test(
    "is read as PostgreSQL reads it",
    arguments: [
      ("true", ReplicationMode.physical), ("T", .physical), ("yes", .physical), ("y", .physical),
      ("on", .physical), ("ON", .physical), ("1", .physical), ("database", .logical), ("false", .off),
      ("fAls", .off), ("no", .off), ("of", .off), ("off", .off), ("0", .off),
    ])
  func known(text: String, mode: ReplicationMode) {
    #expect(ReplicationMode(Array(text.utf8)) == mode)
  }

  @Test(
    "takes nothing else", arguments: ["", "o", "2", "10", "Database", "databas", "truee", "tru e", "\u{e9}"])
  func unknown(text: String) {
    #expect(ReplicationMode(Array(text.utf8)) == nil)
  }

  @Test("is off where it is not given")
  func absent() {
    #expect(StartupRequest(protocolMinor: 0, parameters: []).replication == .off)
    let wrong = StartupRequest(protocolMinor: 0, parameters: [StartupParameter("replication", "maybe")])
    #expect(wrong.replication == nil)
  }
}
