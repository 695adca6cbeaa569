import PoolCore
import PostgresWire

/// Clients and model servers with `Sessions` between them, driven one event at a time. Beside each client runs a
/// server of its own that gets the same messages directly: what the client sees must be the same.
struct ModelPool {
  struct Client {
    var oracle: ModelServer
    var frames: [[UInt8]] = []
    var backend: BackendID = .none
    var received: [ModelReply] = []
    var expected: [ModelReply] = []
    var isLooking = false
  }

  var sessions: Sessions
  var clients: [Client] = []
  var servers: [ModelServer] = []
  /// What went wrong, in words.
  var faults: [String] = []
  /// How often a front was put before a client's bytes.
  var fronts = 0

  init(backends: Int, maxStatements: Int = 100) {
    sessions = Sessions(seed: 1, maxStatements: maxStatements)
    for index in 0..<backends { connect(BackendID(index)) }
  }

  mutating func connect(_ backend: BackendID) {
    var server = ModelServer()
    server.inbox = Front.preparation() + frame { $0.sync() }
    if Int(backend.index) < servers.count {
      servers[Int(backend.index)] = server
    } else {
      servers.append(server)
    }
    sessions.backendArrived(backend)
    settle(backend)
  }

  @discardableResult
  mutating func arrive(_ startup: [String: String] = [:], as number: Int? = nil) -> ClientID {
    let client = ClientID(number ?? clients.count)
    var image = SettingsImage()
    for (name, value) in startup { image.set(name, Array(value.utf8)) }
    let id = sessions.images.retain(image)
    sessions.clientArrived(client, startup: id)
    sessions.images.release(id)
    let entry = Client(oracle: ModelServer(startup: startup))
    if Int(client.index) < clients.count { clients[Int(client.index)] = entry } else { clients.append(entry) }
    return client
  }

  /// The client has gone. A backend that it held in the middle of something is closed and comes back fresh.
  mutating func leave(_ client: ClientID) {
    let backend = clients[Int(client.index)].backend
    sessions.clientGone(client)
    clients[Int(client.index)].backend = .none
    guard backend != .none else { return }
    sessions.backendGone(backend)
    connect(backend)
  }

  // MARK: Events

  /// The client writes; its own server gets the same at once.
  mutating func write(_ client: ClientID, _ frames: [[UInt8]]) {
    let index = Int(client.index)
    clients[index].frames += frames
    for frame in frames { clients[index].oracle.inbox += frame }
    while clients[index].oracle.step() {}
    clients[index].expected += clients[index].oracle.outbox
    clients[index].oracle.outbox = []
  }

  /// The client's next frame reaches its backend, which it is given for that if it has none.
  mutating func forward(_ client: ClientID, preferring wanted: BackendID? = nil) -> Bool {
    let index = Int(client.index)
    guard let frame = clients[index].frames.first, !clients[index].isLooking else { return false }
    if clients[index].backend == .none {
      // Data behind a COPY that has failed is nobody's, and needs no backend.
      if frame[0] == FrontendTag.copyData || frame[0] == FrontendTag.copyDone
        || frame[0] == FrontendTag.copyFail
      {
        clients[index].frames.removeFirst()
        return true
      }
      guard let backend = wanted ?? freeBackend else { return false }
      clients[index].backend = backend
      sessions.attach(client, to: backend)
      if !sessions.rewritten.isEmpty { fronts += 1 }
      servers[Int(backend.index)].inbox += sessions.rewritten
    }
    clients[index].frames.removeFirst()
    let backend = clients[index].backend
    guard case .frame(let header) = FrameHeader.read(in: frame.span, at: 0) else { return false }
    switch sessions.clientSends(client, to: backend, header, in: frame.span, at: 0) {
    case .forward: servers[Int(backend.index)].inbox += frame
    case .replace: servers[Int(backend.index)].inbox += sessions.rewritten
    case .replaceHead(let head): servers[Int(backend.index)].inbox += sessions.rewritten + frame[head...]
    case .hold: faults.append("held, though nobody was told a description: \(frame)")
    case .stall:
      clients[index].frames.insert(frame, at: 0)
      return false
    case .incomplete: faults.append("incomplete: \(frame)")
    case .drop: break
    case .malformed: faults.append("malformed: \(frame)")
    }
    check(backend)
    return true
  }

