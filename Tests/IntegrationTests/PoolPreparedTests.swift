import DatabaseTools
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Prepared statements of the protocol across backends") struct PoolPreparedTests {
  /// Bind, Execute and Sync of a named statement.
  private func run(_ client: PoolWireClient, _ name: String, _ parameters: [String?] = []) throws -> PoolReply
  {
    try client.send {
      $0.bind(statement: name, parameters: parameters)
      $0.execute()
      $0.sync()
    }
    return try client.reply()
  }

  private func prepare(_ client: PoolWireClient, _ name: String, _ sql: String) throws -> PoolReply {
    try client.send {
      $0.parse(name: name, query: sql)
      $0.sync()
    }
    return try client.reply()
  }

  @Test("a list that cannot be made within a transaction ends it: nothing of its rest runs by itself")
  func unlisted() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      for text in [
        "CREATE TABLE gone (a int)", "CREATE TABLE kept (a int)", "PREPARE x AS SELECT * FROM gone",
      ] {
        #expect(try client.query(text).error == nil)
      }
      #expect(try client.query("DROP TABLE gone").error == nil)
      #expect(try client.query("BEGIN").error == nil)
      let refused = try client.query("SELECT name FROM pg_prepared_statements")
      #expect(refused.error?.sqlState == "42P01")
      #expect(refused.status == .failed)
      #expect(try client.query("INSERT INTO kept VALUES (1)").error?.sqlState == "25P02")
      #expect(try client.query("COMMIT").status == .idle)
      #expect(try client.query("SELECT count(*) FROM kept").value == "0")
    }
  }

  @Test("the list of prepared statements has a client's own, under its own names, and nobody else's")
  func listed() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      let other = try pool.wireClient()
      let list = "SELECT name FROM pg_prepared_statements ORDER BY name"
      func names(_ client: PoolWireClient) throws -> [String] {
        try client.send { $0.query(list) }
        return try client.reply().rows.compactMap { $0.first ?? nil }
      }
      _ = try prepare(client, "mine", "SELECT 1")
      _ = try prepare(other, "other", "SELECT 2")
      for _ in 1...2 {
        #expect(try names(client) == ["mine"])
        #expect(try names(other) == ["other"])
      }
      // One that reads the list is on it.
      _ = try prepare(client, "reads", list)
      for _ in 1...2 {
        try client.send {
          $0.bind(statement: "reads")
          $0.execute()
          $0.bind(statement: "mine")
          $0.execute()
          $0.sync()
        }
        #expect(try client.reply().rows == [["mine"], ["reads"], ["1"]])
        #expect(try names(other) == ["other"])
      }
      // By SQL, at once and within a transaction.
      for text in ["SELECT 3", "BEGIN"] {
        try client.send {
          $0.query(text)
          $0.query("PREPARE sql AS SELECT 4")
          $0.query(
            "SELECT string_agg(name, ',' ORDER BY name) FROM pg_prepared_statements WHERE name !~ '^dbtool_'")
          $0.query("EXECUTE sql")
          $0.query("ROLLBACK; EXECUTE sql")
          $0.query("DEALLOCATE sql")
        }
        for _ in 1...2 { #expect(try client.reply().error == nil) }
        #expect(try client.reply().value?.hasSuffix("sql") == true)
        for _ in 1...2 { #expect(try client.reply().value == "4") }
        #expect(try client.reply().error == nil)
      }
      // Behind a batch whose end decides whether it will be refused.
      try client.send {
        $0.query("BEGIN")
        $0.query("bad")
        $0.query(list)
        $0.query("ROLLBACK")
        $0.query(list)
      }
      #expect(try client.reply().error == nil)
      #expect(try client.reply().error?.sqlState == "42601")
      #expect(try client.reply().error?.sqlState == "25P02")
      #expect(try client.reply().error == nil)
      #expect(try client.reply().rows == [["mine"], ["reads"]])
    }
  }

  @Test("one name stands for each client's own statement, on whatever backend")
  func sameName() throws {
    try PoolProcess.with(backends: 2) { pool in
      let clients = try (1...8).map { _ in try pool.wireClient() }
      for (number, client) in clients.enumerated() {
        #expect(try prepare(client, "s", "SELECT $1::int + \(number)").tags == "1Z")
      }
      for round in 1...5 {
        for (number, client) in clients.enumerated() {
          let reply = try run(client, "s", [String(round)])
          #expect(reply.tags == "2DCZ")
          #expect(reply.value == String(round + number))
        }
      }
      #expect(pool.metric("clients_pinned") == 0)
    }
  }

  @Test("the unnamed statement stays its client's between batches, and is dropped by a simple Query")
  func unnamed() throws {
    try PoolProcess.with(backends: 1) { pool in
      let one = try pool.wireClient()
      let other = try pool.wireClient()
      #expect(try prepare(one, "", "SELECT 'one'").tags == "1Z")
      #expect(try prepare(other, "", "SELECT 'other'").tags == "1Z")
      #expect(try run(one, "").value == "one")
      #expect(try run(other, "").value == "other")
      #expect(try one.query("SELECT 1").value == "1")
      #expect(try run(one, "").error?.sqlState == "26000")
      #expect(try run(other, "").value == "other")
    }
  }

  @Test("the unnamed statement is never another client's, not even behind a batch that fails in a pipeline")
  func unnamedInPipeline() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      let other = try pool.wireClient()
      for _ in 1...20 {
        #expect(try prepare(other, "", "SELECT 'other'").tags == "1Z")
        try client.send {
          $0.bind(statement: "nothing")
          $0.parse(query: "SELECT 'skipped'")
          $0.sync()
          $0.bind()
          $0.execute()
          $0.sync()
        }
        #expect(try client.reply().error?.sqlState == "26000")
        #expect(try client.reply().error?.sqlState == "26000")
      }
    }
  }

  @Test("a name is taken until it is closed; a failed Parse takes none; an unknown one is the server's error")
  func names() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      #expect(try prepare(client, "s", "SELECT 'first'").tags == "1Z")
      #expect(try prepare(client, "s", "SELECT 'second'").error?.sqlState == "42P05")
      #expect(try run(client, "s").value == "first")
      try client.send {
        $0.close(statement: "s")
        $0.parse(name: "s", query: "SELECT 'second'")
        $0.sync()
      }
      #expect(try client.reply().tags == "31Z")
      #expect(try run(client, "s").value == "second")

      #expect(try prepare(client, "broken", "SELEC 1").error?.sqlState == "42601")
      let unknown = try run(client, "broken").error
      #expect(unknown?.sqlState == "26000")
      #expect(unknown?.message == "prepared statement \"broken\" does not exist")
      #expect(try prepare(client, "broken", "SELECT 'whole'").tags == "1Z")
      #expect(try run(client, "broken").value == "whole")
    }
  }

  @Test("an error ends its batch at the next Sync, and the batch behind it is untouched")
  func errorInBatch() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      try client.send {
        $0.parse(name: "good", query: "SELECT 1")
        $0.parse(name: "bad", query: "SELECT 1 / 0")
        $0.bind(statement: "bad")
        $0.execute()
        $0.parse(name: "skipped", query: "SELECT 3")
        $0.sync()
        $0.bind(statement: "good")
        $0.execute()
        $0.sync()
        $0.bind(statement: "skipped")
        $0.sync()
      }
      // Folded while planning: the Bind fails.
      let first = try client.reply()
      #expect(first.tags == "11EZ")
      #expect(first.error?.sqlState == "22012")
      #expect(try client.reply().tags == "2DCZ")
      #expect(try client.reply().error?.sqlState == "26000")
    }
  }

  @Test("DEALLOCATE ALL and DISCARD ALL take the client's statements, and nobody else's")
  func forgetting() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      let other = try pool.wireClient()
      for command in ["DEALLOCATE ALL", "DISCARD ALL"] {
        #expect(try prepare(client, "s", "SELECT 'mine'").tags == "1Z")
        if command == "DEALLOCATE ALL" { #expect(try prepare(other, "s", "SELECT 'other'").tags == "1Z") }
        #expect(try client.query(command).tags == "CZ")
        #expect(try run(client, "s").error?.sqlState == "26000")
        #expect(try run(other, "s").value == "other")
      }
    }
  }

  @Test("Flush gives the answers so far, and the client thinks as long as it likes before its Sync")
  func flush() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      try client.send {
        $0.parse(query: "SELECT $1::text")
        $0.describe(statement: "")
        $0.flush()
      }
      for tag in [BackendTag.parseComplete, BackendTag.parameterDescription, BackendTag.rowDescription] {
        #expect(try client.next().tag == tag)
      }
      #expect(try pool.wireClient().query("SELECT 1").value == "1")
      try client.send {
        $0.bind(parameters: ["thought"])
        $0.execute()
        $0.sync()
      }
      let reply = try client.reply()
      #expect(reply.tags == "2DCZ")
      #expect(reply.value == "thought")
    }
  }

  @Test("a portal with a row limit lives until its transaction ends")
  func portal() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      #expect(try client.query("BEGIN").tags == "CZ")
      try client.send {
        $0.parse(query: "SELECT generate_series(1, 5)")
        $0.bind(portal: "p")
        $0.execute(portal: "p", maxRows: 3)
        $0.sync()
      }
      #expect(try client.reply().tags == "12DDDsZ")
      try client.send {
        $0.execute(portal: "p", maxRows: 3)
        $0.sync()
      }
      #expect(try client.reply().tags == "DDCZ")
      #expect(try client.query("COMMIT").status == .idle)
    }
  }

  @Test("more statements than a backend keeps: each still answers")
  func eviction() throws {
    try PoolProcess.with(backends: 1, "--max-prepared-statements", "5") { pool in
      let client = try pool.wireClient()
      for number in 0..<20 { #expect(try prepare(client, "s\(number)", "SELECT \(number)").tags == "1Z") }
      for number in 0..<20 { #expect(try run(client, "s\(number)").value == String(number)) }
      let direct = try pool.wireClient()
      let kept = try direct.query("SELECT count(*) FROM pg_prepared_statements WHERE name NOT LIKE 'dbtool%'")
      #expect((Int(kept.value ?? "") ?? 99) <= 5 + 1)
    }
  }
}
