import DatabaseTools
import Foundation
import LibPQ
import TestSupport
import Testing

/// Counts what it is told, and cancels or refuses when it is asked to.
private final class CountingWatch: ServerWatch {
  let descriptor: Int32 = -1
  var sent = 0
  var waits: [Int] = []
  var failures: [String?] = []
  var refusal: ServerError?
  var cancels = false

  func willSend() throws(ServerError) {
    if let refusal { throw refusal }
    sent += 1
  }

  func isWaiting(_ connection: Connection, milliseconds: Int) {
    waits.append(milliseconds)
    if cancels { connection.cancel() }
  }

  func hasAnswered(_ failure: ServerError?) { failures.append(failure?.sqlState) }
}

@Suite("A connection that is watched")
struct ServerWatchTests {
  private func connect() throws -> (Connection, CountingWatch) {
    let connection = try SharedPostgres.server.target.connect()
    let watch = CountingWatch()
    connection.watch = watch
    return (connection, watch)
  }

  @Test("tells while a statement runs, and what came of it")
  func tells() throws {
    let (connection, watch) = try connect()
    try connection.execute("SELECT pg_sleep(0.5)")
    #expect(watch.sent == 1)
    #expect(!watch.waits.isEmpty)
    #expect(watch.waits == watch.waits.sorted())
    #expect(throws: ServerError.self) { try connection.query("SELECT nosuch") }
    #expect(watch.failures == [nil, "42703"])
  }

  @Test("can be cancelled from there")
  func cancels() throws {
    let (connection, watch) = try connect()
    watch.cancels = true
    #expect { try connection.execute("SELECT pg_sleep(600)") } throws: {
      ($0 as? ServerError)?.sqlState == "57014"
    }
    watch.cancels = false
    #expect(try connection.query("SELECT 1").first == "1")
  }

  @Test("sends nothing that the watcher refuses, in the middle of a COPY neither")
  func refuses() throws {
    let (connection, watch) = try connect()
    try connection.execute("CREATE TEMPORARY TABLE t (i int)")
    let copy = try connection.copyIn(Array("COPY t FROM STDIN".utf8))
    try copy.write(Array("1\n".utf8))
    watch.refusal = ServerError(sqlState: "57014", message: "no more")
    #expect { try copy.write(Array("2\n".utf8)) } throws: { ($0 as? ServerError)?.message == "no more" }
    #expect { try connection.query("SELECT 1") } throws: { ($0 as? ServerError)?.message == "no more" }
    watch.refusal = nil
    #expect(try connection.query("SELECT count(*) FROM t").first == "0")
  }

  @Test("tells while the server does not take more COPY data")
  func copyThatWaits() throws {
    try SharedPostgres.withDatabase { target in
      let other = try target.connect()
      try other.execute("CREATE TABLE t (i int PRIMARY KEY, filler text)")
      try other.execute("BEGIN; INSERT INTO t VALUES (1)")
      let connection = try target.connect()
      let watch = CountingWatch()
      watch.cancels = true
      connection.watch = watch
      let copy = try connection.copyIn(Array("COPY t FROM STDIN".utf8))
      // The first row waits for the other session; what follows fills every buffer in between.
      let piece = Array("1\t".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 1_000_000) + [0x0A]
      #expect {
        for _ in 0..<32 { try copy.write(piece) }
        _ = try copy.finish()
      } throws: {
        ($0 as? ServerError)?.sqlState == "57014"
      }
      #expect(!watch.waits.isEmpty)
      #expect(try connection.query("SELECT 1").first == "1")
    }
  }

  @Test("reads the data of a COPY TO STDOUT to its end")
  func copyOut() throws {
    let (connection, _) = try connect()
    try connection.execute("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT")
    #expect(try connection.query("SELECT 1").first == "1")
  }
}
