import CLinux
import Glibc
import PoolServer
import PostgresWire

/// Thousands of clients on one thread: moves bytes between their sockets and their machines. What the clients
/// are to do is decided elsewhere, by looking at ``events`` after each turn.
struct ClientLoop: ~Copyable {
  /// Where one client is.
  private enum Phase {
    /// → `connecting`
    case unopened
    /// → `open` when the socket says that it is connected, else `closed`.
    case connecting
    /// → `closed`
    case open
    case closed
  }

  private struct Connection {
    var client: LoadClient
    var phase = Phase.unopened
    var isLoggedIn = false
    var socket = Socket(fd: -1)
    /// A message of which the rest is still to come; empty nearly always.
    var incoming: [UInt8] = []
    /// What the socket did not take; empty nearly always.
    var unsent: [UInt8] = []
  }

  private let poller: Poller
  private let target: LoadTarget
  private var connections: [Connection]
  private var kit: LoadClientKit
  private var scratch = [UInt8](repeating: 0, count: 65_536)
  private var out = MessageWriter(reservingCapacity: 4096)
  private var nextToOpen = 0
  private var opening = 0

  /// Clients that are logged in.
  private(set) var connected = 0
  /// What the last turn brought, by client.
  private(set) var events: [(client: Int, event: LoadClientEvent)] = []

  /// - Throws: ``SystemError`` when the kernel has no descriptor left.
  init(_ target: LoadTarget, kit: LoadClientKit, styles: [LoadProtocol]) throws(SystemError) {
    poller = try Poller()
    self.target = target
    self.kit = kit
    connections = styles.map { Connection(client: LoadClient(style: $0, nonce: Self.nonce())) }
  }

  deinit {
    for connection in connections where connection.socket.fd >= 0 { connection.socket.close() }
  }

