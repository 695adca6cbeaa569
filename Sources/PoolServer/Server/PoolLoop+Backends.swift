import CLinux
import Glibc
import Logging
import PoolCore
import PostgresWire

// The life of a backend's connection beside its traffic: ending it, losing it, bringing it back clean.

extension PoolLoop {
  // MARK: Ending

  /// We end it. Its slot stays taken until the server has closed its side, so that the server never sees more than
  /// the cap.
  mutating func closeBackend(_ index: Int) {
    guard backends[index].phase != .absent, backends[index].phase != .closing else { return }
    let wasConnecting = backends[index].phase == .connecting || backends[index].phase == .encrypting
    pool.closing(BackendID(index))
    let wasListening = backends[index].phase == .listening
    backends[index].phase = .closing
    backends[index].client = ClientID.none.index
    backends[index].readPaused = false
    if usesRing, backendLinks.isSending(index) { settleSends() }
    // Behind half a message a Terminate would be taken for the rest of it, and the message be carried out.
    let isInsideMessage = backends[index].hasHalfFrame || !backends[index].outgoing.isEmpty
    backends[index].incoming.free()
    backends[index].outgoing.free()
    backendLogins[index] = nil
    counters.backendsClosed += 1
    if wasListening { listenerLost(index) }
    // A connect or handshake that was not finished has no process at the server yet.
    if wasConnecting { return backendGone(index) }
    if backends[index].tls != nil {
      endEncryption(backend: index, [FrontendTag.terminate, 0, 0, 0, 4], isInsideMessage: isInsideMessage)
    } else if !isInsideMessage {
      _ = Socket(fd: backends[index].fd).write([FrontendTag.terminate, 0, 0, 0, 4])
    }
    Socket(fd: backends[index].fd).shutdownWrite()
    // The server notices the end only when it has done what it is at.
    let hasProcess = backendKeys[index] != nil
    if hasProcess, index < sessions.backends.count, !sessions.owesNothing(index) {
      cancelQuery(index)
    }
    backendTimers.set(
      index, now.advanced(byMilliseconds: hasProcess ? Self.processPatience : Self.closePatience))
    // What the server still sends is read and dropped on the way to its end of file.
    backends[index].mayRead = false
    readLater(backend: index)
  }

  /// How long the server may take to end a connection that we have ended, before anybody was logged in on it.
  private static var closePatience: UInt64 { 30_000 }
  /// The same where a process of the server counts until it has ended; a peer that is gone is told by the kernel.
  private static var processPatience: UInt64 { 600_000 }

  /// The server's end of file: the slot is free.
  mutating func backendEnded(_ index: Int) {
    switch backends[index].phase {
    case .absent: return
    case .closing: backendGone(index)
    case .connecting, .encrypting, .login, .preparing:
      // An alert that came behind the handshake: no client certificate, for one.
      let cause = backends[index].tls?.failure.map { ": \($0.reason)" } ?? ""
      backendLoginFailed(index, nil, "the server closed the connection during login\(cause)")
    case .serving, .recovering, .cleaning, .listening, .lookingUp:
      backends[index].hungUp = true
      loseBackend(index)
    case .replicating: replicationEnded(index)
    }
  }

  /// Frees descriptor, memory and slot.
  mutating func backendGone(_ index: Int) {
    guard backends[index].phase != .absent else { return }
    if !usesRing || !leaveRing(backend: index) { poller.remove(backends[index].fd) }
    close(backends[index].fd)
    let generation = backends[index].generation
    backends[index].tls?.free()
    backends[index].incoming.free()
    backends[index].outgoing.free()
    let slot = backends[index]
    backends[index] = BackendSlot()
    backends[index].generation = generation
    backendTimers.cancel(index)
    backendLogins[index] = nil
    backendKeys[index] = nil
    sessions.backendGone(BackendID(index))
    slotFreed(index, slot)
    if handOver != nil { tellOpen() }
    if lookups.backend == index { lookupBackendGone() }
    if drain.isDraining { drainProgressed() }
    openForWaiters()
  }

