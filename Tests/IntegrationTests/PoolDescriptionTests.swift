import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("A client that was told what a statement returns gets that, or hears that it cannot")
struct PoolDescriptionTests {
  /// Other clients have every backend in turn, so that the next statement is anywhere.
  private func shuffle(_ pool: PoolProcess) throws {
    let holders = try (0..<pool.backends).map { _ in try pool.wireClient() }
    for holder in holders { #expect(try holder.query("BEGIN").tags == "CZ") }
    for holder in holders.shuffled() { #expect(try holder.query("COMMIT").tags == "CZ") }
    for holder in holders { holder.close() }
  }

  private func prepare(_ client: PoolWireClient, _ name: String, _ text: String) throws -> String {
    try client.send {
      $0.parse(name: name, query: text)
      $0.describe(statement: name)
      $0.sync()
    }
    return try client.reply().tags
  }

  private func run(_ client: PoolWireClient, _ name: String) throws -> PoolReply {
    try client.send {
      $0.bind(statement: name)
      $0.execute()
      $0.sync()
    }
    return try client.reply()
  }

  @Test("on any backend, before DDL and after it; prepared again, all is well")
  func ddl() throws {
    try PoolProcess.with(backends: 3) { pool in
      try pool.direct().execute("CREATE TABLE goods AS SELECT 1 AS a")
      let client = try pool.wireClient()
      #expect(try prepare(client, "goods", "SELECT * FROM goods") == "1tTZ")
      for _ in 1...6 {
        try shuffle(pool)
        #expect(try run(client, "goods").tags == "2DCZ")
      }
      try pool.direct().execute("ALTER TABLE goods ADD COLUMN b int")
      for _ in 1...6 {
        try shuffle(pool)
        let error = try #require(try run(client, "goods").error)
        #expect(error.sqlState == "0A000")
        #expect(error.message == "cached plan must not change result type")
        #expect(error.routine == "RevalidateCachedQuery")
      }
      #expect(try prepare(client, "again", "SELECT * FROM goods") == "1tTZ")
      for _ in 1...6 {
        try shuffle(pool)
        #expect(try run(client, "again").rows == [["1", nil]])
      }
    }
  }

  @Test("another type under the same name is another answer, also for parameters")
  func types() throws {
    try PoolProcess.with(backends: 3) { pool in
      try pool.direct().execute("CREATE TABLE goods AS SELECT 1 AS a")
      let client = try pool.wireClient()
      #expect(try prepare(client, "goods", "SELECT a FROM goods") == "1tTZ")
      #expect(try run(client, "goods").value == "1")
      try pool.direct().execute("ALTER TABLE goods ALTER COLUMN a TYPE bigint")
      for _ in 1...6 {
        try shuffle(pool)
        #expect(try run(client, "goods").error?.sqlState == "0A000")
      }
      // Made anew with the same columns it is the same.
      #expect(try prepare(client, "again", "SELECT a FROM goods") == "1tTZ")
      try pool.direct().execute("DROP TABLE goods; CREATE TABLE goods AS SELECT 2::bigint AS a")
      try shuffle(pool)
      #expect(try run(client, "again").value == "2")
    }
  }

  @Test("within a transaction the error fails it, as it does directly")
  func transaction() throws {
    try PoolProcess.with(backends: 3) { pool in
      try pool.direct().execute("CREATE TABLE goods AS SELECT 1 AS a")
      let client = try pool.wireClient()
      #expect(try prepare(client, "goods", "SELECT * FROM goods") == "1tTZ")
      try pool.direct().execute("ALTER TABLE goods ADD COLUMN b int")
      for _ in 1...4 {
        try shuffle(pool)
        #expect(try client.query("BEGIN").tags == "CZ")
        let reply = try run(client, "goods")
        #expect(reply.error?.sqlState == "0A000")
        #expect(reply.status == .failed)
        #expect(try client.query("SELECT 1").error?.sqlState == "25P02")
        #expect(try client.query("ROLLBACK").tags == "CZ")
      }
    }
  }

  @Test("a table that is gone is told; what comes behind the Bind waits its turn")
  func gone() throws {
    try PoolProcess.with(backends: 3) { pool in
      try pool.direct().execute("CREATE TABLE goods AS SELECT 1 AS a")
      let client = try pool.wireClient()
      #expect(try prepare(client, "goods", "SELECT * FROM goods") == "1tTZ")
      for _ in 1...6 {
        try shuffle(pool)
        // Bytes of several batches at once, cut anywhere.
        var writer = MessageWriter()
        for _ in 1...3 {
          writer.bind(statement: "goods")
          writer.execute()
          writer.sync()
        }
        writer.query("SELECT 2")
        let cut = Int.random(in: 1..<writer.bytes.count)
        try client.send(Array(writer.bytes[..<cut]))
        try client.send(Array(writer.bytes[cut...]))
        for _ in 1...3 { #expect(try client.reply().tags == "2DCZ") }
        #expect(try client.reply().value == "2")
      }
      try pool.direct().execute("DROP TABLE goods")
      try shuffle(pool)
      #expect(try run(client, "goods").error?.sqlState == "42P01")
      #expect(try client.query("SELECT 3").value == "3")
    }
  }

  @Test("EXECUTE of a statement of SQL's PREPARE is described wherever it is asked for")
  func execute() throws {
    try PoolProcess.with(backends: 3) { pool in
      let client = try pool.wireClient()
      #expect(try client.query("PREPARE two AS SELECT 2 AS b").tags == "CZ")
      for round in 1...6 {
        try shuffle(pool)
        #expect(try prepare(client, "call\(round)", "EXECUTE two") == "1tTZ")
        try shuffle(pool)
        #expect(try run(client, "call\(round)").value == "2")
      }
    }
  }

  @Test("one text under two names, described before DDL and after it; the first is closed")
  func twoNames() throws {
    try PoolProcess.with(backends: 3) { pool in
      try pool.direct().execute("CREATE TABLE goods AS SELECT 1 AS a")
      let client = try pool.wireClient()
      #expect(try prepare(client, "first", "SELECT a FROM goods") == "1tTZ")
      for _ in 1...3 {
        try shuffle(pool)
        #expect(try run(client, "first").value == "1")
      }
      try pool.direct().execute("ALTER TABLE goods ALTER COLUMN a TYPE bigint")
      #expect(try prepare(client, "second", "SELECT a FROM goods") == "1tTZ")
      for _ in 1...4 {
        try shuffle(pool)
        #expect(try run(client, "first").error?.sqlState == "0A000")
        try shuffle(pool)
        #expect(try run(client, "second").value == "1")
      }
      try client.send {
        $0.close(statement: "first")
        $0.sync()
      }
      #expect(try client.reply().tags == "3Z")
      try pool.direct().execute("ALTER TABLE goods ALTER COLUMN a TYPE int")
      for _ in 1...3 {
        try shuffle(pool)
        #expect(try run(client, "second").error?.sqlState == "0A000")
      }
    }
  }

  @Test(
    "who asked about a portal reads rows by that, too")
  func portals() throws {
    try PoolProcess.with(backends: 3) { pool in
      try pool.direct().execute("CREATE TABLE goods AS SELECT 1 AS a")
      let once = try pool.wireClient()
      let always = try pool.wireClient()
      func ask(_ client: PoolWireClient, describes: Bool) throws -> PoolReply {
        try client.send {
          $0.bind(statement: "goods")
          if describes { $0.describe(portal: "") }
          $0.execute()
          $0.sync()
        }
        return try client.reply()
      }
      for client in [once, always] {
        try client.send {
          $0.parse(name: "goods", query: "SELECT * FROM goods")
          $0.sync()
        }
        #expect(try client.reply().tags == "1Z")
        #expect(try ask(client, describes: true).tags == "2TDCZ")
      }
      for _ in 1...4 {
        try shuffle(pool)
        #expect(try ask(once, describes: false).tags == "2DCZ")
        #expect(try ask(always, describes: true).tags == "2TDCZ")
      }
      try pool.direct().execute("ALTER TABLE goods ADD COLUMN b int")
      for _ in 1...4 {
        try shuffle(pool)
        #expect(try ask(once, describes: false).error?.sqlState == "0A000")
        try shuffle(pool)
        #expect(try ask(always, describes: true).error?.sqlState == "0A000")
      }
    }
  }
}
