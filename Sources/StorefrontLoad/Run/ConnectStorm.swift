import CLinux
package import PoolServer
package import PostgresWire

/// Opens many connections, holds those that are taken, and counts the others: what happens to a fleet that
/// connects to PostgreSQL directly.
package enum ConnectStorm {
  /// What came of it.
  package struct Report: Sendable {
    /// Why connections failed; the most frequent first.
    package struct Refusal: Sendable {
      package let error: LoadError
      package let count: Int
    }

    package let attempted: Int
    /// Logged in, and open together at the end.
    package let accepted: Int
    package let refusals: [Refusal]
    package let wasInterrupted: Bool
  }

  /// - Parameters:
  ///   - count: connections to try, each once.
  ///   - patience: how long all of it may take; who is not in by then counts as failed.
  ///   - watch: called about ten times a second with the connections that are in and those that failed.
  ///   - allTried: called once every connection has been tried, while those that are in are still held.
  /// - Throws: ``SystemError`` when not even the loop can be set up.
  package static func run(
    _ target: LoadTarget, count: Int, loginsAtOnce: Int = 64, patience: Duration = .seconds(60),
    hash: ScramHash, watch: (_ accepted: Int, _ failed: Int) -> LoadVerdict = { _, _ in .goOn },
    allTried: () -> Void = {}
  ) throws(SystemError) -> Report {
    let kit = LoadClientKit(
      encoder: RequestEncoder(), keys: ScramKeyCache(password: target.password, hash: hash))
    var loop = try ClientLoop(target, kit: kit, styles: Array(repeating: .extended, count: count))
    var refusals: [LoadError: Int] = [:]
    var failed = 0
    let start = Nanoseconds.now
    var nextWatch = start
    var isInterrupted = false
    while loop.isConnecting, Nanoseconds.now - start < Nanoseconds.of(patience), !isInterrupted {
      loop.turn(milliseconds: 50, loginsAtOnce: loginsAtOnce)
      for (_, event) in loop.events {
        if case .lost(let error) = event {
          refusals[error, default: 0] += 1
          failed += 1
        }
      }
      if Nanoseconds.now >= nextWatch {
        isInterrupted = watch(loop.connected, failed) == .stop
        nextWatch = Nanoseconds.now + 100_000_000
      }
    }
    let accepted = loop.connected
    if accepted + failed < count, !isInterrupted {
      refusals[.lost("no answer within \(patience)"), default: 0] += count - accepted - failed
    }
    allTried()
    loop.terminateAll()
    return Report(
      attempted: count, accepted: accepted,
      refusals: refusals.map { .init(error: $0.key, count: $0.value) }.sorted {
        ($1.count, $0.error.message) < ($0.count, $1.error.message)
      }, wasInterrupted: isInterrupted)
  }
}