  /// Its place in the cap may serve another one, here or at another loop.
  mutating func slotFreed(_ index: Int, _ slot: BackendSlot) {
    pool.closed(BackendID(index))
    guard isShared else { return }
    team.processEnded(slot.processID)
    // Kept for the next one, wherever that is needed.
    if lookups.backend == index { returnPlaceOfLookups() }
    if slot.isReserved {
      releaseReservation(identities.entries[Int(pool.identity(of: BackendID(index)).index)].account)
    }
    giveBackPlaces()
  }

  /// The connection is lost, or not understood any more. A client that was using it is told, once, and its connection
  /// ends: what became of its transaction is not known.
  mutating func loseBackend(_ index: Int) {
    partFromLost(index)
    guard backends[index].phase != .absent, backends[index].phase != .closing else { return }
    let client = backends[index].client
    let wasDying = backends[index].isDying
    let isInsideReply = backends[index].passthrough > 0 && !backends[index].dropsRest
    backends[index].client = ClientID.none.index
    if client != ClientID.none.index {
      let number = Int(client)
      clients[number].backend = BackendID.none.index
      if clients[number].phase == .active, wasDying || isInsideReply {
        // The server's own FATAL has been passed on; or the client has half a message, which ours would only garble.
        finish(number, [])
      } else {
        refuse(
          number,
          ErrorFields(
            severity: .fatal, sqlState: "08006", message: "the server closed the connection unexpectedly",
            detail: "Whether the running transaction was committed is not known.",
            hint: "Connect again, and look before you repeat what was under way."))
      }
    } else {
      logger.info("the server ended an idle connection", metadata: ["pid": "\(backends[index].processID)"])
    }
    guard backends[index].phase != .absent, backends[index].phase != .closing else { return }
    if backends[index].hungUp {
      if backends[index].phase == .listening {
        backends[index].phase = .closing
        listenerLost(index)
      }
      pool.closing(BackendID(index))
      backendGone(index)
    } else {
      closeBackend(index)
    }
  }

  // MARK: Coming back clean

  /// A client has left in the middle. Whatever it was doing is ended, rolled back and cleaned; what cannot be ended
  /// is closed.
  mutating func recover(_ index: Int, from client: ClientID) {
    if backends[index].phase == .replicating { return replicationLeft(index) }
    guard backends[index].phase == .serving, backends[index].client == client.index else { return }
    let id = BackendID(index)
    backends[index].client = ClientID.none.index
    backends[index].readPaused = false
    pool.borrowerLeft(id)
    // Not all that pins can be undone: LOAD, the random seed.
    backends[index].mustClose = sessions.leavesMuch(client)
    sessions.backends[index].owner = .none
    guard !backends[index].hasHalfFrame, !backends[index].isDying else { return closeBackend(index) }
    backends[index].phase = .recovering
    backendTimers.set(index, now.advanced(byMilliseconds: Self.recoveryPatience))
    let isRunning = !sessions.owesNothing(index)
    if backends[index].isCopyingIn || sessions.backends[index].ledger.isCopyingIn {
      var writer = MessageWriter(reservingCapacity: 64)
      writer.copyFail("the client has left")
      sendToBackend(index, writer.bytes)
    }
    if sessions.backends[index].ledger.isBatchOpen {
      sessions.failOpenBatch(on: id)
      sendToBackend(index, sessions.rewritten)
    }
    if isRunning { cancelQuery(index) }
    recoverFurther(index)
    if backends[index].phase != .absent, backends[index].mayRead { readLater(backend: index) }
  }

