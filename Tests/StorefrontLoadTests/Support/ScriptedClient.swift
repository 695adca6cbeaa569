import PoolServer
import PostgresWire
import StorefrontLoad

/// A client machine on a stage: the test writes the server's part and reads what the client sends.
struct ScriptedClient {
  var client: LoadClient
  var kit: LoadClientKit
  let mix: StorefrontMix

  /// - Parameter products: one product makes every request's product known.
  init?(_ style: LoadProtocol, products: [Int] = [7], tokens: [String] = ["to'ken"]) {
    guard let shop = Shop(products: products, tokens: tokens) else { return nil }
    mix = StorefrontMix(shop: shop)
    client = LoadClient(style: style, nonce: "0123456789abcdef")
    kit = LoadClientKit(
      encoder: RequestEncoder(shop: shop, run: "test"),
      keys: ScramKeyCache(password: "secret", hash: .openSSL))
  }

  /// The server speaks; returns the events that mean something, and what the client sends.
  mutating func hear(_ write: (inout MessageWriter) -> Void) -> (events: [LoadClientEvent], sent: [Sent]) {
    var server = MessageWriter()
    write(&server)
    var out = MessageWriter()
    var events: [LoadClientEvent] = []
    var position = 0
    while case .frame(let header) = FrameHeader.read(in: server.bytes.span, at: position) {
      let event = client.received(header, in: server.bytes.span, at: position, kit: &kit, out: &out)
      if event != .none { events.append(event) }
      position += header.length
    }
    return (events, Sent.read(out.bytes))
  }

  /// Starts the client's next request of the kind.
  mutating func start(_ kind: RequestKind) -> [Sent] {
    var out = MessageWriter()
    for number in 0... {
      let request = mix.request(client: 3, number: number)
      guard request.kind == kind else { continue }
      client.start(request, kit: &kit, out: &out)
      break
    }
    return Sent.read(out.bytes)
  }

  mutating func logIn() -> [LoadClientEvent] {
    hear {
      $0.authenticationOk()
      $0.readyForQuery(.idle)
    }.events
  }
}

/// A frame that the client sent: its tag and its body, zero bytes shown as blanks.
struct Sent: Equatable, CustomStringConvertible {
  let tag: Character
  let body: [UInt8]

  var text: String { String(decoding: body.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self) }
  var description: String { "\(tag) \(text)" }

  static func read(_ bytes: [UInt8]) -> [Sent] {
    var sent: [Sent] = []
    var position = 0
    while case .frame(let header) = FrameHeader.read(in: bytes.span, at: position) {
      sent.append(
        Sent(
          tag: Character(Unicode.Scalar(header.tag)),
          body: Array(bytes[(position + 5)..<(position + header.length)])))
      position += header.length
    }
    return sent
  }
}

extension [Sent] {
  var tags: String { String(map(\.tag)) }
}
