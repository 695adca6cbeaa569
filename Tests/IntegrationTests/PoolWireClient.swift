import DatabaseTools
import Foundation
import PoolServer
import PostgresWire

/// A client at the level of messages, over a blocking socket: for what no driver does.
final class PoolWireClient {
  /// Why nothing could be read.
  enum Failure: Error, Equatable {
    /// The other side ended the connection.
    case ended
    /// Nothing came for twenty seconds.
    case silent
    /// An ErrorResponse during the login.
    case refused(ErrorFields)
    case malformed
  }

  private let socket: Socket
  private var isOpen = true
  private var received: [UInt8] = []
  private var position = 0

  /// What BackendKeyData said at the login.
  private(set) var key = BackendKeyData(processID: 0, key: [])
  /// Every NegotiateProtocolVersion so far.
  private(set) var negotiations: [ProtocolNegotiation] = []
  /// Every ParameterStatus so far, the last of a name.
  private(set) var parameters: [String: String] = [:]

  /// Connects without sending a byte.
  init(port: UInt16) throws {
    guard let address = try SocketAddress.resolve(host: "127.0.0.1", port: port).first else {
      throw Failure.ended
    }
    socket = try address.connect()
    guard wait(POLLOUT), socket.pendingError == 0 else { throw Failure.ended }
  }

  deinit { close() }

  // MARK: Ending

  /// Ends the connection in order.
  func close() {
    if isOpen { socket.close() }
    isOpen = false
  }

  /// Ends the connection as a machine does that is switched off: by a reset.
  func vanish() {
    if isOpen { socket.resetOnClose() }
    close()
  }

  // MARK: Login

  /// From the startup packet to the first ReadyForQuery; by SCRAM-SHA-256.
  /// - Throws: ``Failure/refused(_:)`` with what the other side says.
  func logIn(
    _ target: DatabaseTarget, _ startup: [(name: String, value: String)] = [], minor: Int = 0
  ) throws {
    try sendStartup(target, startup, minor: minor)
    try authenticate(target.password?.reveal ?? "")
    while true {
      let message = try loginMessage()
      switch message.tag {
      case BackendTag.backendKeyData:
        key = BackendKeyData.read(in: message.bytes.span, at: 0, length: message.bytes.count) ?? key
      case BackendTag.readyForQuery: return
      default: break  // ParameterStatus, noted already, and notices
      }
    }
  }

  func sendStartup(
    _ target: DatabaseTarget, _ startup: [(name: String, value: String)] = [], minor: Int = 0
  ) throws {
    try send {
      $0.startup(
        parameters: [
          StartupParameter("user", target.user ?? ""), StartupParameter("database", target.database ?? ""),
        ] + startup.map { StartupParameter($0.name, $0.value) }, minor: minor)
    }
  }

  /// The SCRAM exchange, once the startup packet is sent; up to AuthenticationOk.
  func authenticate(_ password: String) throws {
    var scram = ScramClient(password: password, clientNonce: scramNonce(), hash: .openSSL)
    while true {
      let message = try loginMessage()
      if message.tag == BackendTag.negotiateProtocolVersion {
        let bytes = message.bytes.span
        negotiations += [ProtocolNegotiation.read(in: bytes, at: 0, length: bytes.count)].compactMap(\.self)
        continue
      }
      let request = AuthenticationRequest.read(in: message.bytes.span, at: 0, length: message.bytes.count)
      switch request {
      case .sasl:
        let first = scram.clientFirst()
        try send { $0.saslInitialResponse(mechanism: scram.mechanism, response: first) }
      case .saslContinue(let challenge):
        let response = try scram.received(serverFirst: challenge)
        try send { $0.saslResponse(response) }
      case .saslFinal(let verdict): try scram.received(serverFinal: verdict)
      case .ok: return
      case .cleartextPassword, .md5Password, .other, nil: throw Failure.malformed
      }
    }
  }

  private func loginMessage() throws -> PoolMessage {
    let message = try next()
    if let error = message.error { throw Failure.refused(error) }
    return message
  }

  // MARK: Talking

  func send(_ write: (inout MessageWriter) -> Void) throws {
    var writer = MessageWriter()
    write(&writer)
    try send(writer.bytes)
  }

