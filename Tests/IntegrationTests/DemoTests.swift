import DatabaseTools
import Foundation
import TestSupport
import Testing

@Suite("dbtool demo") struct DemoTests {
  @Test("fifty clients for two seconds: everything is served, and stock and orders agree")
  func short() throws {
    let result = try runDBTool(["demo", "--clients", "50", "--duration", "2s", "--json"])
    #expect(result.status == 0, "\(result.stderr)")
    let document = try #require(JSONValue(parsing: result.stdout))
    #expect(document["operation"]?.text == "demo")
    #expect(document["ok"] == .bool(true))
    #expect(document["room"] == .integer(85))

    let direct = try #require(document["direct"])
    #expect(direct["accepted"] == .integer(50))
    #expect(direct["failed"] == .integer(0))

    let pooled = try #require(document["pooled"])
    #expect(pooled["connected"] == .integer(50))
    #expect(pooled["failed"] == .integer(0))
    #expect(pooled["errors"] == .array([]))
    #expect(number(pooled["requests"]) > 100)
    #expect((1...50).contains(number(pooled["mostBackends"])))
    for kind in ["all", "catalogueList", "catalogueItem", "inventory", "checkout"] {
      let latency = try #require(pooled["latencyMilliseconds"]?[kind])
      #expect(number(latency["requests"]) > 0)
      #expect(number(latency["p50"]) > 0)
      #expect(number(latency["p50"]) <= number(latency["p95"]))
      #expect(number(latency["p95"]) <= number(latency["p99"]))
    }

    let stock = try #require(document["stock"])
    #expect(number(stock["sold"]) > 0)
    #expect(stock["sold"] == stock["ordered"])
    #expect(stock["orders"] == stock["checkouts"])
  }

  @Test("more clients than there is room: directly they fail, through the pool they do not")
  func storm() throws {
    let result = try runDBTool(["demo", "--clients", "150", "--duration", "1s", "--json", "--quiet"])
    #expect(result.status == 0, "\(result.stderr)")
    #expect(result.stderr.isEmpty)
    let document = try #require(JSONValue(parsing: result.stdout))
    #expect(document["direct"]?["accepted"] == .integer(85))
    #expect(document["direct"]?["failed"] == .integer(65))
    #expect(document["direct"]?["mostBackends"] == .integer(85))
    guard case .array(let errors)? = document["direct"]?["errors"] else {
      Issue.record("no errors in \(result.stdout)")
      return
    }
    #expect(errors.allSatisfy { $0["sqlState"]?.text == "53300" })
    #expect(document["pooled"]?["connected"] == .integer(150))
    #expect(document["pooled"]?["failed"] == .integer(0))
    #expect(number(document["pooled"]?["mostBackends"]) <= 85)
  }

  @Test("SIGTERM in the middle of the load: status 143, and the server is gone")
  func interrupted() throws {
    // A folder of its own, so that what is left behind is seen; short, since it holds a socket.
    let folder = "/tmp/dbt-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let demo = try DBToolProcess(
      ["demo", "--clients", "20", "--duration", "10m"], environment: ["TMPDIR": folder])
    #expect(eventually { demo.stderrSoFar.contains("/85 backends") || !demo.isRunning })
    demo.send(SIGTERM)
    let result = demo.finish()
    #expect(result.status == 143)
    #expect(result.stderr.contains("interrupted by signal 15"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  @Test(
    "a wrong command line is refused before anything starts",
    arguments: [["--clients", "0"], ["--clients", "30000"], ["--duration", "soon"], ["--duration", "0"]])
  func usage(arguments: [String]) throws {
    let result = try runDBTool(["demo"] + arguments)
    #expect(result.status == 64)
    #expect(result.stderr.hasPrefix("error:"))
    #expect(result.stdout.isEmpty)
  }

  private func number(_ value: JSONValue?) -> Double { value?.text.flatMap { Double($0) } ?? -1 }
}
