import PoolCore
import PostgresWire
import Testing

@Suite("Which statement a client has sent last") struct LastTextTests {
  private let client = ClientID(0)
  private let backend = BackendID(0)
  private let tail = frame { $0.execute() } + frame { $0.sync() }

  /// What is known once these frames are under way to a backend that owed nothing.
  private func last(_ frames: [UInt8]..., before: [[UInt8]] = []) -> String? {
    var sessions = Sessions(seed: 1, maxStatements: 10)
    sessions.clientArrived(client, startup: .empty)
    sessions.backendArrived(backend)
    while sessions.backends[0].ledger.owesNothing == false {
      let tag = sessions.backends[0].ledger.isInFront ? BackendTag.parseComplete : BackendTag.readyForQuery
      _ = sessions.backendSent(backend, tag, status: .idle)
    }
    sessions.attach(client, to: backend)
    for (index, list) in [before, frames].enumerated() where !list.isEmpty {
      sessions.backends[0].flight.begin()
      for bytes in list {
        var offset = 0
        while case .frame(let header) = FrameHeader.read(in: bytes.span, at: offset) {
          _ = sessions.clientSends(client, to: backend, header, in: bytes.span, at: offset)
          offset += header.length
        }
        if sessions.backends[0].flight.takes(bytes.count) { sessions.backends[0].flight.bytes += bytes }
      }
      guard index == 0 else { continue }
      _ = sessions.backendSent(backend, BackendTag.parseComplete, status: nil)
      _ = sessions.backendSent(backend, BackendTag.readyForQuery, status: .idle)
    }
    return sessions.lastStatement(of: client, on: backend)?.text
  }

  @Test("a query's text, and of several queries the last that is work")
  func query() {
    #expect(last(frame { $0.query("SELECT 1 FROM a") }) == "select ? from a")
    #expect(
      last(
        frame { $0.query("BEGIN") }, frame { $0.query("UPDATE a SET b = 2") }, frame { $0.query("COMMIT") })
        == "update a set b = ?")
    #expect(last(frame { $0.query("COMMIT") }) == "commit")
  }

  @Test("the text of a Parse, and of a statement by its name, never its parameters")
  func extended() {
    let bind = frame { $0.bind(statement: "s") }
    #expect(
      last(frame { $0.parse(name: "", query: "SELECT $1") }, frame { $0.bind(statement: "") } + tail)
        == "select ?")
    let parse = frame { $0.parse(name: "s", query: "DELETE FROM t WHERE id = $1") }
    #expect(last(bind + tail, before: [parse + frame { $0.sync() }]) == "delete from t where id = ?")
  }

  @Test("nothing is known of what was too long to be kept, nor where nothing was sent")
  func unknown() {
    #expect(last() == nil)
    #expect(last(frame { $0.query("SELECT '" + String(repeating: "x", count: 20_000) + "'") }) == nil)
  }
}
