private import Glibc
import LibPQ
import Migrations

/// Waits for a server that is starting, full, or not there yet. What waiting cannot mend ends it at once.
struct ServerArrival {
  private let patience: Int
  private let talk: MigrationTalk
  private let started = Clock.milliseconds()
  private var pace: WaitPace

  /// - Parameter patience: milliseconds; 0 does not wait.
  init(patience: Int, _ talk: MigrationTalk) {
    self.patience = patience
    self.talk = talk
    pace = WaitPace(isInteractive: talk.isInteractive, first: 0)
  }

  /// A connection's parameters: while there is a wait, none takes longer than what is left of it.
  func parameters(of target: DatabaseTarget) -> [(String, String)] {
    var target = target
    let left = patience - (Clock.milliseconds() - started)
    if patience > 0, left > 0, target.parameters["connect_timeout"] == nil {
      target.parameters["connect_timeout"] = String(max(2, left / 1_000))
    }
    return target.libpqParameters(applicationName: "dbtool migrate")
  }

  /// Waits a little.
  /// - Returns: whether to try again.
  mutating func pause(after failure: ConnectionFailure) -> Bool {
    let waited = Clock.milliseconds() - started
    guard failure.isTransient, waited < patience else {
      talk.tell(nil)
      return false
    }
    if pace.isDue(waited) {
      let reason = LockHolder.firstLine(failure.message, limit: 120)
      talk.tell("waiting for the server (\(LockHolder.age(waited / 1_000))): \(reason)")
    }
    usleep(UInt32(clamping: min(500, patience - waited)) * 1_000)
    return true
  }
}
