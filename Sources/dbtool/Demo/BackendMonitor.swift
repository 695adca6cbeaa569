import DatabaseTools
import Glibc
import LibPQ
import PoolServer
import Synchronization

/// Looks at `pg_stat_activity` ten times a second, from a thread and a session of its own, and remembers the
/// most backends that the application ever had.
final class BackendMonitor: Sendable {
  private struct State {
    var most = 0
    var looks = 0
    /// Never set back, unlike `looks`.
    var looksEver = 0
    var failure: Failure?
    var isStopping = false
    var hasEnded = false
  }

  /// Microseconds between two looks.
  private static let interval: UInt32 = 100_000
  /// What the server counts against `max_connections`, and nothing else: no autovacuum worker, no WAL
  /// sender.
  private static let question = """
    SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename = $1
    """

  private let state = Mutex(State())

  /// Connects and starts to look. Returns once it has looked for the first time.
  /// - Throws: `Failure` when it cannot connect.
  init(_ target: DatabaseTarget, role: String) throws(Failure) {
    startThread { [self] in
      let failure = watch(target, role)
      state.withLock {
        $0.failure = failure
        $0.hasEnded = true
      }
    }
    while true {
      let (looks, failure, hasEnded) = state.withLock { ($0.looks, $0.failure, $0.hasEnded) }
      if let failure { throw failure }
      if looks > 0 || hasEnded { return }
      usleep(1_000)
    }
  }

  private func watch(_ target: DatabaseTarget, _ role: String) -> Failure? {
    do throws(Failure) {
      let connection = try target.connect(applicationName: "dbtool demo monitor")
      defer { connection.close() }
      while !state.withLock({ $0.isStopping }) {
        do throws(ServerError) {
          let count = Int(try connection.query(Self.question, [role]).first ?? "") ?? 0
          state.withLock {
            $0.most = max($0.most, count)
            $0.looks += 1
            $0.looksEver += 1
          }
        } catch {
          throw Failure(error)
        }
        usleep(Self.interval)
      }
      return nil
    } catch {
      return error
    }
  }

  /// Waits until a look that began after this call has ended, so that what is open now has been counted.
  func lookOnce() {
    let before = state.withLock { $0.looksEver }
    // The next look to end may have begun already.
    while state.withLock({ $0.looksEver < before + 2 && !$0.hasEnded }) { usleep(1_000) }
  }

  /// What was seen since the last call: the most backends at a time, and how often it was looked.
  /// - Throws: `Failure` when the monitor has lost its connection: what it saw would prove nothing.
  func takeMost() throws(Failure) -> (most: Int, looks: Int) {
    let (most, looks, failure) = state.withLock { state in
      defer {
        state.most = 0
        state.looks = 0
      }
      return (state.most, state.looks, state.failure)
    }
    if let failure { throw failure }
    return (most, looks)
  }

  /// Ends the thread and waits for it.
  func stop() {
    state.withLock { $0.isStopping = true }
    while !state.withLock({ $0.hasEnded }) { usleep(1_000) }
  }
}