  /// A COPY whose client left before the server asked for the data.
  mutating func refuseCopy(_ index: Int) {
    // In a batch, the Sync behind it has just been ignored: how to end that is not worth knowing.
    guard !sessions.backends[index].ledger.isBatchOpen else { return closeBackend(index) }
    var writer = MessageWriter(reservingCapacity: 64)
    writer.copyFail("the client has left")
    sendToBackend(index, writer.bytes)
  }

  /// How long a client's last query may take to be cancelled before its backend is given up.
  private static var recoveryPatience: UInt64 { 10_000 }

  /// One step nearer to clean, as far as the answers and cancels that are in.
  mutating func recoverFurther(_ index: Int) {
    guard backends[index].phase == .recovering, sessions.isQuiet(index),
      backends[index].cancelsInFlight == 0
    else { return }
    if backends[index].mustClose || sessions.backends[index].ledger.isDoubtful { return closeBackend(index) }
    if sessions.backends[index].ledger.status == .idle { return startCleaning(index) }
    sessions.runOwn("ROLLBACK", on: BackendID(index))
    sendToBackend(index, sessions.rewritten)
  }

  /// Cleans a backend that nobody holds and that is out of the pool.
  mutating func startCleaning(_ index: Int) {
    backends[index].phase = .cleaning
    backendTimers.set(index, now.advanced(byMilliseconds: Self.recoveryPatience))
    sessions.clean(BackendID(index))
    counters.cleanings += 1
    sendToBackend(index, sessions.rewritten)
  }

  /// What was put in front of a client's bytes failed, so nothing of the client's has run. It is told why; the
  /// backend, whose state is not known, is closed.
  mutating func frontFailed(_ index: Int, _ error: ErrorFields?) {
    let reason = error?.message ?? "unknown"
    let client = Int(backends[index].client)
    if let error, meetsLateCancel(index, error) { return }
    guard backends[index].client != ClientID.none.index, backends[index].phase == .serving else {
      logger.warning(
        "could not clean a backend: \(reason)", metadata: ["pid": "\(backends[index].processID)"])
      if backends[index].phase == .preparing { return backendLoginFailed(index, error, reason) }
      return closeBackend(index)
    }
    if let error, clients[client].phase == .active, sessions.backends[index].ledger.status != .idle {
      // In the middle of a transaction, which ends with its backend: its rest must not run by itself.
      lose(
        client, index, error, because: "what was put in front of a statement failed: \(reason)", isTold: false
      )
      return closeBackend(index)
    }
    let owed = sessions.backends[index].ledger.clientReadiesOwed
    backends[index].client = ClientID.none.index
    clients[client].backend = BackendID.none.index
    closeBackend(index)
    sessions.backendLost(ClientID(client))
    var answer = error ?? ErrorFields(severity: .error, sqlState: "08006", message: reason)
    if clients[client].phase == .checking {
      answer.becomeFatal()
      return refuse(client, answer)
    }
    answer.becomeHarmless()
    logger.info("a client's settings were refused: \(reason)")
    var writer = MessageWriter(reservingCapacity: 512)
    if owed == 0 {
      writer.errorResponse(answer)
      sessions.clients[client].isSkipping = true
    }
    for _ in 0..<owed {
      writer.errorResponse(answer)
      writer.readyForQuery(.idle)
    }
    clients[client].blockedByBackend = false
    if clients[client].passthrough > 0 { clients[client].dropsRest = true }
    sendToClient(client, writer.bytes)
    becomeIdle(client)
    if clients[client].phase != .absent { lookAgain(client) }
  }
}

extension ErrorFields {
  /// The same, as the last word on a connection.
  mutating func becomeFatal() { become("FATAL") }

  /// The same on a connection that lives on, though the server said it of one that it ended.
  mutating func becomeHarmless() { become("ERROR") }

  private mutating func become(_ severity: String) {
    fields = fields.map { field in
      field.code == UInt8(ascii: "S") || field.code == UInt8(ascii: "V")
        ? Field(code: field.code, text: severity) : field
    }
  }
}
