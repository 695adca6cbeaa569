import Glibc
import PoolCore
import PostgresWire

/// A CancelRequest on its way to the server. Its backend goes to nobody else until the server has closed this
/// connection, and so has sent its signal.
struct CancelJob {
  let fd: Int32
  let backend: Int
  let generation: UInt32
  let request: [UInt8]
  /// Whose connection is closed once the signal is sent, which is how it learns of that.
  var asker: Token?
  var isSent = false
  var deadline: Instant
}

extension PoolLoop {
  /// A client asks for another's query to be cancelled. A wrong key is met with silence, as PostgreSQL does.
  /// The asker's connection ends when the cancel has done its work: what is asked for after that must not be hit.
  mutating func cancelRequested(processID: UInt32, key: [UInt8], by asker: Int) {
    guard let number = startCancel(processID: processID, key: key) else { return closeClient(asker) }
    let token = Token(.client, asker, generation: clients[asker].generation)
    cancels[number]?.asker = token
    clients[asker].phase = .closing
    clientTimers.set(asker, now.advanced(byMilliseconds: 5_000))
  }

  /// Answers the number of the cancel that is on its way now, if any is.
  private mutating func startCancel(processID: UInt32, key: [UInt8]) -> Int? {
    let index = Int(processID) - 1
    guard index >= 0, index < clients.used, clients[index].phase != .absent, key.count == 4 else {
      return nil
    }
    let secret = key.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard secret == clients[index].secret else { return nil }
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
      return sessions.backends[backend].ledger.owesNothing ? nil : cancelQuery(backend)
    case .absent, .startup, .authenticating, .checking, .idle, .closing: return nil
    }
  }

  /// Asks the server to cancel what the backend runs. Answers the cancel's number, unless there are too many.
  @discardableResult
  mutating func cancelQuery(_ backend: Int) -> Int? {
    guard let key = backendKeys[backend], backends[backend].cancelsInFlight < 4, cancels.count < 256,
      !server.addresses.isEmpty
    else { return nil }
    let address = server.addresses[Int(backends[backend].address) % server.addresses.count]
    guard let socket = try? address.connect() else { return nil }
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
      deadline: now.advanced(byMilliseconds: 5_000))
    return number
  }

  mutating func cancelEvent(_ number: Int, _ event: Readiness) {
    guard let job = cancels[number] else { return }
    let socket = Socket(fd: job.fd)
    if !job.isSent, event.isWritable {
      if socket.pendingError != 0 || socket.write(job.request) == .closed { return cancelEnded(number) }
      cancels[number]?.isSent = true
    }
    if event.isReadable || event.isHangup {
      // The server says nothing; it closes once the signal is sent.
      var byte: UInt8 = 0
      switch recv(job.fd, &byte, 1, 0) {
      case 0: cancelEnded(number)
      case ..<0 where errno != EAGAIN && errno != EINTR: cancelEnded(number)
      default: break
      }
    }
  }

  mutating func cancelEnded(_ number: Int) {
    guard let job = cancels.removeValue(forKey: number) else { return }
    poller.remove(job.fd)
    close(job.fd)
    if let asker = job.asker, clients[asker.index].phase == .closing,
      clients[asker.index].generation & 0xFFF_FFFF == asker.generation
    {
      closeClient(asker.index)
    }
    guard backends[job.backend].phase != .absent, backends[job.backend].generation == job.generation else {
      return
    }
    backends[job.backend].cancelsInFlight -= 1
    recoverFurther(job.backend)
  }

  /// Cancels that the server never took are forgotten, so that their backends are not held for ever.
  mutating func expireCancels() {
    for number in cancels.filter({ $0.value.deadline <= now }).keys { cancelEnded(number) }
  }

  /// A cancel that overtook its query found nothing to cancel: whose client has left is asked for again.
  mutating func repeatCancels() {
    for index in 0..<backends.used
    where backends[index].phase == .recovering && backends[index].cancelsInFlight == 0
      && !sessions.backends[index].ledger.owesNothing
    { cancelQuery(index) }
  }
}
