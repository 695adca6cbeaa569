import PoolCore
import PostgresWire

/// Clients that send what a source of numbers says, behind the pool and each to a server of its own.
struct DifferentialRun {
  /// What a client has seen that it would not have seen alone.
  private(set) var faults: [String] = []

  /// One batch of messages; `waits` when its outcome must be known before more may be sent.
  struct Batch {
    var frames: [[UInt8]] = []
    var waits = false
    /// Sent only outside transactions.
    var startsIdle = false
  }

  static func simple(_ random: inout some RandomNumberGenerator) -> Batch {
    let texts = [
      "SELECT 1", "", "bad", "fail", "SELECT 1;SELECT 2", "SELECT 1;bad", "SELECT 1;fail;SELECT 2", "BEGIN",
      "COMMIT", "ROLLBACK", "BEGIN;SELECT 3", "SHOW work_mem", "SHOW datestyle", "SET work_mem = '1MB'",
      "SET work_mem = '2MB'", "SET datestyle = 'German'", "RESET work_mem", "RESET ALL",
      "RESET ALL;SET work_mem = '3MB'", "SET work_mem = '9MB';fail", "SET work_mem = '8MB';RESET work_mem",
    ]
    if random.next() % 24 == 0 {
      return Batch(frames: [frame { $0.query("DISCARD ALL") }], waits: true)
    }
    if random.next() % 24 == 0 {
      return Batch(frames: [frame { $0.query("DEALLOCATE ALL") }], waits: true)
    }
    let text = texts[Int(random.next() % UInt64(texts.count))]
    // A RESET that is rolled back is told from one that is not only if what was set before is known by then.
    let resets = text.contains("RESET")
    return Batch(frames: [frame { $0.query(text) }], waits: resets, startsIdle: resets)
  }

  static func copy(_ random: inout some RandomNumberGenerator) -> Batch {
    let data = random.next() % 4 == 0 ? "!" : "row"
    let end = random.next() % 4 == 0 ? frame { $0.copyFail("no") } : frame { $0.copyDone() }
    let isExtended = random.next() % 2 == 0
    var batch = Batch()
    if isExtended {
      batch.frames = [
        frame { $0.parse(query: "COPY t FROM STDIN") }, frame { $0.bind() }, frame { $0.execute() },
      ]
      // libpq sends a Sync along with Execute: the server ignores it, unless the COPY fails later.
      if random.next() % 2 == 0, data == "row", end[0] == FrontendTag.copyDone {
        batch.frames.append(frame { $0.sync() })
      }
    } else {
      let text = random.next() % 3 == 0 ? "COPY t FROM STDIN;SELECT 7" : "COPY t FROM STDIN"
      batch.frames = [frame { $0.query(text) }]
    }
    batch.frames.append(frame { $0.copyData(Array(data.utf8)) })
    batch.frames.append(end)
    if isExtended {
      batch.frames.append(frame { $0.sync() })
      // Drops the unnamed statement, so that no batch to come runs the COPY again without its data.
      batch.frames.append(frame { $0.query("") })
    }
    batch.waits = true
    return batch
  }

  static func extended(_ random: inout some RandomNumberGenerator) -> Batch {
    let texts = [
      "SELECT 1", "SELECT 2", "SELECT 3", "bad", "fail", "BEGIN", "COMMIT", "SHOW work_mem",
      "SET work_mem = '5MB'",
    ]
    func text(_ random: inout some RandomNumberGenerator) -> String {
      texts[Int(random.next() % UInt64(texts.count))]
    }
    let names = ["a", "b", "c", "dbtool_00000000", "dbtool_set"]
    func name(_ random: inout some RandomNumberGenerator) -> String {
      names[Int(random.next() % UInt64(names.count))]
    }
    var batch = Batch()
    switch random.next() % 4 {
    case 0:
      let query = text(&random)
      batch.frames.append(frame { $0.parse(query: query) })
    case 1, 2:
      let (name, query) = (name(&random), text(&random))
      batch.frames.append(frame { $0.parse(name: name, query: query) })
    default: break
    }
    for _ in 0..<random.next() % 4 {
      let name = random.next() % 3 == 0 ? "" : name(&random)
      switch random.next() % 7 {
      case 3: batch.frames.append(frame { $0.close(statement: name) })
      case 4:
        if random.next() % 4 == 0 { batch.frames.append(frame { $0.query("SELECT 4") }) }
      case 0: batch.frames.append(frame { $0.describe(statement: name) })
      case 1: batch.frames.append(frame { $0.flush() })
      case 2:
        let query = text(&random)
        batch.frames.append(frame { $0.parse(name: name, query: query) })
      default:
        batch.frames.append(frame { $0.bind(statement: name) })
        if random.next() % 4 > 0 { batch.frames.append(frame { $0.execute() }) }
      }
    }
    batch.frames.append(frame { $0.sync() })
    return batch
  }

