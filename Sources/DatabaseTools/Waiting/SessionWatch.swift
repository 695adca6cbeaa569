private import Glibc
package import LibPQ
import Migrations

/// Looks after a session while it works: a signal cancels what runs at the server, and a long wait is told with
/// its reason. One for each session, on its thread.
package final class SessionWatch: ServerWatch {
  /// What is said of a wait. Given a line, draw it over the last one or log it; given nil, the wait is over.
  package typealias Telling = (String?) -> Void

  private let catchesSignals: Bool
  private var tell: Telling = { _ in }
  private var isInteractive = false
  private var signals: TerminationSignals?
  private var state = State.undisturbed
  private var lastLook = 0
  /// Milliseconds into a statement's wait; 0: there has been no look.
  private var nextLook = 0
  private var lockPace = WaitPace(isInteractive: false)
  private var runningPace = WaitPace(isInteractive: false)
  private var monitor: WaitMonitor?
  /// Where another session is opened to look what this one waits for.
  private var target: DatabaseTarget?
  /// The server's process of this session, which behind a pooler is another one in each transaction.
  private var process: Int32 = 0
  /// Milliseconds before the first look at who is in the way.
  private var firstLook = 1_000

  private enum State {
    /// → `asked`
    case undisturbed
    /// What runs is being cancelled; nothing new is sent. → `ended`
    case asked(TerminationSignals.Arrival)
    /// What ran has failed; what is needed to leave things clean is sent. The next signal ends the process.
    case ended(TerminationSignals.Arrival)
  }

  /// - Parameter catchesSignals: whether SIGINT, SIGTERM, SIGHUP and SIGQUIT are turned into a clean end.
  package init(catchesSignals: Bool) { self.catchesSignals = catchesSignals }

  /// Begins to look after a session. Before this a signal ends the process at once, as there is nothing to clean.
  /// - Parameters:
  ///   - isInteractive: whether a line can be drawn over, so that it may change every second.
  ///   - tell: told of waits.
  package func attach(
    to connection: Connection, at target: DatabaseTarget, isInteractive: Bool, tell: @escaping Telling
  ) {
    if catchesSignals, signals == nil { signals = TerminationSignals() }
    self.target = target
    self.isInteractive = isInteractive
    self.tell = tell
    begin()
    process = connection.backendPID
    connection.watch = self
  }

  /// The session is served by this process from now on.
  func isServed(by process: Int32) { self.process = process }

  /// Statements give up waiting for a lock after so many milliseconds: the look comes before that.
  func expectsLockTimeout(_ milliseconds: Int) {
    if milliseconds > 0 { firstLook = min(firstLook, max(200, milliseconds / 2)) }
  }

  /// The signal that has ended the work, nil when none has.
  package var interruption: TerminationSignals.Arrival? {
    switch state {
    case .undisturbed: nil
    case .asked(let arrival), .ended(let arrival): arrival
    }
  }

  /// Who is in the way of the statement that waits, as far as it was looked for.
  private var holders: [LockHolder] = []
  /// Who was in the way of the last statement that failed for want of a lock.
  private(set) var blockers: [LockHolder] = []

  // MARK: - While a statement runs

  package var descriptor: Int32 { signals?.descriptor ?? -1 }

  package func willSend() throws(ServerError) {
    // Cheap enough for each of a hundred thousand statements.
    let now = Clock.milliseconds()
    if now - lastLook >= 20 {
      lastLook = now
      look()
    }
    holders = []
    guard case .asked(let arrival) = state else { return }
    state = .ended(arrival)
    throw Self.refusal(arrival)
  }

  package func isWaiting(_ connection: Connection, milliseconds: Int) {
    look()
    if case .asked = state {
      // Again and again: one that meets the server between two statements stops neither.
      connection.cancel()
      return
    }
    guard milliseconds >= firstLook, milliseconds >= nextLook else { return }
    report(connection, milliseconds)
    nextLook = milliseconds + 1_000
  }

  package func hasAnswered(_ failure: ServerError?) {
    if nextLook > 0 { begin() }
    if let failure, RetryRule.isWorthAnotherTry(sqlState: failure.sqlState) { blockers = holders }
    if failure != nil, case .asked(let arrival) = state { state = .ended(arrival) }
  }

  /// A new statement, of which nothing has been told.
  private func begin() {
    nextLook = 0
    lockPace = WaitPace(isInteractive: isInteractive)
    runningPace = WaitPace(isInteractive: isInteractive, first: 5_000)
    tell(nil)
  }

  private func report(_ connection: Connection, _ milliseconds: Int) {
    if monitor == nil, let target { monitor = WaitMonitor(target, serverVersion: connection.serverVersion) }
    let found = monitor?.look(at: process)
    let age = LockHolder.age(milliseconds / 1_000)
    if let found, !found.holders.isEmpty {
      holders = found.holders
      if lockPace.isDue(max(milliseconds, 1_000)) {
        tell("waiting for a lock (\(age)), held by \(LockHolder.text(holders))")
      }
    } else if runningPace.isDue(milliseconds) {
      let progress = found?.progress.map { ", \($0)" } ?? ""
      tell("running for \(age)\(progress)" + (found.map { ": \($0.statement)" } ?? ""))
    }
  }

  // MARK: - Between statements

  /// Waits, a signal ends it.
  func pause(milliseconds: Int) throws(ServerError) {
    let end = Clock.milliseconds() + milliseconds
    while true {
      look()
      if case .asked(let arrival) = state {
        state = .ended(arrival)
        throw Self.refusal(arrival)
      }
      let left = end - Clock.milliseconds()
      if left <= 0 { return }
      var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      poll(&watched, 1, Int32(min(left, 60_000)))
    }
  }

  /// Says something about a wait between statements.
  func say(_ line: String?) { tell(line) }

  private func look() {
    guard case .undisturbed = state, let signals, let arrival = signals.next() else { return }
    state = .asked(arrival)
    // Who asks twice does not want to wait.
    signals.release()
  }

  private static func refusal(_ arrival: TerminationSignals.Arrival) -> ServerError {
    ServerError(sqlState: "57014", message: "interrupted by \(arrival.name)")
  }
}

extension Failure {
  /// The same for a call that a signal has ended: its status, and its name instead of the server's words.
  func ended(by arrival: TerminationSignals.Arrival?) -> Failure {
    guard let arrival else { return self }
    var failure = self
    if sqlState == "57014" { failure.what = "interrupted by \(arrival.name)" }
    failure.exitCode = ExitStatus.signal(arrival.number)
    return failure
  }
}
