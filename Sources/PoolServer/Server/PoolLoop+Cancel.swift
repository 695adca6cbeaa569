import Glibc
import PoolCore
import PostgresWire

/// A CancelRequest on its way to the server. Its backend goes to nobody else until the server has closed this
/// connection, and so has sent its signal.
struct CancelJob {
  let fd: Int32
  /// Whose query is cancelled; `nil` when it is for a client of another pool.
  var backend: Int?
  var generation: UInt32 = 0
  let request: [UInt8]
  /// Where the backend is.
  var server: ServerAddress?
  /// Over TLS, as the backend it is for.
  var isEncrypted = false
  var hasAskedForTLS = false
  var tls: TLSChannel?
  /// Whose connection is closed once the signal is sent, which is how it learns of that.
  var asker: Token?
  /// The same, where it came in at another loop.
  var remoteAsker: RemoteAsker?
  var isSent = false
  var deadline: Instant
}

extension PoolLoop {
  /// A client asks for another's query to be cancelled. A wrong key is met with silence, as PostgreSQL does.
  /// The asker's connection ends when the cancel has done its work: what is asked for after that must not be hit.
  mutating func cancelRequested(processID: UInt32, key: [UInt8], by asker: Int) {
    let token = Token(.client, asker, generation: clients[asker].generation)
    let (key, isPassedOn) = CancelHop.read(key)
    if clientNumbers.pool(of: processID) == clientNumbers.pool {
      let loop = clientNumbers.place(of: processID) / clients.capacity
      guard loop == number || loop >= team.count else {
        let asker = RemoteAsker(loop: number, token: token)
        team.post(.cancel(processID: processID, key: key, asker), to: loop)
        return awaitCancel(asker.token.index)
      }
      guard let number = startCancel(processID: processID, key: key) else { return closeClient(asker) }
      cancels[number]?.asker = token
    } else if isPassedOn || !passOn(processID, key, from: token) {
      return closeClient(asker)
    }
    awaitCancel(asker)
  }

  /// The asker's connection ends with the cancel, or when that takes too long.
  private mutating func awaitCancel(_ asker: Int) {
    clients[asker].phase = .closing
    clientTimers.set(asker, now.advanced(byMilliseconds: 5_000))
  }

  /// Answers the number of the cancel that is on its way now, if any is.
  mutating func startCancel(processID: UInt32, key: [UInt8]) -> Int? {
    let index =
      inheritedNumbers[processID] ?? clientNumbers.place(of: processID) - number * clients.capacity
    guard index >= 0, index < clients.used, clients[index].phase != .absent,
      clients[index].number == processID,
      isSecret(key, of: index)
    else { return nil }
    switch clients[index].phase {
    case .waiting:
      failWaiting(
        index,
        ErrorFields(
          severity: .error, sqlState: "57014", message: "canceling statement due to user request",
          detail: "It was still waiting for a database connection."))
      return nil
    case .active:
      let backend = Int(clients[index].backend)
      // What the pool asks for its own sake is not the client's to cancel.
      return sessions.backends[backend].ledger.owesClient ? cancelQuery(backend) : nil
    case .replicating: return cancelQuery(Int(clients[index].backend))
    case .console:
      cancelConsole(index)
      return nil
    case .absent, .startup, .authenticating, .checking, .idle, .closing: return nil
    }
  }

  private func isSecret(_ key: [UInt8], of client: Int) -> Bool {
    let secret = cancelSecret(of: client)
    guard key.count == secret.count else { return false }
    var difference: UInt8 = 0
    for place in secret.indices { difference |= secret[place] ^ key[place] }
    return difference == 0
  }

  /// What a cancel of the client's queries must show: 4 bytes, of protocol 3.2 as many as PostgreSQL 18's.
  func cancelSecret(of client: Int) -> [UInt8] {
    if let long = longSecrets[client] { return long }
    let secret = clients[client].secret
    return (0..<4).map { UInt8(truncatingIfNeeded: secret >> UInt32(24 - 8 * $0)) }
  }

  /// Cancels on their way at once; more are dropped, as by a server that is too busy.
  static var mostCancels: Int { 256 }

  /// Asks the server to cancel what the backend runs. Answers the cancel's number, unless there are too many.
  @discardableResult
  mutating func cancelQuery(_ backend: Int) -> Int? {
    guard let key = backendKeys[backend], backends[backend].cancelsInFlight < 4,
      cancels.count < Self.mostCancels, Int(backends[backend].address) < server.known.count
    else { return nil }
    let place = server.known[Int(backends[backend].address)]
    guard let socket = try? place.address.connect() else { return nil }
    var writer = MessageWriter(reservingCapacity: 32)
    writer.cancelRequest(processID: backends[backend].processID, key: key)
    let number = nextCancel
    nextCancel += 1
    guard (try? poller.add(socket.fd, token: Token(.cancel, number).raw, writable: true)) != nil else {
      socket.close()
      return nil
    }
    counters.cancelsForwarded += 1
    backends[backend].cancelsInFlight += 1
    cancels[number] = CancelJob(
      fd: socket.fd, backend: backend, generation: backends[backend].generation, request: writer.bytes,
      server: place, isEncrypted: backends[backend].isEncrypted, deadline: now.advanced(byMilliseconds: 5_000)
    )
    return number
  }

