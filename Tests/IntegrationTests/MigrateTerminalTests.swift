import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

@Suite("What a long migration shows")
struct MigrateTerminalTests {
  /// Takes the line that stands there away.
  private static let erase = "\r\u{1B}[K"

  private func migrate(_ folder: MigrateFolder, on terminal: TestTerminal) throws -> DBToolProcess {
    try DBToolProcess(
      ["migrate", "--no-color", "--url", folder.target.testURL],
      environment: ["HOME": folder.path, "TERM": "xterm"], in: folder.path, errors: terminal.handle)
  }

  @Test("on a terminal, of a lock: a line drawn over each second, and taken away in the end")
  func lock() throws {
    try MigrateFolder.with(["V1__t.sql": "create table t (i int);"]) { (folder) throws in
      #expect(try folder.dbtool("migrate").status == 0)
      try folder.write("V2__j.sql", "alter table t add j int;")
      let holder = try folder.target.connect(applicationName: "nightly report")
      try holder.execute("BEGIN; LOCK TABLE t")
      let terminal = try TestTerminal()
      let process = try migrate(folder, on: terminal)
      func line(_ seconds: Int) -> String {
        "\(Self.erase)waiting for a lock (\(seconds) s), held by pid \(holder.backendPID) (nightly report"
      }
      #expect(eventually(within: .seconds(60)) { terminal.text.contains(line(3)) })
      #expect(terminal.text.contains(line(1)))
      #expect(!terminal.text.contains("LOCK TABLE t\r\n"))
      try holder.execute("COMMIT")
      #expect(process.finish().status == 0)
      #expect(terminal.text.contains("\(Self.erase)applied version 2"))
    }
  }

  @Test("on a narrow terminal, a line that does not fill it")
  func narrow() throws {
    try MigrateFolder.with(["V1__t.sql": "create table t (i int);"]) { (folder) throws in
      let other = try folder.target.connect(applicationName: "another migrator")
      _ = try other.query("SELECT pg_advisory_lock(77433833903597)")
      let terminal = try TestTerminal(columns: 40)
      let process = try migrate(folder, on: terminal)
      #expect(
        eventually(within: .seconds(60)) {
          terminal.text.contains("\(Self.erase)another migrator is at work; waiting f…")
        })
      other.close()
      #expect(process.finish().status == 0)
    }
  }

  /// An index whose build lasts until somebody lets go of an advisory lock, for which nobody waits.
  private static let slowIndex = [
    "V1__t.sql": """
    create table t (i int);
    insert into t values (1);
    create function slow(i int) returns int immutable language plpgsql as $$ begin
      while not pg_try_advisory_xact_lock_shared(42) loop perform pg_sleep(0.05); end loop;
      return i;
    end $$;
    """,
    "V2__i.sql": "create index t_i on t (slow(i));",
  ]

  @Test("of a statement: how far the server says it is, on a terminal and in a log")
  func progress() throws {
    try MigrateFolder.with(Self.slowIndex) { (folder) throws in
      #expect(try folder.dbtool("migrate", "--target", "1").status == 0)
      for isTerminal in [true, false] {
        let gate = try folder.target.connect()
        _ = try gate.query("SELECT pg_advisory_lock(42)")
        let terminal = try TestTerminal()
        let process = try isTerminal ? migrate(folder, on: terminal) : folder.start("migrate")
        let line = " s, building index: scanning table, 1 of 1 blocks: create index t_i on t (slow(i))"
        let tells = eventually(within: .seconds(60)) {
          isTerminal
            ? terminal.text.contains(Self.erase + "running for ") && terminal.text.contains(line)
            : process.stderrSoFar.contains(line + "\n")
        }
        #expect(tells, "\(isTerminal ? terminal.text : process.stderrSoFar)")
        gate.close()
        #expect(process.finish().status == 0)
        try folder.target.connect().execute(
          "DROP INDEX t_i; DELETE FROM flyway_schema_history WHERE version = '2'")
      }
    }
  }
}
