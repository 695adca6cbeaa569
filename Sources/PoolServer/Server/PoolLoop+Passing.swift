import Glibc
import PoolCore
import PostgresWire

/// A backend on its way from one loop to another: nobody has it, it owes nothing, and no byte of it is unread.
///
/// Unchecked: the encryption's memory is used by one loop at a time, and this hands it over.
struct BackendPassage: @unchecked Sendable {
  let fd: Int32
  let tls: TLSChannel?
  let key: IdentityTable.Key
  let processID: UInt32
  let cancelKey: [UInt8]?
  let address: ServerAddress?
  let isUnix: Bool
  let isEncrypted: Bool
  let isReserved: Bool
  let connectedAt: Instant
  let session: SessionPassage
  /// What the server has reported, as it is now.
  let reported: [ReportedParameter]
  /// It was asked for.
  let isAnswer: Bool

  /// Nobody takes it.
  func abandon() {
    if tls == nil { _ = Socket(fd: fd).write([FrontendTag.terminate, 0, 0, 0, 4]) }
    tls?.free()
    close(fd)
  }
}

// Backends that go from loop to loop.

extension PoolLoop {
  /// A backend has come back: whether it serves a client of another loop, who has waited longer than all of ours.
  mutating func servesOthers(_ backend: Int) -> Bool {
    guard let waiter = olderElsewhere(), !drain.isDraining else { return false }
    let wanted = team.wanted(by: waiter.loop)
    let id = BackendID(backend)
    guard let key = wanted.key, identities.known(key) == pool.identity(of: id) else {
      // Its place may serve, if not the backend.
      guard wanted.placeHelps, !team.hasPlacesLeft, pool.mayGiveUp(id, at: now) else { return false }
      closeBackend(backend)
      return true
    }
    guard team.claim(waiter) else { return false }
    passOn(backend, to: waiter.loop, isAnswer: false)
    return true
  }

  /// The backend is another loop's from now on. Where that cannot be, it is closed, and its place goes there.
  mutating func passOn(_ index: Int, to loop: Int, isAnswer: Bool) {
    let identity = pool.identity(of: BackendID(index))
    let entry = identities.entries[Int(identity.index)]
    // A loop that has too many since the cap has shrunk has none to pass on.
    guard let key = entry.key, pool.openCount <= pool.limits.maxBackends, mayLeave(index) else {
      team.post(isAnswer ? .nothingToLend : .placesFree, to: loop)
      return closeBackend(index)
    }
    let view = sessions.backends[index].view
    let reported =
      (entry.common ?? []).map { parameter in view.first { $0.name == parameter.name } ?? parameter }
      + view.filter { own in !(entry.common ?? []).contains { $0.name == own.name } }
    let passage = BackendPassage(
      fd: backends[index].fd, tls: backends[index].tls, key: key, processID: backends[index].processID,
      cancelKey: backendKeys[index], address: serverAddress(of: index), isUnix: backends[index].isUnix,
      isEncrypted: backends[index].isEncrypted, isReserved: backends[index].isReserved,
      connectedAt: pool.connectedAt(BackendID(index)),
      session: sessions.backendPassedOn(BackendID(index)), reported: reported, isAnswer: isAnswer)
    let generation = backends[index].generation
    backends[index] = BackendSlot()
    backends[index].generation = generation
    backendTimers.cancel(index)
    backendKeys[index] = nil
    pool.passedOn(BackendID(index))
    team.moved(from: number, to: loop)
    team.post(.adopt(passage), to: loop)
  }

  /// Nothing of it is under way, and no loop's poller or ring has it any more.
  private mutating func mayLeave(_ index: Int) -> Bool {
    guard backends[index].phase == .serving, backends[index].client == ClientID.none.index,
      !backends[index].hungUp, !backends[index].isDying, backends[index].cancelsInFlight == 0,
      backends[index].incoming.isEmpty, backends[index].outgoing.isEmpty, unreadRest == 0,
      sessions.isSettled(index)
    else { return false }
    guard usesRing, backendLinks.isOn(index) else {
      poller.remove(backends[index].fd)
      return true
    }
    return partFromRing(backend: index)
  }

  /// A backend has come from another loop.
  mutating func adopt(_ passage: BackendPassage) {
    if passage.isAnswer { asked -= 1 }
    // It counts as served; if it is not, it says so again.
    publishedWait = 0
    guard let identity = identities.known(passage.key), mayServe(passage.address?.target) else {
      return turnAway(passage)
    }
    let id = pool.arrived(identity, connectedAt: passage.connectedAt)
    let index = Int(id.index)
    backends.grow(to: index + 1)
    if usesRing { backendLinks.grow(to: index + 1) }
    let generation = backends[index].generation &+ 1
    backends[index] = BackendSlot()
    backends[index].generation = generation
    backends[index].fd = passage.fd
    backends[index].phase = .serving
    backends[index].processID = passage.processID
    backends[index].address = UInt16(truncatingIfNeeded: passage.address.map { server.place(of: $0) } ?? 0)
    backends[index].isUnix = passage.isUnix
    backends[index].isEncrypted = passage.isEncrypted
    backends[index].isReserved = passage.isReserved
    backends[index].tls = passage.tls
    passage.tls?.nowSends(to: encrypted)
    backendKeys[index] = passage.cancelKey
    adoptReports(identity)
    let common = identities.entries[Int(identity.index)].common ?? []
    sessions.backendAdopted(
      id, passage.session, reporting: passage.reported.filter { !common.contains($0) })
    let token = Token(.backend, index, generation: generation)
    do {
      try poller.add(passage.fd, token: token.raw, writable: !passage.isUnix)
    } catch {
      return closeBackend(index)
    }
    server.wasReached = true
    server.downSince = nil
    joinRing(backend: index)
    // Of what OpenSSL holds no event tells.
    if passage.tls != nil { readLater(backend: index) }
    giveBack(index)
    // Nobody needs it after all; what its last client has left on it must not stay.
    if backends[index].phase == .serving, pool.takeIdle(id) { startCleaning(index) }
    if pool.waitingCount > 0 { openForWaiters() }
  }

  /// Nobody here knows whom it is for.
  private mutating func turnAway(_ passage: BackendPassage) {
    passage.abandon()
    team.giveBack(1, number)
  }
}
