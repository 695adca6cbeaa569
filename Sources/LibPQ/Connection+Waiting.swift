private import CLibPQ
private import Glibc

extension Connection {
  /// Waits until a result can be read without blocking, telling ``watch`` meanwhile; returns at once when nobody
  /// watches. Every wait for an answer goes through here.
  func awaitResult() {
    guard watch != nil else { return }
    var clock: WaitClock?
    while isUsable, PQisBusy(handle) == 1 {
      if !readInput(&clock) { return }
    }
  }

  /// Waits until something has arrived.
  /// - Returns: false when the connection is lost.
  func awaitInput() -> Bool {
    var clock: WaitClock?
    return readInput(&clock)
  }

  private func readInput(_ clock: inout WaitClock?) -> Bool {
    while true {
      let ready = pause(for: Int16(POLLIN), &clock)
      if ready != 0 { return PQconsumeInput(handle) == 1 }
    }
  }

  /// Sends all that libpq has buffered, reading what arrives meanwhile, so that neither side waits for the other.
  /// For connections in non-blocking mode.
  /// - Returns: whether everything has gone.
  func flush() -> Bool {
    var clock: WaitClock?
    while true {
      switch PQflush(handle) {
      case 0: return true
      case 1: break
      default: return false
      }
      let ready = pause(for: Int16(POLLIN | POLLOUT), &clock)
      if ready & ~Int16(POLLOUT) != 0, PQconsumeInput(handle) != 1 { return false }
    }
  }

  /// Waits for the socket, one interval at most.
  /// - Returns: what the socket is ready for; 0 when nothing has happened there.
  func pause(for events: Int16, _ clock: inout WaitClock?) -> Int16 {
    var watched = [
      pollfd(fd: PQsocket(handle), events: events, revents: 0),
      pollfd(fd: watch?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
    ]
    let limit = watch == nil ? -1 : clock?.untilNext ?? ServerWaiting.interval
    // The clock is read only when there is something to wait for.
    if clock == nil { clock = WaitClock() }
    let count = poll(&watched, nfds_t(watched.count), Int32(limit))
    if count < 0 { return 0 }  // EINTR: look again
    if count == 0 || watched[1].revents != 0 {
      watch?.isWaiting(self, milliseconds: clock?.milliseconds ?? 0)
      clock?.hasTold()
    }
    return watched[0].revents
  }
}

/// Since when a statement waits, and when its watcher is told next.
struct WaitClock {
  private let start = ContinuousClock.now
  private var next = ServerWaiting.interval

  var milliseconds: Int { Int((ContinuousClock.now - start) / .milliseconds(1)) }
  var untilNext: Int { max(0, next - milliseconds) }
  mutating func hasTold() { next = milliseconds + ServerWaiting.interval }
}
