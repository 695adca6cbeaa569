import LibPQ
import TestSupport
import Testing

@Suite("lastval and currval are their client's") struct PoolSequenceTests {
  @Test(
    "who asks right after it has written has its value, also the first of an application; later ones whenever"
  )
  func lastval() throws {
    try PoolProcess.with(backends: 4) { pool in
      try pool.direct().execute("CREATE TABLE goods (id serial, a int); CREATE SEQUENCE numbers START 100")
      let others = try (0..<3).map { _ in try pool.connect() }
      let client = try pool.connect(["application_name": "asks"])
      try client.execute("INSERT INTO goods (a) VALUES (1)")
      #expect(try client.query("SELECT lastval()").first == "1")

      let second = try pool.connect(["application_name": "asks"])
      try second.execute("SELECT nextval('numbers')")
      #expect(pool.metric("clients_pinned") == 2)
      client.close()
      for _ in 1...3 { for other in others { try other.execute("INSERT INTO goods (a) VALUES (2)") } }
      #expect(try second.query("SELECT currval('numbers')").first == "100")
      #expect(try second.query("SELECT lastval()").first == "100")
    }
  }

  @Test("an application that never asks is not waited for after its first transactions")
  func neverAsks() throws {
    try PoolProcess.with(backends: 1) { pool in
      try pool.direct().execute("CREATE TABLE goods (a int)")
      let one = try pool.connect()
      let two = try pool.connect()
      for number in 1...40 {
        try one.execute("INSERT INTO goods VALUES (\(number))")
        try two.execute("INSERT INTO goods VALUES (\(number))")
      }
      #expect(pool.metric("clients_pinned") == 0)
      #expect(try two.query("SELECT count(*) FROM goods").first == "80")
    }
  }
}
