import PoolCore
import PostgresWire
import Testing

@Suite("What a client is told that loses its backend") struct LossTests {
  private let sync = frame { $0.sync() }
  private let execute = frame { $0.execute() }
  private func query(_ text: String) -> [UInt8] { frame { $0.query(text) } }
  private func parse(_ name: String, _ text: String) -> [UInt8] {
    frame { $0.parse(name: name, query: text) }
  }
  private func bind(_ name: String) -> [UInt8] { frame { $0.bind(statement: name) } }

  /// A client on a backend of its own, up to the moment that the backend is lost.
  private struct Holder {
    var sessions = Sessions(seed: 1, maxStatements: 10)
    let client = ClientID(0)
    let backend = BackendID(0)

    init() {
      sessions.clientArrived(client, startup: .empty)
      sessions.backendArrived(backend)
      while sessions.backends[0].ledger.owesNothing == false {
        let tag = sessions.backends[0].ledger.isInFront ? BackendTag.parseComplete : BackendTag.readyForQuery
        _ = sessions.backendSent(backend, tag, status: .idle)
      }
      sessions.attach(client, to: backend)
    }

    mutating func send(_ frames: [UInt8]...) {
      if sessions.backends[0].ledger.isQuiet { sessions.backends[0].flight.begin() }
      for bytes in frames {
        guard case .frame(let header) = FrameHeader.read(in: bytes.span, at: 0) else { return }
        _ = sessions.clientSends(client, to: backend, header, in: bytes.span, at: 0)
        if sessions.backends[0].flight.takes(bytes.count) { sessions.backends[0].flight.bytes += bytes }
      }
    }

    mutating func comes(_ tag: UInt8, _ status: TransactionStatus? = nil) {
      _ = sessions.backendSent(backend, tag, status: status)
    }

    mutating func begun() {
      send(frame { $0.query("BEGIN") })
      comes(BackendTag.commandComplete)
      comes(BackendTag.readyForQuery, .inTransaction)
    }

    mutating func lose() -> [String] {
      let error = ErrorFields(severity: .error, sqlState: "08006", message: "gone")
      return said(sessions.lose(client, on: backend, error, mustTell: true).answer)
    }

    var lost: LostTransaction? { sessions.clients[0].lost }
  }

  @Test("idle in its transaction: nothing yet, and the news with what it asks next")
  func idle() {
    var holder = Holder()
    holder.begun()
    #expect(holder.lose() == [])
    #expect(holder.lost?.news != nil)
    #expect(holder.lost?.mayBeginAnew == false)
  }

  @Test(
    "what was under way decides where the client stands",
    arguments: [
      ("INSERT INTO t VALUES (1)", true, "Z:E"), ("COMMIT", true, "Z:I"), ("ROLLBACK", true, "Z:I"),
      ("ROLLBACK TO a", true, "Z:E"), ("BEGIN", false, "Z:E"), ("SELECT 1", false, "Z:I"),
      ("BEGIN; SELECT 1; COMMIT", false, "Z:I"),
    ])
  func running(text: String, isOpen: Bool, ready: String) {
    for isBatch in [false, true] where !isBatch || !text.contains(";") {
      var holder = Holder()
      if isOpen { holder.begun() }
      if isBatch {
        holder.send(parse("a", text), bind("a"), execute, sync)
      } else {
        holder.send(query(text))
      }
      #expect(holder.lose() == ["E:08006", ready])
      #expect((holder.lost == nil) == (ready == "Z:I"))
      #expect(holder.lost?.news == nil)
      // A Parse that was never answered has named nothing.
      #expect(holder.sessions.names.statement(holder.client, named: "a".utf8.span) == nil)
    }
  }

  @Test("of a pipeline everything behind the loss is refused, but its ROLLBACK")
  func pipeline() {
    var holder = Holder()
    holder.begun()
    holder.send(query("SELECT 1"), query("INSERT INTO t VALUES (1)"), query("COMMIT"), query("SELECT 2"))
    #expect(holder.lose() == ["E:08006", "Z:E", "E:25P02", "Z:E", "C:ROLLBACK", "Z:I", "E:08006", "Z:I"])
  }

  @Test("a batch without its Sync fails at once, and is skipped up to it")
  func openBatch() {
    var holder = Holder()
    holder.send(parse("", "SELECT 1"), bind(""), execute)
    #expect(holder.lose() == ["E:08006"])
    #expect(holder.sessions.clients[0].isSkipping)
    #expect(holder.lost == nil)
    var open = Holder()
    open.begun()
    open.send(parse("", "SELECT 1"))
    #expect(open.lose() == ["E:08006"])
    #expect(open.lost != nil)
  }

  @Test("a long message tells nothing of itself: the transaction counts as open still")
  func long() {
    var holder = Holder()
    holder.begun()
    holder.send(query("INSERT INTO t VALUES ('" + String(repeating: "x", count: 20_000) + "')"))
    #expect(holder.lose() == ["E:08006", "Z:E"])
  }

  @Test("sent again is one plain statement outside a transaction, of which nothing was answered")
  func repeats() {
    var plain = Holder()
    plain.send(query("UPDATE t SET a = 1"))
    #expect(plain.sessions.mayRepeat(plain.client, on: plain.backend))
    #expect(plain.sessions.takeFlight(plain.client, on: plain.backend) == query("UPDATE t SET a = 1"))

    var batch = Holder()
    batch.send(parse("s", "SELECT 1"), bind("s"), frame { $0.describe(portal: "") }, execute, sync)
    #expect(batch.sessions.mayRepeat(batch.client, on: batch.backend))
    _ = batch.sessions.takeFlight(batch.client, on: batch.backend)
    #expect(batch.sessions.names.statement(batch.client, named: "s".utf8.span) == nil)

    var answered = Holder()
    answered.send(query("SELECT 1"))
    answered.sessions.backends[0].flight.isAnswered = true
    #expect(!answered.sessions.mayRepeat(answered.client, on: answered.backend))

    for frames in [
      query("COMMIT"), query("CALL p()"), query("SELECT 1") + query("SELECT 2"),
      parse("", "SELECT 1") + bind("") + execute, parse("", "SELECT 1") + bind("") + execute + execute + sync,
    ] {
      var other = Holder()
      other.send(frames)
      #expect(!other.sessions.mayRepeat(other.client, on: other.backend))
    }
    var open = Holder()
    open.begun()
    open.send(query("SELECT 1"))
    #expect(!open.sessions.mayRepeat(open.client, on: open.backend))
  }

  @Test("a client whose backend has what it counts on cannot go on without it; lastval says so by itself")
  func pinned() {
    var holder = Holder()
    holder.send(query("CREATE TEMP TABLE t (a int)"))
    #expect(holder.sessions.survivesLoss(holder.client, isPinned: false))
    #expect(!holder.sessions.survivesLoss(holder.client, isPinned: true))
    var writer = Holder()
    writer.send(query("SELECT lastval()"))
    #expect(writer.sessions.survivesLoss(writer.client, isPinned: true))
    writer.sessions.clients[0].keepsBackend = true
    #expect(!writer.sessions.survivesLoss(writer.client, isPinned: false))
  }
}
