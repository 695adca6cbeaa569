import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Long statements through the pool") struct PoolLongTests {
  private func literal(_ bytes: Int) -> String {
    "'" + String(repeating: "0123456789", count: bytes / 10) + "'"
  }

  @Test("a text of 1 MB is read like any other: it pins nobody, and what it sets follows its client")
  func read() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      let reply = try client.query("SET work_mem = '7MB'; SELECT length(\(literal(1_000_000)))")
      #expect(reply.value == "1000000")
      #expect(pool.metric("clients_pinned") == 0)
      try pool.holding(1) {
        let reply = try client.query("SHOW work_mem")
        #expect(reply.value == "7MB")
      }
      let text = "SELECT length(\(literal(1_000_000))) + $1::int"
      for _ in 1...2 {
        try client.send {
          $0.parse(query: text)
          $0.bind(parameters: ["1"])
          $0.execute()
          $0.sync()
        }
        #expect(try client.reply().value == "1000001")
      }
      #expect(pool.metric("clients_pinned") == 0)
      try pool.expectClean()
    }
  }

  @Test(
    "one of 10 MB goes through as it comes, and pins only if a word in it is suspect",
    arguments: [false, true])
  func streamed(isSuspect: Bool) throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      let tail = isSuspect ? "; SET work_mem = '7MB'" : ""
      let reply = try client.query("SELECT length(\(literal(10_000_000)))" + tail)
      #expect(reply.value == "10000000")
      #expect(pool.metric("clients_pinned") == (isSuspect ? 1 : 0))
      #expect(try client.query("SHOW work_mem").value == (isSuspect ? "7MB" : "4MB"))
      client.close()
      try pool.expectClean()
    }
  }

  @Test("a Parse of the unnamed statement of 10 MB works, and its statement with it")
  func parse() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      try client.send {
        $0.parse(query: "SELECT length(\(literal(10_000_000))) + $1::int")
        $0.sync()
      }
      #expect(try client.reply().tags == "1Z")
      for number in 1...2 {
        try client.send {
          $0.bind(parameters: [String(number)])
          $0.execute()
          $0.sync()
        }
        #expect(try client.reply().value == String(10_000_000 + number))
      }
      #expect(try client.query("SELECT 1").value == "1")
      client.close()
      try pool.expectClean()
    }
  }

  @Test(
    "parameters of 50 MB pass through a small buffer, to a statement that the backend has to be told first")
  func parameters() throws {
    try PoolProcess.with(backends: 2) { pool in
      let client = try pool.wireClient()
      try client.send {
        $0.parse(name: "s", query: "SELECT length($1::text)")
        $0.sync()
      }
      #expect(try client.reply().tags == "1Z")
      let value = String(repeating: "0123456789", count: 5_000_000)
      try pool.holding(1) {
        let before = try memory(of: pool.process.pid)
        for _ in 1...2 {
          try client.send {
            $0.bind(statement: "s", parameters: [value])
            $0.execute()
            $0.sync()
          }
          #expect(try client.reply().value == "50000000")
        }
        #expect(try memory(of: pool.process.pid) - before < 20_000)
      }
      try pool.expectClean()
    }
  }

  @Test("what an error makes the server skip is not gathered either")
  func skipped() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      try client.send {
        $0.parse(query: "SELEC")
        $0.flush()
      }
      #expect(try client.next().error?.sqlState == "42601")
      try client.send {
        $0.parse(name: "long", query: "SELECT length(\(literal(10_000_000)))")
        $0.bind(parameters: [String(repeating: "x", count: 1_000_000)])
        $0.query("SELECT length(\(literal(10_000_000)))")
        $0.sync()
      }
      #expect(try client.reply().tags == "Z")
      #expect(try client.query("SELECT 1").value == "1")
      try pool.expectClean()
    }
  }

  /// Resident memory in kilobytes.
  private func memory(of pid: Int32) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return try #require(line?.split(separator: " ").dropLast().last.flatMap { Int($0) })
  }
}