  mutating func cancelEvent(_ number: Int, _ event: Readiness) {
    guard let job = cancels[number] else { return }
    let socket = Socket(fd: job.fd)
    if job.isEncrypted, !job.isSent {
      encryptCancel(number, event)
      guard cancels[number]?.isSent == true else { return }
    } else if !job.isSent, event.isWritable {
      if socket.pendingError != 0 || socket.write(job.request) == .closed { return cancelEnded(number) }
      cancels[number]?.isSent = true
    }
    if event.isReadable || event.isHangup {
      // The server says nothing; it closes once the signal is sent.
      while case .bytes = socket.read(into: scratch, count: Self.scratchSize) {}
      if socket.read(into: scratch, count: 1) == .closed { cancelEnded(number) }
    }
  }

  /// Asks for TLS, shakes hands, and sends the request; what fails ends it, since a plain one would show the key.
  private mutating func encryptCancel(_ number: Int, _ event: Readiness) {
    guard let job = cancels[number], let target = job.server?.target, let context = job.server?.tls else {
      return cancelEnded(number)
    }
    let socket = Socket(fd: job.fd)
    guard let tls = job.tls else {
      if !job.hasAskedForTLS {
        guard event.isWritable else { return }
        guard socket.pendingError == 0 else { return cancelEnded(number) }
        cancels[number]?.hasAskedForTLS = true
        if !target.isDirect {
          var writer = MessageWriter(reservingCapacity: 8)
          writer.sslRequest()
          if socket.write(writer.bytes) != .bytes(8) { cancelEnded(number) }
          return
        }
      } else {
        switch socket.read(into: scratch, count: 2) {
        case .bytes(1) where scratch.load(as: UInt8.self) == UInt8(ascii: "S"): break
        case .wouldBlock: return
        case .bytes, .closed: return cancelEnded(number)
        }
      }
      guard let tls = TLSChannel(context, fd: job.fd, output: encrypted) else { return cancelEnded(number) }
      cancels[number]?.tls = tls
      return shakeHands(number, tls)
    }
    shakeHands(number, tls)
  }

  private mutating func shakeHands(_ number: Int, _ tls: TLSChannel) {
    guard let job = cancels[number] else { return }
    let state = tls.handshake()
    let isTrusted =
      job.server?.target.encryption != .verifyFull || state != .done
      || job.server.map { tls.peerIs($0.target.certificateHost) } == true
    if state == .done, isTrusted {
      job.request.withUnsafeBytes { raw in
        if let base = raw.baseAddress { tls.write(base, count: raw.count) }
      }
    }
    let buffer = encrypted.buffer
    let count = buffer.pointee.count
    let isTaken = count == 0 || Socket(fd: job.fd).write(buffer.pointee.base, count: count) == .bytes(count)
    buffer.pointee.removeAll()
    switch state {
    case .done where isTaken && isTrusted: cancels[number]?.isSent = true
    case .wouldBlock where isTaken: return
    case .done, .wouldBlock, .failed: cancelEnded(number)
    }
  }

  mutating func cancelEnded(_ number: Int) {
    guard let job = cancels.removeValue(forKey: number) else { return }
    poller.remove(job.fd)
    close(job.fd)
    job.tls?.free()
    if let asker = job.asker { endAsker(asker) }
    if let asker = job.remoteAsker { team.post(.cancelDone(asker.token), to: asker.loop) }
    guard let backend = job.backend, backends[backend].phase != .absent,
      backends[backend].generation == job.generation
    else { return }
    backends[backend].cancelsInFlight -= 1
    recoverFurther(backend)
  }

  /// Cancels that the server never took are forgotten, so that their backends are not held for ever.
  mutating func expireCancels() {
    for number in cancels.filter({ $0.value.deadline <= now }).keys { cancelEnded(number) }
  }

  /// A cancel that overtook its query found nothing to cancel: where the client has left, or the backend is to end, it is
  /// asked for again.
  mutating func repeatCancels() {
    for index in 0..<backends.used
    where (backends[index].phase == .recovering || backends[index].phase == .closing)
      && backends[index].cancelsInFlight == 0 && index < sessions.backends.count
      && !sessions.owesNothing(index)
    { cancelQuery(index) }
  }
}
