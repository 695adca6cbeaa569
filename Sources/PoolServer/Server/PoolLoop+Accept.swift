import CLinux
import Glibc
import Logging
import PoolCore
import PostgresWire

extension PoolLoop {
  /// Takes connections that wait at a listener.
  mutating func acceptClients(_ listener: Int) {
    guard acceptsPausedUntil == nil else { return }
    // The listener says again that others wait. To ask it until it has none costs a call for nothing each time, so
    // only where connections come at every turn more than one is taken: twice as many as before.
    let isBusy = polls == lastAccept.poll &+ 1
    lastAccept = (polls, isBusy ? min(lastAccept.count * 2, Self.acceptsPerTurn) : 1)
    for _ in 0..<lastAccept.count {
      let fd = clinux_accept(listeners[listener].socket.fd, nil, nil)
      if fd < 0 {
        switch errno {
        case EAGAIN: return
        case EINTR, ECONNABORTED: continue
        default: return pauseAccepts(errno)
        }
      }
      let isUnix = listeners[listener].isUnix
      let loop = isShared ? team.loopForClient() : number
      guard loop == number else {
        team.post(.accepted(fd: fd, isUnix: isUnix), to: loop)
        continue
      }
      guard takeClient(fd, isUnix: isUnix) else { return }
    }
  }

  /// A client has come. False when the kernel has no more of what that takes.
  mutating func takeClient(_ fd: Int32, isUnix: Bool) -> Bool {
    do throws(SystemError) {
      _ = try seat(fd, isUnix: isUnix)
      return true
    } catch {
      pauseAccepts(error.code)
      return false
    }
  }

  /// A slot for the connection, which is closed where there is none.
  ///
  /// - Throws: ``SystemError`` when the kernel has no more of what that takes.
  mutating func seat(_ fd: Int32, isUnix: Bool) throws(SystemError) -> Int? {
    guard let index = clients.take() else {
      if isShared { team.clientLeft(number) }
      close(fd)
      counters.clientsRefused += 1
      return nil
    }
    clients[index].generation &+= 1
    let generation = clients[index].generation
    clients[index] = ClientSlot()
    clients[index].generation = generation
    clients[index].fd = fd
    if usesRing { clientLinks.grow(to: index + 1) }
    clients[index].phase = .startup
    clients[index].acceptedAt = now.nanoseconds
    clients[index].number = clientNumbers.number(
      at: number * clients.capacity + index, random: random.number())
    clients[index].secret = random.number()
    clients[index].isUnix = isUnix
    clients[index].awaitsProxyHeader = !proxyNetworks.isEmpty && !isUnix
    do {
      try poller.add(fd, token: Token(.client, index, generation: generation).raw, writable: !isUnix)
    } catch {
      close(fd)
      clients[index].phase = .absent
      clients.giveBack(index)
      if isShared { team.clientLeft(number) }
      throw error
    }
    counters.clientConnectionsReceived += 1
    if settings.loginTimeout > 0 {
      clientTimers.set(index, now.advanced(byMilliseconds: settings.loginTimeout))
    }
    return index
  }

  /// Out of descriptors or memory: the listener would be "readable" again at once, so it rests for a moment.
  private mutating func pauseAccepts(_ code: Int32) {
    logger.error("cannot accept connections: \(String(cString: strerror(code))); trying again in 100 ms")
    for listener in listeners { poller.remove(listener.socket.fd) }
    acceptsPausedUntil = now.advanced(byMilliseconds: 100)
  }

  mutating func resumeAccepts() {
    guard let until = acceptsPausedUntil, now >= until, !drain.hasClosedListeners else { return }
    acceptsPausedUntil = nil
    for (index, listener) in listeners.enumerated() {
      try? poller.addLevel(listener.socket.fd, token: Token(.listener, index).raw)
    }
  }

  // MARK: Ending a client

