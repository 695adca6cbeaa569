import DatabaseTools
import Foundation
import LibPQ
import PoolServer
import TestSupport
import Testing

@Suite("Ways to ask the kernel") struct PoolRingTests {
  @Test("--io names one, and the log says when it is io_uring")
  func choice() throws {
    for words in ["epoll", "io_uring"] where words == "epoll" || PoolIO.hasRing {
      try PoolIO.$chosen.withValue(words) { try expect(usesRing: words == "io_uring") }
    }
    try PoolIO.$chosen.withValue("auto") {
      try expect(usesRing: PoolIO.hasRing && PoolSettings.IO.autoTakesRing)
    }
  }

  private func expect(usesRing: Bool) throws {
    try PoolProcess.with(backends: 1) { pool in
      let answer = try pool.wireClient().query("SELECT 1").value
      #expect(answer == "1")
      #expect(pool.process.stderrSoFar.contains("the loop uses io_uring") == usesRing)
    }
  }

  @Test(
    "a kernel that forbids io_uring: by name it is an error with status 1, with auto the pool serves by epoll",
    .enabled(if: PoolIO.hasRing, "this kernel has no io_uring, or forbids it"),
    arguments: [
      ("io_uring_setup", "EPERM", "io_uring_setup: Operation not permitted"),
      ("io_uring_setup", "ENOSYS", "io_uring_setup: Function not implemented"),
      ("io_uring_enter", "EPERM", "io_uring_setup: Operation not permitted"),
      ("io_uring_register", "EPERM", "io_uring_register: Operation not permitted"),
    ])
  func forbidden(call: String, code: String, reason: String) throws {
    try SharedPostgres.withDatabase { database in
      func start(_ words: String) throws -> PoolProgram {
        try PoolProgram.driver(
          "without_io_uring.py",
          [
            call, code, DBToolProcess.binary.path, "pool", "--listen",
            "127.0.0.1:\(try PoolProcess.freePort())", "--http-listen", "", "--io", words,
          ], databaseURL: database.testURL)
      }
      let refused = try start("io_uring").finish()
      #expect(refused.status == 1)
      #expect(refused.output.contains("error: cannot use io_uring: \(reason)\n  hint: "), "\(refused.output)")
      let pool = try start("auto")
      #expect(eventually { pool.outputSoFar.contains("the server answers") }, "\(pool.outputSoFar)")
      pool.end(by: SIGTERM)
      #expect(
        pool.outputSoFar.contains("info the loop uses epoll: \(reason)\n") == PoolSettings.IO.autoTakesRing)
    }
  }
}

/// What must be the same however the kernel is asked, once more by the way that `auto` does not take.
@Suite(
  "By the other way to ask the kernel",
  .enabled(if: PoolIO.other != nil, "this kernel has no io_uring, or forbids it: there is epoll only"))
struct PoolOtherIOTests {
  private func other(_ body: () throws -> Void) rethrows {
    try PoolIO.$chosen.withValue(PoolIO.other, operation: body)
  }

  @Test("clients that vanish leave clean backends", arguments: PoolVanishTests.Moment.allCases)
  func vanish(at moment: PoolVanishTests.Moment) throws {
    try other { try PoolVanishTests().vanish(at: moment) }
  }

  @Test("answers are the server's own", arguments: PoolParityTests.scripts)
  func parity(script: PoolParityTests.Script) throws {
    try other { try PoolParityTests().answers(script: script) }
  }

  @Test("much data, both ways and at once, and readers that are slow")
  func bulk() throws {
    try other {
      try PoolBulkTests().values()
      try PoolBulkTests().copy()
      try PoolBulkTests().failedCopy()
      try PoolBulkTests().slowReader()
      try PoolBulkTests().fullDuplex()
    }
  }

  @Test("backends that vanish")
  func loss() throws {
    try other {
      try PoolLossTests().transaction()
      try PoolLossTests().running()
      try PoolLossTests().idle()
      try PoolLossTests().halfway()
    }
  }

  @Test("cancels")
  func cancel() throws {
    try other {
      try PoolCancelTests().running()
      try PoolCancelTests().waiting()
      try PoolCancelTests().late()
    }
  }

  @Test("TLS towards clients")
  func encrypted() throws { try other { try PoolTLSClientTests().psql() } }

  @Test("the end of the pool")
  func drain() throws {
    try other {
      try PoolLifecycleTests().drain()
      try PoolLifecycleTests().secondSignal()
    }
  }
}
