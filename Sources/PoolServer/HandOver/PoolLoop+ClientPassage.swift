import CLinux
import Glibc
import Logging
import PoolCore

// Idle clients that go from one process to the next, with their sessions. They notice nothing.

extension PoolLoop {
  /// Hands the client to the process that takes over, or leaves it as it is for a moment more. False when it cannot be
  /// handed over, and must be told that this one ends.
  mutating func handsOver(client index: Int) -> Bool {
    guard let channel = passesTo else { return false }
    if isInMiddle(index) { return true }
    guard mayBePassed(index), var passage = sessions.passage(of: ClientID(index))
    else {
      return false
    }
    let identity = identities.entries[Int(clients[index].identity)]
    passage.user = identity.user
    passage.database = identity.database
    passage.isUnix = clients[index].isUnix
    passage.number = clients[index].number
    passage.secret = cancelSecret(of: index)
    passage.unread = clients[index].incoming.copied
    let bytes = passage.bytes
    guard bytes.count < HandOverChannel.longest else { return false }
    if usesRing, clientLinks.isOn(index), !partFromRing(client: index) {
      // Something has come from it at this moment: it is served here once more.
      return true
    }
    switch channel.send(.client(bytes), descriptor: clients[index].fd, waiting: 20) {
    case .sent: break
    case .full:
      joinRing(client: index)
      return true
    case .failed:
      passesTo = nil
      return false
    }
    // Else this process would go on hearing of it: its descriptor is one of two.
    if !usesRing { poller.remove(clients[index].fd) }
    if clients[index].phase == .waiting { pool.waitEnded(ClientID(index)) }
    // The connection itself lives on.
    closeClient(index)
    return true
  }

  /// Something of it is under way that will be over soon.
  private func isInMiddle(_ index: Int) -> Bool {
    switch clients[index].phase {
    case .startup, .authenticating, .checking: return true
    case .idle, .waiting:
      return clientInHand == index || !clients[index].outgoing.isEmpty || sessions.clients[index].isSkipping
    case .active, .replicating, .console, .closing, .absent: return false
    }
  }

  private func mayBePassed(_ index: Int) -> Bool {
    guard clients[index].phase == .idle || clients[index].phase == .waiting else { return false }
    return clients[index].tls == nil && clients[index].backend == BackendID.none.index
      && clients[index].outgoing.isEmpty && clients[index].passthrough == 0 && !clients[index].isPinned
      && !clients[index].holdsReady && !clients[index].awaitsDescription && !clients[index].hungUp
      && notices[index] == nil
      // The new process does not know whom only the server knows.
      && identities.accounts.isKnown(identities.entries[Int(clients[index].identity)].account)
  }

  /// Twice a second while this process ends: those that could not be handed over before.
  mutating func passFurtherClients() {
    guard passesTo != nil, drain.hasStoppedListening else { return }
    for index in 0..<clients.used where clients[index].phase == .idle { sayGoodbye(index) }
  }

  /// A client has come from the process before this one.
  mutating func inherit(_ passage: ClientPassage, _ fd: Int32) {
    guard let index = (try? seat(fd, isUnix: passage.isUnix)) ?? nil else { return }
    let account = Accounts.key(passage.user)
    guard identities.accounts.isKnown(account), identities.isTarget(passage.database),
      let identity = identities.identity(user: passage.user, database: passage.database, in: &pool)
    else { return sayWhoIsGone(index) }
    clients[index].awaitsProxyHeader = false
    clients[index].identity = identity.index
    if console.isPausing { applyPauses() }
    clients[index].number = passage.number
    inheritedNumbers[passage.number] = index
    if passage.secret.count == 4 {
      clients[index].secret = passage.secret.reduce(0) { $0 << 8 | UInt32($1) }
    } else {
      longSecrets[index] = passage.secret
    }
    sessions.clientInherited(ClientID(index), passage)
    sessions.clients[index].identity = identity
    let application = passage.startup.first { $0.name == "application_name" }?.value ?? []
    sessions.clients[index].habit = sessions.habits.number(
      of: Array(passage.user.utf8) + [0] + Array(passage.database.utf8) + [0] + application)
    if pool.hasLanes {
      let lane = pool.lane(
        user: account, database: Array(passage.database.utf8), applicationName: application)
      pool.enter(ClientID(index), lane: lane)
    }
    adoptReports(identity)
    let generation = clients[index].generation
    becomeIdle(index)
    guard clients[index].phase == .idle, clients[index].generation == generation else { return }
    joinRing(client: index)
    clients[index].incoming.append(passage.unread)
    if !passage.unread.isEmpty { processIncoming(index) }
    guard clients[index].phase != .absent, clients[index].generation == generation else { return }
    readLater(client: index)
  }

  /// User or database are no longer in the configuration.
  private mutating func sayWhoIsGone(_ index: Int) {
    loginFailed(
      index, "57P01", "terminating connection: the pool's new process does not know its user or database")
  }
}