  /// Ends a client's connection, in whatever phase. Its backend is brought back clean, or closed.
  mutating func closeClient(_ index: Int) {
    guard clients[index].phase != .absent else { return }
    let id = ClientID(index)
    let phase = clients[index].phase
    let backend = clients[index].backend
    if lookups.table.openCount > 0 { leaveLookup(index) }
    logins[index] = nil
    if !consoles.isEmpty, consoles.removeValue(forKey: index) != nil { team.consoleLeft() }
    if !longSecrets.isEmpty { longSecrets[index] = nil }
    if !inheritedNumbers.isEmpty { inheritedNumbers[clients[index].number] = nil }
    if !proxied.isEmpty { proxied[index] = nil }
    if !holderSearches.isEmpty { holderSearches[index] = nil }
    if !slow.isEmpty { _ = slow.ended(index) }
    clientTimers.cancel(index)
    // Without a ring, which may still hold the socket, the kernel forgets it at its close.
    if usesRing, !leaveRing(client: index) { poller.remove(clients[index].fd) }
    if clients[index].tls != nil { endEncryption(client: index) }
    close(clients[index].fd)
    clients[index].incoming.free()
    clients[index].outgoing.free()
    let generation = clients[index].generation
    clients[index] = ClientSlot()
    clients[index].generation = generation
    counters.clientConnectionsClosed += 1
    if backend != BackendID.none.index { recover(Int(backend), from: id) }
    if !subscriptions.isEmpty { stopListening(index) }
    if phase != .startup, phase != .authenticating {
      cleanBackends(of: id)
      sessions.clientGone(id)
    }
    pool.clientGone(id)
    clients.giveBack(index)
    if isShared { team.clientLeft(number) }
  }

  /// A dead client's advisory lock or temporary table on an idle backend would block others for ever.
  private mutating func cleanBackends(of client: ClientID) {
    for index in 0..<min(backends.used, sessions.backends.count)
    where sessions.backends[index].owner == client && backends[index].phase == .serving
      && backends[index].client == ClientID.none.index
    {
      guard sessions.mayHoldState(BackendID(index)) else {
        hasLeftovers = true
        continue
      }
      if pool.takeIdle(BackendID(index)) { startCleaning(index) }
    }
  }

  /// Twice a second: what text does not show (a lock taken by a function that a view calls) may be there all the same.
  /// Most such backends are another client's by then, and so were cleaned on the way.
  mutating func cleanLeftovers() {
    guard hasLeftovers else { return }
    hasLeftovers = false
    for index in 0..<min(backends.used, sessions.backends.count)
    where sessions.backends[index].owner == .none && sessions.backends[index].image == nil
      && backends[index].phase == .serving && backends[index].client == ClientID.none.index
    {
      if pool.takeIdle(BackendID(index)) { startCleaning(index) }
    }
  }

  /// Sends a client its last message; the connection ends when it has been taken.
  /// - Parameter head: bytes that go in front, in the same write.
  mutating func refuse(_ index: Int, _ fields: ErrorFields, behind head: [UInt8] = []) {
    var writer = MessageWriter(reservingCapacity: 256)
    writer.raw(head)
    writer.errorResponse(fields)
    finish(index, writer.bytes)
  }

  /// Sends last bytes and closes.
  mutating func finish(_ index: Int, _ bytes: [UInt8]) {
    sendToClient(index, bytes)
    guard clients[index].phase != .absent else { return }
    if usesRing, clientLinks.isSending(index) { settleSends() }
    if clients[index].outgoing.isEmpty {
      closeClient(index)
    } else {
      detach(index)
      clients[index].phase = .closing
      clientTimers.set(index, now.advanced(byMilliseconds: 5_000))
    }
  }

  /// The client is told nothing more of its backend or queue; both are given up.
  private mutating func detach(_ index: Int) {
    let backend = clients[index].backend
    clients[index].backend = BackendID.none.index
    pool.waitEnded(ClientID(index))
    if backend != BackendID.none.index { recover(Int(backend), from: ClientID(index)) }
  }
}
