import PoolCore
import PostgresWire
import Testing

@Suite("Session state that follows the client") struct SessionStateTests {
  private func query(_ text: String) -> [UInt8] { frame { $0.query(text) } }
  private func shown(_ name: String, _ pool: inout ModelPool, _ who: ClientID, _ number: Int = 0) -> String? {
    pool.ask(who, on: backend(number), query("SHOW \(name)")).first { $0.hasPrefix("D:") }.map {
      String($0.dropFirst(2))
    }
  }

  @Test("a front goes before a client's bytes when another's state is on the backend, and only then")
  func front() {
    var pool = ModelPool(backends: 1)
    let (one, two) = (pool.arrive(), pool.arrive())
    _ = pool.ask(one, query("SELECT 1"))
    _ = pool.ask(one, query("SELECT 1"))
    #expect(pool.fronts == 0, "fresh, then its own")
    _ = pool.ask(two, query("SELECT 1"))
    #expect(pool.fronts == 1)
    _ = pool.ask(two, query("SELECT 1"))
    #expect(pool.fronts == 1)
    _ = pool.ask(one, query("SELECT 1"))
    #expect(pool.fronts == 2)
  }

  @Test("a startup setting is there on every backend, and for nobody else")
  func startup() {
    var pool = ModelPool(backends: 2)
    let (one, two) = (pool.arrive(["application_name": "shop"]), pool.arrive())
    for number in 0..<2 {
      #expect(shown("application_name", &pool, one, number) == "shop")
      #expect(shown("application_name", &pool, two, number) == "none")
    }
  }

  @Test("a SET follows its client to other backends, by asking what the server made of it")
  func set() {
    var pool = ModelPool(backends: 2)
    let (one, two) = (pool.arrive(), pool.arrive())
    _ = pool.ask(one, on: backend(0), query("SET work_mem = '1MB'"))
    #expect(shown("work_mem", &pool, one, 1) == "1MB")
    #expect(shown("work_mem", &pool, two, 0) == "4MB")
    #expect(shown("work_mem", &pool, two, 1) == "4MB")
    #expect(shown("work_mem", &pool, one, 0) == "1MB")
    #expect(pool.faults == [])
  }

  @Test("a SET that was rolled back, or failed with its text, is not remembered")
  func rolledBack() {
    var pool = ModelPool(backends: 2)
    let one = pool.arrive()
    _ = pool.ask(one, on: backend(0), query("BEGIN"), query("SET work_mem = '1MB'"), query("ROLLBACK"))
    #expect(shown("work_mem", &pool, one, 1) == "4MB")
    _ = pool.ask(one, on: backend(0), query("SET work_mem = '1MB';fail"))
    #expect(shown("work_mem", &pool, one, 1) == "4MB")
  }

  @Test("a prepared SET counts when it is bound")
  func preparedSet() {
    var pool = ModelPool(backends: 2)
    let one = pool.arrive()
    let parse = frame { $0.parse(name: "s", query: "SET work_mem = '2MB'") }
    _ = pool.ask(one, on: backend(0), parse, frame { $0.sync() })
    #expect(shown("work_mem", &pool, one, 1) == "4MB")
    _ = pool.ask(
      one, on: backend(0), frame { $0.bind(statement: "s") }, frame { $0.execute() }, frame { $0.sync() })
    #expect(shown("work_mem", &pool, one, 1) == "2MB")
  }