  /// Sends bytes as they are, all of them. As libpq, it takes in what comes meanwhile, or both sides would wait for
  /// each other to read.
  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      switch socket.write(Array(rest.prefix(65_536))) {
      case .bytes(let count): rest = rest.dropFirst(count)
      case .wouldBlock:
        guard wait(POLLOUT | POLLIN) else { throw Failure.silent }
        try takeIn()
      case .closed: throw Failure.ended
      }
    }
  }

  /// Sends the same again and again, reading nothing, until nothing more has been taken for half a second.
  func pour(_ bytes: [UInt8], times: Int) {
    for _ in 0..<times {
      var rest = bytes[...]
      while !rest.isEmpty {
        guard case .bytes(let count) = socket.write(Array(rest)) else {
          var descriptor = pollfd(fd: socket.fd, events: Int16(POLLOUT), revents: 0)
          guard poll(&descriptor, 1, 500) == 1 else { return }
          continue
        }
        rest = rest.dropFirst(count)
      }
    }
  }

  /// The next message, whole.
  func next() throws -> PoolMessage {
    while true {
      switch FrameHeader.read(in: received.span, at: position) {
      case .malformed: throw Failure.malformed
      case .frame(let header) where received.count - position >= header.length:
        let message = PoolMessage(bytes: Array(received[position..<position + header.length]))
        position += header.length
        if message.tag == BackendTag.parameterStatus { note(message) }
        return message
      case .frame, .incomplete: try fill()
      }
    }
  }

  /// The next byte, as it answers an SSLRequest.
  func nextByte() throws -> UInt8 {
    while received.count == position { try fill() }
    position += 1
    return received[position - 1]
  }

  /// Everything up to and with ReadyForQuery.
  func reply() throws -> PoolReply {
    var messages: [PoolMessage] = []
    while true {
      let message = try next()
      messages.append(message)
      if message.tag == BackendTag.readyForQuery { return PoolReply(messages: messages) }
    }
  }

  /// Everything up to the end of the connection.
  func lastWords() throws -> PoolReply {
    var messages: [PoolMessage] = []
    do {
      while true { messages.append(try next()) }
    } catch Failure.ended {
      return PoolReply(messages: messages)
    }
  }

  func query(_ sql: String) throws -> PoolReply {
    try send { $0.query(sql) }
    return try reply()
  }

  private func note(_ message: PoolMessage) {
    let bytes = message.bytes.span
    guard let view = ParameterStatusView.read(in: bytes, at: 0, length: bytes.count) else { return }
    parameters[copiedText(in: bytes, from: view.nameStart, to: view.nameEnd)] =
      copiedText(in: bytes, from: view.valueStart, to: view.valueEnd)
  }

  private func fill() throws {
    received.removeFirst(position)
    position = 0
    while try !takeIn() {
      guard wait(POLLIN) else { throw Failure.silent }
    }
  }

  /// Takes in what is there; false when there is nothing.
  @discardableResult
  private func takeIn() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = recv(socket.fd, &chunk, chunk.count, 0)
    if count > 0 { received += chunk.prefix(count) }
    // A reset is an end like any other here.
    guard count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR)) else { throw Failure.ended }
    return count > 0
  }

  private func wait(_ events: Int32) -> Bool {
    var descriptor = pollfd(fd: socket.fd, events: Int16(events), revents: 0)
    return poll(&descriptor, 1, 20_000) == 1
  }
}

/// A message with its header.
struct PoolMessage {
  let bytes: [UInt8]

  var tag: UInt8 { bytes[0] }

  /// The fields of an ErrorResponse.
  var error: ErrorFields? {
    guard tag == BackendTag.errorResponse else { return nil }
    return ErrorFields.read(in: bytes.span, at: 0, length: bytes.count)
  }
}

/// What came for one request.
struct PoolReply {
  let messages: [PoolMessage]

  /// The tags in order, as the manual abbreviates them: `TDCZ` for a query with one row.
  var tags: String { String(decoding: messages.map(\.tag), as: UTF8.self) }

  /// The first ErrorResponse.
  var error: ErrorFields? { messages.lazy.compactMap(\.error).first }

  /// Every NoticeResponse.
  var notices: [ErrorFields] {
    messages.filter { $0.tag == BackendTag.noticeResponse }.compactMap { message in
      let bytes = message.bytes.span
      return ErrorFields.read(in: bytes, at: 0, length: bytes.count)
    }
  }

  var rows: [[String?]] {
    messages.filter { $0.tag == BackendTag.dataRow }.compactMap { message in
      DataRowView.read(in: message.bytes.span, at: 0, length: message.bytes.count)?.texts(
        in: message.bytes.span)
    }
  }

  /// The first column of the first row.
  var value: String? { rows.first?.first ?? nil }

  /// What the last ReadyForQuery says.
  var status: TransactionStatus? {
    messages.last.flatMap { TransactionStatus.read(in: $0.bytes.span, at: 0, length: $0.bytes.count) }
  }
}
