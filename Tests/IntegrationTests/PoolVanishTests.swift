import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Clients that vanish leave clean backends") struct PoolVanishTests {
  /// Where a client is when it goes.
  enum Moment: String, CaseIterable, CustomTestStringConvertible {
    case connected, startupSent, halfStartup, midAuthentication
    case idle, transaction, failedTransaction, runningUpdate, waiting
    case halfMessage, halfMessageInTransaction, unsyncedBatch, batchUnderWay, bigResult
    case copyIn, copyInHalfData, copyInUnsynced, copyOut, pinned, afterTerminate

    var testDescription: String { rawValue }
  }

  @Test("at any moment", arguments: Moment.allCases)
  func vanish(at moment: Moment) throws {
    try PoolProcess.with(backends: 2) { pool in
      try pool.direct().execute("CREATE TABLE goods (id int, n int); INSERT INTO goods VALUES (1, 0)")
      // In order and by a reset, and both in a row: more often than there are backends.
      for round in 1...4 {
        let client = try PoolWireClient(port: pool.port)
        try leave(client, at: moment, pool)
        round.isMultiple(of: 2) ? client.close() : client.vanish()
      }
      try pool.expectClean()
      #expect(
        try pool.wireClient().query("SELECT n FROM goods").value == "0", "a lost transaction was committed")
    }
  }

  @Test(
    "who has asked for more than the server takes and is killed is missed at once, not when all of it is done"
  )
  func silentClient() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      // More than sockets hold, and an hour of work.
      var writer = MessageWriter()
      writer.query("SELECT pg_sleep(30) /* \(String(repeating: "-", count: 100_000)) */")
      client.pour(writer.bytes, times: 4_000)
      client.vanish()
      let isFree = eventually(within: .seconds(25)) { pool.metric("backends{phase=\"in_use\"}") == 0 }
      #expect(isFree)
    }
  }

  /// Brings the client to the moment.
  private func leave(_ client: PoolWireClient, at moment: Moment, _ pool: PoolProcess) throws {
    switch moment {
    case .connected: return
    case .startupSent: return try client.sendStartup(pool.target)
    case .halfStartup: return try client.send([0, 0, 0, 90, 0, 3, 0, 0, 117])
    case .midAuthentication:
      try client.sendStartup(pool.target)
      #expect(try client.next().tag == BackendTag.authentication)
      return try client.send {
        $0.saslInitialResponse(mechanism: "SCRAM-SHA-256", response: Array("n,,n=,r=abcdefgh".utf8))
      }
    case .idle, .transaction, .failedTransaction, .runningUpdate, .waiting, .halfMessage,
      .halfMessageInTransaction, .unsyncedBatch, .batchUnderWay, .bigResult, .copyIn, .copyInHalfData,
      .copyInUnsynced, .copyOut, .pinned, .afterTerminate:
      try client.logIn(pool.target)
    }
    switch moment {
    case .connected, .startupSent, .halfStartup, .midAuthentication, .idle: break
    case .transaction: #expect(try client.query("BEGIN; UPDATE goods SET n = 1").status == .inTransaction)
    case .failedTransaction:
      #expect(try client.query("BEGIN").status == .inTransaction)
      #expect(try client.query("SELECT 1 / 0").status == .failed)
    case .runningUpdate:
      // The row's lock makes all but the first wait inside the server, in the middle of their query.
      try client.send { $0.query("BEGIN; UPDATE goods SET n = 1; SELECT pg_sleep(60)") }
    case .waiting:
      try pool.holding(2) {
        try client.send { $0.query("UPDATE goods SET n = 1") }
        #expect(pool.waits(1))
        client.vanish()
        #expect(pool.waits(0))
      }
    case .halfMessage: try client.send([UInt8(ascii: "Q"), 0, 0, 4, 0] + Array("UPDATE goods".utf8))
    case .halfMessageInTransaction:
      #expect(try client.query("BEGIN; UPDATE goods SET n = 1").status == .inTransaction)
      try client.send([UInt8(ascii: "Q"), 0, 0, 4, 0] + Array("COMMIT".utf8))
    case .unsyncedBatch:
      try client.send {
        $0.parse(query: "UPDATE goods SET n = 1")
        $0.bind()
        $0.execute()
        $0.flush()
      }
      #expect(try client.next().tag == BackendTag.parseComplete)
    case .batchUnderWay:
      try client.send {
        $0.parse(query: "SELECT pg_sleep(60)")
        $0.bind()
        $0.execute()
        $0.sync()
      }
    case .bigResult:
      try client.send { $0.query("SELECT generate_series(1, 3000000)") }
      #expect(try client.next().tag == BackendTag.rowDescription)
    case .copyIn, .copyInHalfData:
      try client.send { $0.query("COPY goods FROM STDIN") }
      #expect(try client.next().tag == BackendTag.copyInResponse)
      try client.send { $0.copyData(Array("2\t2\n".utf8)) }
      if moment == .copyInHalfData { try client.send([UInt8(ascii: "d"), 0, 0, 4, 0, 51, 9]) }
    case .copyInUnsynced:
      try client.send {
        $0.parse(query: "COPY goods FROM STDIN")
        $0.bind()
        $0.execute()
        $0.flush()
      }
      while try client.next().tag != BackendTag.copyInResponse {}
      try client.send { $0.copyData(Array("2\t2\n".utf8)) }
    case .copyOut:
      try client.send { $0.query("COPY (SELECT generate_series(1, 3000000)) TO STDOUT") }
      #expect(try client.next().tag == BackendTag.copyOutResponse)
    case .pinned:
      #expect(try client.query("CREATE TEMP TABLE own (a int); SELECT pg_advisory_lock(5)").status == .idle)
    case .afterTerminate:
      try client.send {
        $0.query("BEGIN; UPDATE goods SET n = 1; SELECT pg_sleep(60)")
        $0.terminate()
      }
    }
  }
}
