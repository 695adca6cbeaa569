import Glibc
import PoolCore

// Sending to backends.

extension PoolLoop {
  /// To a backend; what it does not take is kept, and its client is not read until it has.
  mutating func sendToBackend(_ index: Int, _ base: UnsafeRawPointer, _ count: Int) {
    guard count > 0 else { return }
    counters.bytesToServer &+= UInt64(count)
    let client = backends[index].client
    if client < clients.used { work[clients[Int(client)].identity].bytesReceived &+= UInt64(count) }
    if let tls = backends[index].tls {
      tls.write(base, count: count)
      return sendEncrypted(backend: index)
    }
    sendAsIs(backend: index, base, count)
  }

  /// Plain bytes, or what TLS has made of them.
  mutating func sendAsIs(backend index: Int, _ base: UnsafeRawPointer, _ count: Int) {
    if usesRing, queueSend(backend: index, base, count) { return }
    var sent = 0
    if backends[index].outgoing.isEmpty {
      switch Socket(fd: backends[index].fd).write(base, count: count) {
      case .bytes(let taken): sent = taken
      case .wouldBlock: break
      // The read side tells what became of it.
      case .closed: sent = count
      }
    }
    guard sent < count else { return }
    keepUnsent(backend: index, base + sent, count - sent)
  }

  mutating func sendToBackend(_ index: Int, _ bytes: [UInt8]) {
    bytes.withUnsafeBytes { raw in
      if let base = raw.baseAddress { sendToBackend(index, base, raw.count) }
    }
  }

  mutating func flushBackend(_ index: Int) {
    let bytes = backends[index].outgoing.bytes
    guard let base = bytes.baseAddress else { return }
    switch Socket(fd: backends[index].fd).write(base, count: bytes.count) {
    case .bytes(let taken): backends[index].outgoing.consume(taken)
    case .wouldBlock: return
    case .closed: backends[index].outgoing.free()
    }
    guard backends[index].outgoing.isEmpty else { return }
    wantWritable(backend: index, false)
    let client = Int(backends[index].client)
    guard backends[index].client != ClientID.none.index, clients[client].blockedByBackend else { return }
    clients[client].blockedByBackend = false
    if clients[client].mayRead || clients[client].hungUp { readLater(client: client) }
    // A COPY that failed early is answered before the server has taken the rest of its data.
    if clients[client].phase == .active, sessions.isSettled(index) {
      transactionMayHaveEnded(index)
    }
  }

  /// Unix sockets are asked for writability only while something waits to be written.
  mutating func wantWritable(backend index: Int, _ wants: Bool) {
    if usesRing, backendLinks.isPlain(index) { return backendLinks.wantRoom(index, wants, poller) }
    guard backends[index].isUnix, backends[index].wantsOut != wants else { return }
    backends[index].wantsOut = wants
    let token = Token(.backend, index, generation: backends[index].generation)
    poller.modify(backends[index].fd, token: token.raw, writable: wants)
  }
}
