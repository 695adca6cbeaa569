import Glibc
import PoolCore

// Sending to clients.

extension PoolLoop {
  /// What the client does not take is kept, and its backend is not read until it has.
  mutating func sendToClient(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) {
    guard count > 0, clients[index].phase != .absent else { return }
    counters.bytesToClients &+= UInt64(count)
    if clients[index].phase == .active { work[clients[index].identity].bytesSent &+= UInt64(count) }
    if let tls = clients[index].tls {
      tls.write(base, count: count)
      return sendEncrypted(client: index)
    }
    sendAsIs(client: index, base, count)
  }

  /// Plain bytes, or what TLS has made of them.
  mutating func sendAsIs(client index: Int, _ base: UnsafeRawPointer, _ count: Int) {
    if usesRing, queueSend(client: index, base, count) { return }
    var sent = 0
    if clients[index].outgoing.isEmpty {
      switch Socket(fd: clients[index].fd).write(base, count: count) {
      case .bytes(let taken): sent = taken
      case .wouldBlock: break
      // Its read side tells that it has gone.
      case .closed: sent = count
      }
    }
    guard sent < count else { return }
    keepUnsent(client: index, base + sent, count - sent)
  }

  mutating func sendToClient(_ index: Int, _ bytes: [UInt8]) {
    bytes.withUnsafeBytes { raw in
      if let base = raw.baseAddress { sendToClient(index, base, raw.count) }
    }
  }

  mutating func flushClient(_ index: Int) {
    let bytes = clients[index].outgoing.bytes
    guard let base = bytes.baseAddress else { return }
    switch Socket(fd: clients[index].fd).write(base, count: bytes.count) {
    case .bytes(let taken): clients[index].outgoing.consume(taken)
    case .wouldBlock: return
    case .closed: clients[index].outgoing.free()
    }
    guard clients[index].outgoing.isEmpty else { return }
    wantWritable(client: index, false)
    if clients[index].phase == .closing { return closeClient(index) }
    if clients[index].phase == .idle, !notices.isEmpty { deliverNotices(index) }
    if clients[index].phase == .idle || clients[index].phase == .console,
      clients[index].mayRead || clients[index].hungUp
    {
      readLater(client: index)
    }
    let backend = Int(clients[index].backend)
    guard clients[index].backend != BackendID.none.index, backends[backend].readPaused else { return }
    backends[backend].readPaused = false
    if backends[backend].mayRead { readLater(backend: backend) }
  }

  mutating func wantWritable(client index: Int, _ wants: Bool) {
    if usesRing, clientLinks.isPlain(index) { return clientLinks.wantRoom(index, wants, poller) }
    guard clients[index].isUnix, clients[index].wantsOut != wants else { return }
    clients[index].wantsOut = wants
    let token = Token(.client, index, generation: clients[index].generation)
    poller.modify(clients[index].fd, token: token.raw, writable: wants)
  }
}
