/// The first packet of a connection, the one without a tag: what does the client want?
///
/// Source: PostgreSQL manual, "Message Formats" (StartupMessage, SSLRequest, GSSENCRequest, CancelRequest)
/// and the checks of PostgreSQL's `ProcessStartupPacket`.
package enum StartupPacket: Equatable, Sendable {
  /// More bytes must come: the packet has at least `needed`.
  case incomplete(needed: Int)

  /// Not a startup packet; nothing behind it can be understood.
  case malformed(StartupFault)

  /// SSLRequest: one byte is owed in answer. Bytes that came behind it were not protected: refuse them.
  case sslRequest

  /// GSSENCRequest: as ``sslRequest``.
  case gssRequest

  /// CancelRequest: the process and the secret key of BackendKeyData, 4 to 256 bytes. No answer is owed.
  case cancel(processID: UInt32, key: [UInt8])

  /// StartupMessage.
  case startup(StartupRequest)

  /// A TLS ClientHello with no SSLRequest before it (PostgreSQL 17, `sslnegotiation=direct`).
  case directTLS

  /// PostgreSQL's MAX_STARTUP_PACKET_LENGTH: bytes behind the length word.
  package static let maximumBodyLength = 10_000

  static let sslCode: UInt32 = 80_877_103
  static let gssCode: UInt32 = 80_877_104
  static let cancelCode: UInt32 = 80_877_102
  private static let tlsHandshake: UInt8 = 0x16

  /// How many bytes the packet takes; 0 when it is not complete, malformed or TLS.
  package var packetLength: Int {
    switch self {
    case .incomplete, .malformed, .directTLS: 0
    case .sslRequest, .gssRequest: 8
    case .cancel(_, let key): 12 + key.count
    case .startup(let request): request.packetLength
    }
  }

  /// Reads the packet at the start of `bytes`. What follows it is left alone: see ``packetLength``.
  package static func read(in bytes: Span<UInt8>) -> StartupPacket {
    if bytes.count > 0, bytes[0] == tlsHandshake { return .directTLS }
    guard let word = readUInt32(in: bytes, at: 0) else { return .incomplete(needed: 8) }
    guard word >= 8, word <= UInt32(maximumBodyLength + 4) else {
      return .malformed(.length(Int(Int32(bitPattern: word))))
    }
    let length = Int(word)
    guard bytes.count >= length, let code = readUInt32(in: bytes, at: 4) else {
      return .incomplete(needed: length)
    }
    switch code {
    case sslCode:
      return length == 8 ? .sslRequest : .malformed(.length(length))
    case gssCode:
      return length == 8 ? .gssRequest : .malformed(.length(length))
    case cancelCode:
      return cancel(in: bytes, length: length)
    default:  // a protocol version
      return startup(in: bytes, length: length, version: code)
    }
  }

  private static func cancel(in bytes: Span<UInt8>, length: Int) -> StartupPacket {
    guard length >= 16, length <= 12 + 256, let processID = readUInt32(in: bytes, at: 8) else {
      return .malformed(.length(length))
    }
    return .cancel(processID: processID, key: copiedBytes(in: bytes, from: 12, to: length))
  }

  private static func startup(in bytes: Span<UInt8>, length: Int, version: UInt32) -> StartupPacket {
    let (major, minor) = (Int(version >> 16), Int(version & 0xffff))
    guard major == 3 else { return .malformed(.unsupportedProtocol(major: major, minor: minor)) }
    var request = StartupRequest(protocolMinor: minor, parameters: [], packetLength: length)
    var position = 8
    while let nameEnd = terminator(in: bytes, from: position, limit: length), nameEnd > position {
      guard let valueEnd = terminator(in: bytes, from: nameEnd + 1, limit: length) else { break }
      guard
        request.add(
          name: copiedBytes(in: bytes, from: position, to: nameEnd),
          value: copiedBytes(in: bytes, from: nameEnd + 1, to: valueEnd))
      else { return .malformed(.nameNotUTF8) }
      position = valueEnd + 1
    }
    guard position == length - 1, bytes[position] == 0 else { return .malformed(.layout) }
    return .startup(request)
  }
}

extension StartupRequest {
  /// Takes one pair of the packet. False when a name in it is not UTF-8.
  fileprivate mutating func add(name bytes: [UInt8], value: [UInt8]) -> Bool {
    guard let name = String(validating: bytes, as: UTF8.self) else { return false }
    if name == "user" || name == "database" {
      guard String(validating: value, as: UTF8.self) != nil else { return false }
    }
    if name.utf8.starts(with: "_pq_.".utf8) {
      if !unknownProtocolOptions.contains(name) { unknownProtocolOptions.append(name) }
    } else if let known = parameters.firstIndex(where: { $0.name == name }) {
      parameters[known].value = value
    } else {
      parameters.append(StartupParameter(name: name, value: value))
    }
    return true
  }
}
