import DatabaseTools
import Foundation
import LibPQ
import PostgresWire
import TestSupport
import Testing

@Suite("Much data through the pool") struct PoolBulkTests {
  @Test("a value of 10 MB goes through, either way")
  func values() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.connect()
      let big = String(repeating: "0123456789", count: 1_000_000)
      #expect(try client.query("SELECT repeat('0123456789', 1000000)").first == big)
      #expect(
        try client.query("SELECT length($1), md5($1) = md5(repeat('0123456789', 1000000))", [big]).first
          == "10000000")
      #expect(try client.query("SELECT length('\(big)')").first == "10000000")
      #expect(try client.query("SELECT $1::text", [big]).first == big)
    }
  }

  @Test("COPY of 10 MB, in and out")
  func copy() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      #expect(try client.query("CREATE TABLE goods (id int, name text)").tags == "CZ")
      let line = Array("1\t\(String(repeating: "n", count: 997))\n".utf8)
      let block = (0..<100).flatMap { _ in line }
      try client.send { $0.query("COPY goods FROM STDIN") }
      #expect(try client.next().tag == BackendTag.copyInResponse)
      for _ in 0..<100 { try client.send { $0.copyData(block) } }
      try client.send { $0.copyDone() }
      #expect(try client.reply().tags == "CZ")
      #expect(
        try client.query("SELECT count(*), sum(id), sum(length(name)) FROM goods").rows
          == [["10000", "10000", "9970000"]])

      try client.send { $0.query("COPY goods TO STDOUT") }
      var size = 0
      var tags: [UInt8: Int] = [:]
      while true {
        let message = try client.next()
        tags[message.tag, default: 0] += 1
        if message.tag == BackendTag.copyData { size += message.bytes.count - 5 }
        if message.tag == BackendTag.readyForQuery { break }
      }
      #expect(size == 10_000 * line.count)
      #expect(tags[BackendTag.copyData] == 10_000)
      #expect(tags[BackendTag.copyDone] == 1)
    }
  }

  @Test("a COPY that fails early swallows the rest of its data, and nobody else gets any of it")
  func failedCopy() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      let other = try pool.wireClient()
      #expect(try client.query("CREATE TABLE goods (id int)").tags == "CZ")
      try client.send { $0.query("COPY goods FROM STDIN") }
      #expect(try client.next().tag == BackendTag.copyInResponse)
      try client.send { $0.copyData(Array("wrong\n".utf8)) }
      let failure = try client.reply()
      #expect(failure.error?.sqlState == "22P02")
      #expect(try other.query("SELECT 1").value == "1")
      // What a client had under way when it had not yet seen the error.
      for _ in 0..<50 { try client.send { $0.copyData([UInt8](repeating: 49, count: 60_000)) } }
      #expect(try other.query("SELECT count(*) FROM goods").value == "0")
      try client.send { $0.copyDone() }
      #expect(try client.query("SELECT 2").value == "2")
      try pool.expectClean()
    }
  }

  @Test("a client that does not read keeps its own backend waiting, not the pool's memory or other clients")
  func slowReader() throws {
    try PoolProcess.with(backends: 2) { pool in
      let slow = try pool.wireClient()
      let other = try pool.wireClient()
      #expect(try other.query("SELECT 1").value == "1")
      let before = try memory(of: pool.process.pid)
      // 200 MB.
      try slow.send { $0.query("SELECT repeat('x', 1000000) FROM generate_series(1, 200)") }
      let direct = try pool.direct()
      let isBlocked = try eventually {
        try direct.query(
          """
          SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event = 'ClientWrite' AND query LIKE '%repeat%'
          """
        ).first == "1"
      }
      #expect(isBlocked)
      for number in 1...20 { #expect(try other.query("SELECT \(number)").value == String(number)) }
      #expect(try memory(of: pool.process.pid) - before < 20_000)
      slow.vanish()
      try pool.expectClean()
    }
  }

  @Test("both sides may write 10 MB at once")
  func fullDuplex() throws {
    try PoolProcess.with(backends: 1) { pool in
      let client = try pool.wireClient()
      let value = String(repeating: "v", count: 100_000)
      // The first answers come while most of the requests are still to be sent.
      try client.send {
        for _ in 0..<100 {
          $0.parse(query: "SELECT $1::text")
          $0.bind(parameters: [value])
          $0.execute()
        }
        $0.sync()
      }
      let reply = try client.reply()
      #expect(reply.rows.count == 100)
      #expect(reply.rows.allSatisfy { $0 == [value] })
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