  private static func nonce() -> String {
    secureRandomBytes(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }

  /// Whether a client is still on its way in.
  var isConnecting: Bool { opening > 0 || nextToOpen < connections.count }

  func isIdle(_ client: Int) -> Bool {
    connections[client].phase == .open && connections[client].client.isIdle
  }

  /// The request that a client waits for, or waited for when its connection was lost.
  func pending(_ client: Int) -> StorefrontRequest? { connections[client].client.pending }

  // MARK: - What clients are told to do

  /// Starts logins until `limit` are under way.
  private mutating func open(atOnce limit: Int) {
    while opening < limit, nextToOpen < connections.count {
      do throws(SystemError) {
        let socket = try target.address.connect()
        connections[nextToOpen].socket = socket
        connections[nextToOpen].phase = .connecting
        opening += 1
        try poller.add(socket.fd, token: UInt64(nextToOpen), writable: true)
      } catch {
        // A full queue of a Unix socket: those that are under way will make room.
        if error.code == EAGAIN, opening > 0 { return }
        fail(nextToOpen, "\(error.call): \(error.reason)")
      }
      nextToOpen += 1
    }
  }

  /// Sends a request of an idle client.
  mutating func start(_ request: StorefrontRequest) {
    connections[request.client].client.start(request, kit: &kit, out: &out)
    send(request.client)
  }

  /// Says goodbye, so that the server does not wonder.
  mutating func terminateAll() {
    for client in connections.indices where connections[client].phase == .open {
      out.terminate()
      send(client)
      close(client)
    }
  }

  // MARK: - What happens

  /// Keeps so many logins under way, waits for sockets, at most so long, and moves their bytes. Then
  /// ``events`` holds what came of it.
  mutating func turn(milliseconds: Int32, loginsAtOnce: Int = 0) {
    events.removeAll(keepingCapacity: true)
    open(atOnce: loginsAtOnce)
    for index in 0..<poller.wait(milliseconds: milliseconds) {
      let event = poller.event(index)
      let client = Int(event.token)
      switch connections[client].phase {
      case .connecting: connectDecided(client)
      case .open: break
      case .unopened, .closed: continue
      }
      if event.isWritable, !connections[client].unsent.isEmpty { sendRest(client) }
      if event.isReadable || event.isHangup { receive(client, untilEnd: event.isHangup) }
    }
  }

  private mutating func connectDecided(_ client: Int) {
    let socket = connections[client].socket
    // Asking takes the error away, so it is asked once.
    let error = socket.pendingError
    guard error == 0 else { return fail(client, "connect: \(String(cString: strerror(error)))") }
    connections[client].phase = .open
    poller.modify(socket.fd, token: UInt64(client), writable: false)
    LoadClient.startup(user: target.user, database: target.database, out: &out)
    send(client)
  }

  private mutating func receive(_ client: Int, untilEnd: Bool) {
    while connections[client].phase == .open {
      switch connections[client].socket.read(into: &scratch) {
      case .bytes(let count):
        take(client, count)
        // A short read has drained the socket; only the end may stand behind it.
        if count < scratch.count, !untilEnd { return }
      case .wouldBlock: return
      case .closed: return fail(client, "the server closed the connection")
      }
    }
  }

  /// Feeds the first `count` bytes of the scratch, behind what was kept of an incomplete message.
  private mutating func take(_ client: Int, _ count: Int) {
    if connections[client].incoming.isEmpty {
      // Taken out while it is walked, so that nothing is copied.
      var bytes: [UInt8] = []
      swap(&bytes, &scratch)
      let used = walk(client, bytes.span.extracting(0..<count))
      if used < count { connections[client].incoming = Array(bytes[used..<count]) }
      swap(&bytes, &scratch)
    } else {
      var bytes: [UInt8] = []
      swap(&bytes, &connections[client].incoming)
      bytes.append(contentsOf: scratch[..<count])
      let used = walk(client, bytes.span)
      if used < bytes.count {
        bytes.removeFirst(used)
        connections[client].incoming = bytes
      }
    }
    send(client)
  }

  /// Shows the machine every complete frame. Returns the bytes that they take.
  private mutating func walk(_ client: Int, _ bytes: Span<UInt8>) -> Int {
    var position = 0
    while connections[client].phase == .open {
      guard case .frame(let header) = FrameHeader.read(in: bytes, at: position) else {
        if FrameHeader.read(in: bytes, at: position) == .malformed {
          fail(client, "what the server sent is not the protocol")
        }
        return position
      }
      guard header.length <= bytes.count - position else { return position }
      let event = connections[client].client.received(header, in: bytes, at: position, kit: &kit, out: &out)
      position += header.length
      switch event {
      case .none: break
      case .loggedIn:
        connections[client].isLoggedIn = true
        opening -= 1
        connected += 1
        events.append((client, event))
      case .finished: events.append((client, event))
      case .lost(let error): drop(client, error)
      }
    }
    return position
  }

  // MARK: - Sending

  /// Sends what was written to `out`.
  private mutating func send(_ client: Int) {
    guard !out.bytes.isEmpty else { return }
    defer { out.bytes.removeAll(keepingCapacity: true) }
    guard connections[client].phase == .open else { return }
    guard connections[client].unsent.isEmpty else { return connections[client].unsent += out.bytes }
    var sent = 0
    if case .bytes(let count) = connections[client].socket.write(out.bytes) { sent = count }
    // A broken connection shows when it is read.
    guard sent < out.bytes.count else { return }
    connections[client].unsent = Array(out.bytes[sent...])
    poller.modify(connections[client].socket.fd, token: UInt64(client), writable: true)
  }

  private mutating func sendRest(_ client: Int) {
    guard case .bytes(let count) = connections[client].socket.write(connections[client].unsent) else {
      return
    }
    connections[client].unsent.removeFirst(count)
    if connections[client].unsent.isEmpty {
      poller.modify(connections[client].socket.fd, token: UInt64(client), writable: false)
    }
  }

  // MARK: - The end

  private mutating func fail(_ client: Int, _ how: String) {
    drop(client, connections[client].client.connectionLost(how))
  }

  private mutating func drop(_ client: Int, _ error: LoadError) {
    if connections[client].isLoggedIn {
      connected -= 1
    } else if connections[client].phase != .unopened {
      opening -= 1
    }
    close(client)
    events.append((client, .lost(error)))
  }

  private mutating func close(_ client: Int) {
    if connections[client].socket.fd >= 0 { connections[client].socket.close() }
    connections[client].socket = Socket(fd: -1)
    connections[client].phase = .closed
  }
}
