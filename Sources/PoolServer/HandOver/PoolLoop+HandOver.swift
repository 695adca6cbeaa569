import CLinux
import Glibc
import Logging
import PoolCore

/// The hand-over that this process has begun.
struct HandOver {
  let process: Int64
  let channel: HandOverChannel
  /// Until when the new process must be ready.
  let deadline: Instant
  /// It takes clients, and this process ends.
  var isReady = false
  /// What it was told last.
  var toldOpen = -1
}

/// What the loop needs of the process around it to hand over.
struct HandOverMeans: Sendable {
  let successor: Successor
  /// Frees the port for probes, off the loop, and then calls the closure.
  let freeProbes: @Sendable (@escaping @Sendable () -> Void) -> Void
  /// Takes the port back.
  let serveProbes: @Sendable () -> Void
}

// SIGUSR2: a new process of the same command line takes the listening sockets, and this one ends its transactions.

extension PoolLoop {
  mutating func startHandOver() {
    guard let means else { return logger.error("SIGUSR2: there is no command line to start again") }
    guard getpid() != 1 else {
      return logger.error(
        "SIGUSR2: refused, since a container ends with its process 1",
        metadata: ["hint": "start another container beside this one, then end this one by SIGTERM"])
    }
    guard handOver == nil, !drain.isDraining, !console.isLeaving else {
      return logger.warning("SIGUSR2: the pool hands over or ends already")
    }
    guard predecessor == nil else {
      return logger.warning(
        "SIGUSR2: the process before this one still ends its transactions; try again then")
    }
    var (ours, theirs): (Int32, Int32) = (-1, -1)
    let code = clinux_message_pair(&ours, &theirs)
    guard code == 0 else { return handOverFailed(SystemError(call: "socketpair", code: code).reason) }
    let channel = HandOverChannel(fd: ours)
    do throws(SystemError) {
      defer { close(theirs) }
      try poller.addLevel(ours, token: Token(.handOver, 0).raw)
      let process = try means.successor.start(
        [theirs] + listeners.map(\.socket.fd), named: ["channel"] + listeners.map(\.key))
      handOver = HandOver(
        process: process, channel: channel, deadline: now.advanced(byMilliseconds: Self.handOverPatience))
      logger.notice("SIGUSR2: a new process takes over", metadata: ["pid": "\(process)"])
    } catch {
      poller.remove(ours)
      close(ours)
      handOverFailed("\(error.call): \(error.reason)")
    }
  }

  /// How long the new process may take to be ready. Milliseconds.
  private static var handOverPatience: UInt64 { 30_000 }

  private mutating func handOverFailed(_ reason: String) {
    logger.error("cannot hand over: \(reason); this process goes on")
    abandonHandOver()
  }

  /// The new process is not wanted any more, or is of no use.
  mutating func abandonHandOver() {
    guard let given = handOver else { return }
    handOver = nil
    poller.remove(given.channel.fd)
    close(given.channel.fd)
    kill(pid_t(given.process), SIGKILL)
    for _ in 0..<100 where clinux_has_ended(given.process) == 0 { usleep(1_000) }
    means?.serveProbes()
  }

  /// The other process has said something.
  mutating func handOverSpoke() {
    if predecessor != nil { return predecessorSpoke() }
    guard let given = handOver else { return }
    switch given.channel.receive() {
    case .nothing: return
    case .ended:
      if given.isReady {
        logger.error("the new process has ended before this one")
        poller.remove(given.channel.fd)
        handOver = nil
      } else {
        handOverFailed("the new process ended before it was ready; its log says why")
      }
    case .word(.bound, _):
      let mailbox = self.mailbox
      means?.freeProbes { mailbox.post(.probesFree) }
    case .word(.ready, _):
      handOver?.isReady = true
      ServiceNotice.passed(to: Int(given.process)).send()
      logger.notice("the new process takes clients; this one ends its transactions")
      for index in listeners.indices { listeners[index].path = nil }
      tellProofs(given.channel)
      startDraining(handingOverTo: given.channel)
      for index in 0..<backends.used where backends[index].phase == .serving && pool.isIdle(BackendID(index))
      {
        closeBackend(index)
      }
      tellOpen()
    case .word: return
    }
  }

  /// What the process that takes over needs the places of.
  mutating func closeIdleBackends() {
    for index in 0..<backends.used where backends[index].phase == .serving && pool.isIdle(BackendID(index)) {
      closeBackend(index)
    }
  }

  /// Keys that clients have proved for stored verifiers: without them the new process could enter the server for nobody
  /// before a client logs in anew.
  private func tellProofs(_ channel: HandOverChannel) {
    for (account, clientKey) in identities.accounts.proofs {
      _ = channel.send(.proof(account: account, clientKey: clientKey), waiting: 100)
    }
  }

  /// A key that the process before this one has.
  mutating func learnProof(_ account: [UInt8], _ clientKey: [UInt8]) {
    identities.accounts[account]?.learn(clientKey)
  }

  /// The new process may have as many backends as this one has closed.
  mutating func tellOpen() {
    guard let given = handOver, given.isReady else { return }
    let count = isShared ? team.placesTaken : pool.openCount
    guard count != given.toldOpen, given.channel.send(.open(count, cap: cap)) == .sent else {
      return
    }
    handOver?.toldOpen = count
  }

  /// Twice a second.
  mutating func watchHandOver() {
    guard let given = handOver else { return }
    tellOpen()
    if !given.isReady, now >= given.deadline {
      handOverFailed("the new process was not ready within \(Self.handOverPatience / 1_000) s")
    }
  }

  // MARK: The new process

  /// The process before this one has all places of the cap until it says otherwise.
  mutating func follow(_ channel: HandOverChannel) throws(SystemError) {
    try poller.addLevel(channel.fd, token: Token(.handOver, 0).raw)
    predecessor = channel
    placesElsewhere(1 << 20)
  }

  private mutating func predecessorSpoke() {
    while let channel = predecessor {
      switch channel.receive() {
      case .nothing: return
      case .ended:
        predecessor = nil
        poller.remove(channel.fd)
        close(channel.fd)
        placesElsewhere(0)
        logger.notice("the process before this one has ended")
      case .word(.open(let count, let cap), _):
        // The server has told the other process what it has not told this one yet.
        if limitIsFromServer, !(server.wasReached || team.isReached) { capBecame(cap) }
        placesElsewhere(count)
      case .word(.client(let bytes), let descriptor?):
        guard let passage = ClientPassage(bytes) else {
          close(descriptor)
          continue
        }
        // Its cancels come to the loop that its number names.
        let loop = clientNumbers.place(of: passage.number) / clients.capacity
        if isShared, loop != number, loop < team.count {
          team.clientJoined(loop)
          team.post(.inherited(passage, fd: descriptor), to: loop)
        } else {
          if isShared { team.clientJoined(number) }
          inherit(passage, descriptor)
        }
      case .word(.proof(let account, let clientKey), _):
        learnProof(account, clientKey)
        team.postToOthers(.proved(account: account, clientKey: clientKey), than: number)
      case .word(_, let descriptor):
        if let descriptor { close(descriptor) }
      }
    }
  }

  /// So many places of the cap are still the other process's.
  private mutating func placesElsewhere(_ count: Int) {
    if isShared { team.placesElsewhere(count) } else { pool.placesElsewhere = count }
    openForWaiters()
    if isShared { team.postToOthers(.placesFree, than: number) }
  }
}
