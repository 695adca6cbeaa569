import CLinux
import PoolCore

// Logins wait until traffic has had its turn: a TLS handshake or a password's hash takes as long as a hundred queries
// do, and a thousand clients that come at once must not be felt by those who are in.

extension PoolLoop {
  /// What logins may take of a turn, in nanoseconds; one goes on in any case.
  private static var loginTime: UInt64 { 1_000_000 }
  /// Connections taken in a turn.
  static var acceptsPerTurn: Int { 64 }

  /// The client's login goes on later in this turn, or in one of the next.
  mutating func queueLogin(client index: Int) {
    guard !clients[index].isQueued else { return }
    clients[index].isQueued = true
    waitingLogins.append(Token(.client, index, generation: clients[index].generation))
  }

  mutating func queueLogin(backend index: Int) {
    guard !backends[index].isQueued else { return }
    backends[index].isQueued = true
    waitingLogins.append(Token(.backend, index, generation: backends[index].generation))
  }

  /// Goes on with those that have waited longest, for as long as they may take.
  mutating func runLogins() {
    guard !waitingLogins.isEmpty else { return }
    let start = clinux_now()
    var done = 0
    // Those that they queue in their turn are the next turn's.
    let due = waitingLogins.count
    while done < due, done == 0 || clinux_now() &- start < Self.loginTime {
      let token = waitingLogins[done]
      done += 1
      switch token.kind {
      case .client: goOn(client: token)
      case .backend: goOn(backend: token)
      case .cancel, .listener, .signals, .mailbox, .handOver: break
      }
    }
    waitingLogins.removeFirst(done)
  }

  private mutating func goOn(client token: Token) {
    let index = token.index
    guard clients[index].phase != .absent, clients[index].generation & 0xFFF_FFFF == token.generation else {
      return
    }
    clients[index].isQueued = false
    if clients[index].phase == .authenticating { lookedUp(index) }
    if clients[index].phase != .absent { clientReadable(index) }
  }

  private mutating func goOn(backend token: Token) {
    let index = token.index
    guard backends[index].phase != .absent, backends[index].generation & 0xFFF_FFFF == token.generation else {
      return
    }
    backends[index].isQueued = false
    backendReadable(index)
  }
}
