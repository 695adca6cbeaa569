private import Glibc
import LibPQ
import SeedData
import Synchronization

/// Loads families of tables over several connections. What a connection has committed stays, whatever comes after.
final class SeedWorkers {
  private let loading: SeedLoading
  private let watch: SessionWatch?
  private let progress: (SeedProgress) -> Void
  private let workers: [Worker]
  private let board = SeedBoard()

  /// Belongs to one thread at a time: to the one that made it, or to the one that it is lent to by ``run(_:)``.
  private final class Worker: @unchecked Sendable {
    let connection: Connection
    let canceller: Canceller?
    let loading: SeedLoading

    init(_ connection: Connection, _ loading: SeedLoading) {
      self.connection = connection
      canceller = connection.canceller()
      self.loading = loading
    }
  }

  /// - Parameter loading: has surveyed all tables.
  init(
    _ loading: SeedLoading, jobs: Int, connect: () throws(Failure) -> Connection, watch: SessionWatch?,
    progress: @escaping (SeedProgress) -> Void
  ) throws(Failure) {
    self.loading = loading
    self.watch = watch
    self.progress = progress
    var workers: [Worker] = []
    for _ in 0..<jobs {
      let connection = try connect()
      let board = board
      var told = 0
      let own = SeedLoading(connection, loading.plan, loading.facts) { progress in
        board.count(progress.done - told)
        told = progress.done
      }
      own.maker.identities = loading.maker.identities
      workers.append(Worker(connection, own))
    }
    self.workers = workers
  }

  deinit { for worker in workers { worker.connection.close() } }

  /// How many rows of each table were added, and what they were.
  var sums: [(rows: Int, digest: RowDigest)] {
    loading.plan.tables.indices.map { index in
      (
        workers.reduce(0) { $0 + $1.loading.copied[index] },
        workers.reduce(RowDigest()) { $0 + $1.loading.maker.digests[index] }
      )
    }
  }

  /// Whether anything has been committed.
  var hasCommitted: Bool { board.commits > 0 }

  /// Loads a family; all of it is committed then.
  /// - Throws: the first error of any of them.
  func run(_ family: SeedFamily) throws {
    let plan = loading.plan
    let tables = family.tables.compactMap { plan.index(of: $0) }
    let added = tables.map { loading.added[$0] }
    let pieces = SeedFamily.pieces(added, isWhole: family.isWhole, jobs: workers.count)
    if pieces.isEmpty { return }
    board.begin(pieces, workers: workers.count)
    let work = board
    for worker in workers {
      startWorker {
        while let piece = work.next() {
          do {
            try Self.load(piece, tables, added, worker)
            work.committed()
          } catch {
            work.fail(error)
          }
        }
        work.ended()
      }
    }
    try wait(for: family)
  }

  private static func load(
    _ piece: ClosedRange<Int>, _ tables: [Int], _ added: [[ClosedRange<Int>]], _ worker: Worker
  ) throws {
    try worker.connection.execute("BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED")
    do {
      for (table, ranges) in zip(tables, added) {
        try worker.loading.copy(table, SeedFamily.part(ranges, of: piece))
      }
      try worker.connection.execute("COMMIT")
    } catch {
      try? worker.connection.execute("ROLLBACK")
      throw error
    }
  }

  /// Tells of the progress until all have ended; a signal makes them stop.
  private func wait(for family: SeedFamily) throws {
    var interruption: ServerError?
    let name = family.tables.first ?? ""
    while !board.isOver {
      do throws(ServerError) {
        if let watch, interruption == nil { try watch.pause(milliseconds: 20) } else { poll(nil, 0, 20) }
      } catch {
        interruption = error
        board.fail(error)
      }
      // Again and again: one that meets the server between two statements stops neither.
      if interruption != nil { for worker in workers { worker.canceller?.cancel() } }
      progress(SeedProgress(table: name, done: board.rows, total: loading.total))
    }
    if let interruption { throw interruption }
    if let failure = board.failure { throw failure }
  }
}

/// What the workers and the one who waits for them share.
private final class SeedBoard: Sendable {
  private struct State {
    var pieces: [ClosedRange<Int>] = []
    var running = 0
    var rows = 0
    var commits = 0
    var failure: (any Error)?
  }

  private let state = Mutex(State())

  func begin(_ pieces: [ClosedRange<Int>], workers: Int) {
    state.withLock { state in
      // Taken from the end.
      state.pieces = pieces.reversed()
      state.running = workers
    }
  }

  /// Nil when there is no more to do.
  func next() -> ClosedRange<Int>? {
    state.withLock { $0.failure == nil ? $0.pieces.popLast() : nil }
  }

  func count(_ rows: Int) { state.withLock { $0.rows += rows } }
  func committed() { state.withLock { $0.commits += 1 } }
  func ended() { state.withLock { $0.running -= 1 } }

  func fail(_ error: any Error) {
    state.withLock { state in
      if state.failure == nil { state.failure = error }
    }
  }

  var isOver: Bool { state.withLock { $0.running == 0 } }
  var rows: Int { state.withLock { $0.rows } }
  var commits: Int { state.withLock { $0.commits } }
  var failure: (any Error)? { state.withLock { $0.failure } }
}
