import Logging
import PoolCore
import PostgresWire

// Several pools behind one address: a CancelRequest comes in anywhere, and its number says whose client it means.

extension PoolLoop {
  /// Passes a cancel on to the pool whose client it means; that one closes the connection once it has done its work.
  /// False when no such pool is known, or too many cancels are on their way already.
  mutating func passOn(_ processID: UInt32, _ key: [UInt8], from asker: Token) -> Bool {
    guard let peer = settings.peers.first(where: { $0.id == clientNumbers.pool(of: processID) }),
      cancelsPassedOn < Self.mostPassedOn
    else { return false }
    cancelsPassedOn += 1
    var writer = MessageWriter(reservingCapacity: 64)
    writer.cancelRequest(processID: processID, key: CancelHop.marked(key))
    let request = writer.bytes
    let mailbox = self.mailbox
    // Its name may stand for another address every time.
    startThread {
      let found = try? SocketAddress.resolve(host: peer.host, port: peer.port)
      mailbox.post(.peerResolved(found ?? [], request, asker))
    }
    return true
  }

  /// Cancels for other pools' clients at once: names are looked up on threads.
  private static var mostPassedOn: Int { 64 }

  /// The peer's address is known.
  mutating func peerResolved(_ addresses: [SocketAddress], _ request: [UInt8], _ asker: Token) {
    cancelsPassedOn -= 1
    let number = nextCancel
    nextCancel += 1
    guard cancels.count < Self.mostCancels, let socket = try? addresses.first?.connect() else {
      return endAsker(asker)
    }
    guard (try? poller.add(socket.fd, token: Token(.cancel, number).raw, writable: true)) != nil else {
      socket.close()
      return endAsker(asker)
    }
    counters.cancelsPassedOn += 1
    cancels[number] = CancelJob(
      fd: socket.fd, backend: nil, request: request, asker: asker,
      deadline: now.advanced(byMilliseconds: 5_000))
  }

  /// Closes the connection of who asked for a cancel, which is how it learns that it is done.
  mutating func endAsker(_ asker: Token) {
    guard clients[asker.index].phase == .closing,
      clients[asker.index].generation & 0xFFF_FFFF == asker.generation
    else { return }
    closeClient(asker.index)
  }
}