  var freeBackend: BackendID? {
    servers.indices.map { BackendID($0) }.first { backend in clients.allSatisfy { $0.backend != backend } }
  }

  /// The server reads its next message.
  mutating func step(_ backend: BackendID) -> Bool {
    defer { check(backend) }
    return servers[Int(backend.index)].step()
  }

  /// The server's next reply comes back.
  mutating func deliver(_ backend: BackendID) -> Bool {
    let index = Int(backend.index)
    guard !servers[index].outbox.isEmpty else { return false }
    let reply = servers[index].outbox.removeFirst()
    let holder = clients.firstIndex { $0.backend == backend }
    let status =
      reply.tag == BackendTag.readyForQuery
      ? reply.text.utf8.first.flatMap { TransactionStatus(byte: $0) } : nil
    let verdict = sessions.backendSent(backend, reply.tag, status: status)
    switch verdict {
    case .completed:
      if reply.text == "DISCARD ALL" || reply.text == "DEALLOCATE ALL", let holder {
        sessions.statementsDropped(ClientID(holder), backend, discardsAll: reply.text == "DISCARD ALL")
      }
    case .looked(let number):
      let columns = reply.text.split(separator: "|", omittingEmptySubsequences: false).map { Array($0.utf8) }
      sessions.looked(number, columns, on: backend)
    case .frontFailed, .unasked, .violation: faults.append("\(verdict) for \(reply)")
    case .forward, .swallow, .ready, .prepared, .unprepared, .named, .unnamedClosed, .frontDone, .failed,
      .described:
      break
    }
    if verdict.reachesClient {
      if let holder { clients[holder].received.append(reply) } else { faults.append("nobody's: \(reply)") }
    }
    if case .ready = verdict, let holder { ready(ClientID(holder), backend) }
    check(backend)
    return true
  }

  private mutating func ready(_ client: ClientID, _ backend: BackendID) {
    if clients[Int(client.index)].isLooking {
      clients[Int(client.index)].isLooking = false
      sessions.settingsLookedUp(client, backend)
    }
    switch sessions.afterReady(client, backend) {
    case .keep, .lease: return
    case .look:
      clients[Int(client.index)].isLooking = true
      servers[Int(backend.index)].inbox += sessions.rewritten
    case .release: clients[Int(client.index)].backend = .none
    }
  }

  /// The rule above all: settled means that the server has nothing to read, to say or to end.
  private mutating func check(_ backend: BackendID) {
    let settled = sessions.backends[Int(backend.index)].ledger.isSettled
    if settled, !servers[Int(backend.index)].isAtRest { faults.append("settled too early: \(backend)") }
  }

  mutating func settle(_ backend: BackendID) { while step(backend) || deliver(backend) {} }

  /// Runs all that is under way to its end.
  mutating func settleAll() {
    var moved = true
    while moved {
      moved = false
      for index in clients.indices { while forward(ClientID(index)) { moved = true } }
      for index in servers.indices {
        while step(BackendID(index)) || deliver(BackendID(index)) { moved = true }
      }
    }
  }

  /// Writes, runs all to its end, answers what came for this.
  mutating func ask(_ client: ClientID, on backend: BackendID? = nil, _ frames: [UInt8]...) -> [String] {
    let before = clients[Int(client.index)].received.count
    write(client, frames)
    while forward(client, preferring: backend) {}
    settleAll()
    return clients[Int(client.index)].received[before...].map(\.description)
  }
}

extension ReplyVerdict {
  /// Whether the message goes to the client.
  var reachesClient: Bool {
    switch self {
    case .forward, .completed, .named, .unnamedClosed, .failed, .ready(forward: true),
      .prepared(_, forward: true),
      .described(_, forward: true):
      true
    case .swallow, .ready(forward: false), .prepared(_, forward: false), .unprepared, .frontDone,
      .frontFailed,
      .looked, .described(_, forward: false), .unasked, .violation:
      false
    }
  }
}

/// One message's bytes, or several.
func frame(_ write: (inout MessageWriter) -> Void) -> [UInt8] {
  var writer = MessageWriter()
  write(&writer)
  return writer.bytes
}