  @Test(
    "RESET goes back to what the client started with, not the backend",
    arguments: [
      "RESET work_mem", "RESET ALL", "DISCARD ALL", "SET datestyle = 'SQL';RESET ALL",
    ])
  func reset(text: String) {
    var pool = ModelPool(backends: 2)
    let one = pool.arrive(["work_mem": "7MB"])
    _ = pool.ask(one, on: backend(0), query("SET work_mem = '9MB'"))
    _ = pool.ask(one, on: backend(0), query(text))
    for number in [0, 1, 0] { #expect(shown("work_mem", &pool, one, number) == "7MB") }
    #expect(shown("datestyle", &pool, one, 1) == "ISO")
  }

  @Test("a SET behind a RESET in one text has the last word")
  func setBehindReset() {
    var pool = ModelPool(backends: 2)
    let one = pool.arrive()
    _ = pool.ask(one, on: backend(0), query("RESET ALL;SET work_mem = '3MB'"))
    #expect(shown("work_mem", &pool, one, 1) == "3MB")
    _ = pool.ask(
      one, on: backend(0), query("BEGIN"), query("RESET work_mem"), query("SET work_mem = '5MB'"),
      query("COMMIT"))
    #expect(shown("work_mem", &pool, one, 1) == "5MB")
  }

  @Test("a backend that is given back is settled; in a transaction it is kept")
  func keeps() {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    _ = pool.ask(one, query("BEGIN"))
    #expect(pool.clients[0].backend == backend(0))
    _ = pool.ask(one, query("COMMIT"))
    #expect(pool.clients[0].backend == .none)
  }

  @Test("pinning statements keep the backend, until DISCARD ALL")
  func pins() {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    _ = pool.ask(one, query("SELECT setval(lastval())"))
    #expect(pool.sessions.clients[0].pin == .sequenceMemory)
    #expect(pool.clients[0].backend == backend(0))
    _ = pool.ask(one, query("DISCARD ALL"))
    #expect(pool.sessions.clients[0].pin == nil)
    #expect(pool.clients[0].backend == .none)
  }

  @Test("a client number that is used again finds nothing of its last owner's on any backend")
  func numberReuse() {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    _ = pool.ask(one, query("SET work_mem = '1MB'"))
    _ = pool.ask(one, frame { $0.parse(query: "SELECT 1") }, frame { $0.sync() })
    pool.leave(one)
    let heir = pool.arrive(as: Int(one.index))
    #expect(pool.ask(heir, frame { $0.bind() }, frame { $0.sync() }) == ["E:26000", "Z:I"])
    #expect(pool.fronts == 1)
    #expect(shown("work_mem", &pool, heir) == "4MB")
  }

  @Test("cleaning makes a backend fresh: the next client without settings needs no front")
  func clean() {
    var pool = ModelPool(backends: 1)
    let (one, two) = (pool.arrive(), pool.arrive())
    _ = pool.ask(one, query("SET work_mem = '1MB'"))
    pool.sessions.clean(backend(0))
    pool.servers[0].inbox += pool.sessions.rewritten
    pool.settle(backend(0))
    #expect(shown("work_mem", &pool, two) == "4MB")
    #expect(pool.fronts == 0)
    #expect(shown("work_mem", &pool, one) == "1MB")
    #expect(pool.faults == [])
  }

  @Test("a parameter's value is told to the client when it is another than it was told last")
  func reported() {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    let common = [ReportedParameter(name: Array("TimeZone".utf8), value: Array("UTC".utf8))]
    func tell(_ value: String) -> Bool {
      let bytes = frame {
        $0.message(BackendTag.parameterStatus) {
          $0.text("TimeZone"); $0.text(value)
        }
      }
      guard let view = ParameterStatusView.read(in: bytes.span, at: 0, length: bytes.count) else {
        return false
      }
      return pool.sessions.parameterReported(one, view, in: bytes.span, common: common)
    }
    #expect(["UTC", "CET", "CET", "UTC", "UTC"].map { tell($0) } == [false, true, false, true, false])
  }

  @Test(
    "frames that are not what their tag says go to the server, which has an error for them and lives on",
    arguments: [
      FrontendTag.parse, FrontendTag.bind, FrontendTag.describe, FrontendTag.close, FrontendTag.flush,
    ])
  func unreadable(tag: UInt8) {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    pool.sessions.attach(one, to: backend(0))
    let bytes: [UInt8] = [tag, 0, 0, 0, 6, 65, 66]
    let header = FrameHeader(tag: tag, length: 7)
    #expect(pool.sessions.clientSends(one, to: backend(0), header, in: bytes.span, at: 0) == .forward)
    // Anything but an error would mean that it was understood after all.
    var other = pool.sessions
    #expect(other.backendSent(backend(0), BackendTag.parseComplete, status: nil) == .violation)
    #expect(pool.sessions.backendSent(backend(0), BackendTag.errorResponse, status: nil) == .failed)
    #expect(pool.sessions.backends[0].ledger.isSkipping)
  }

  @Test("tags that no client message has are told", arguments: [0, 49, 255, FrontendTag.password])
  func malformed(tag: UInt8) {
    var pool = ModelPool(backends: 1)
    let one = pool.arrive()
    pool.sessions.attach(one, to: backend(0))
    let bytes: [UInt8] = [tag, 0, 0, 0, 6, 65, 66]
    let header = FrameHeader(tag: tag, length: 7)
    #expect(pool.sessions.clientSends(one, to: backend(0), header, in: bytes.span, at: 0) == .malformed)
  }
}