  /// - Parameter steps: how many; `isOver` ends it before.
  init(_ random: inout some RandomNumberGenerator, steps: Int, isOver: () -> Bool = { false }) {
    var pool = ModelPool(backends: Int(1 + random.next() % 3), maxStatements: Int(2 + random.next() % 4))
    let clients = Int(2 + random.next() % 4)
    for number in 0..<clients { pool.arrive(number % 2 == 0 ? [:] : ["application_name": "shop"]) }
    for _ in 0..<steps where !isOver() {
      let client = ClientID(Int(random.next() % UInt64(clients)))
      let isIdle =
        pool.clients[Int(client.index)].frames.isEmpty && pool.clients[Int(client.index)].backend == .none
      switch random.next() % 12 {
      case 0, 1:
        let kind = random.next() % 5
        let batch = kind < 2 ? Self.simple(&random) : kind < 4 ? Self.extended(&random) : Self.copy(&random)
        // What the outcome of others decides waits for them.
        if batch.waits { drain(&pool) }
        if batch.startsIdle, pool.clients[Int(client.index)].backend != .none { continue }
        pool.write(client, batch.frames)
        if batch.waits { drain(&pool) }
        // A startup value comes back at the end of the transaction that a RESET was in.
        if batch.waits, pool.clients[Int(client.index)].backend == .none {
          pool.write(client, [frame { $0.query("SHOW application_name") }])
          drain(&pool)
        }
      case 2 where isIdle && random.next() % 4 == 0:
        compare(&pool, client)
        pool.leave(client)
        pool.arrive(random.next() % 2 == 0 ? [:] : ["application_name": "cart"], as: Int(client.index))
      case 3, 4, 5, 6: _ = pool.forward(client)
      case 7, 8: _ = pool.step(BackendID(Int(random.next() % UInt64(pool.servers.count))))
      default: _ = pool.deliver(BackendID(Int(random.next() % UInt64(pool.servers.count))))
      }
      if !pool.faults.isEmpty { break }
    }
    drain(&pool)
    for number in 0..<clients { compare(&pool, ClientID(number)) }
    faults += pool.faults
  }

  /// Runs to the end; clients that hold a backend in a transaction while others wait roll back.
  private func drain(_ pool: inout ModelPool) {
    pool.settleAll()
    var rounds = 0
    while pool.clients.contains(where: { !$0.frames.isEmpty }), rounds < 20 {
      rounds += 1
      for index in pool.clients.indices where pool.clients[index].frames.isEmpty {
        if pool.clients[index].backend != .none {
          pool.write(ClientID(index), [frame { $0.query("ROLLBACK") }])
        }
      }
      pool.settleAll()
    }
  }

  private mutating func compare(_ pool: inout ModelPool, _ client: ClientID) {
    var entry = pool.clients[Int(client.index)]
    // In a failed transaction a Parse is refused in any case: for that, for its text, or for its name.
    for at in entry.received.indices.prefix(entry.expected.count)
    where entry.received[at].text == "25P02" && ["42601", "42P05"].contains(entry.expected[at].text) {
      entry.expected[at] = entry.received[at]
    }
    guard entry.received != entry.expected else { return }
    let at = zip(entry.received, entry.expected).prefix { $0 == $1 }.count
    faults.append(
      "client \(client.index), reply \(at): \(entry.received.dropFirst(max(0, at - 3)).prefix(9)) instead of \(entry.expected.dropFirst(max(0, at - 3)).prefix(9))"
    )
  }
}
