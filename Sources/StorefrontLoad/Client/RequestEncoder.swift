package import PostgresWire

/// Writes requests as bytes, the way the two shops' drivers do: pgx with named prepared statements, psycopg2
/// with literals in the text. Nothing is allocated per request but what the buffers grow by.
package struct RequestEncoder: Sendable {
  private let tokens: [[UInt8]]
  /// What every idempotency key of this run begins with, so that two runs on one database never meet.
  private let run: [UInt8]
  private var items: [UInt8] = []
  private var number: [UInt8] = []

  package init(shop: Shop, run: String) {
    tokens = shop.tokens
    self.run = Array(run.utf8)
  }

  /// For clients that log in and ask for nothing.
  package init() {
    tokens = []
    run = []
  }

  // MARK: Extended protocol

  /// Parse, Describe and Sync of a kind's statement: what pgx sends when it meets a query first.
  package func prepare(_ kind: RequestKind, out: inout MessageWriter) {
    out.parse(name: kind.statementName, query: kind.statement)
    out.describe(statement: kind.statementName)
    out.sync()
  }

  /// Bind, Describe, Execute and Sync of a statement prepared before.
  package mutating func execute(_ request: StorefrontRequest, out: inout MessageWriter) {
    let name = request.kind.statementName
    switch request.kind {
    case .productList:
      bind(name, parameters: 0, out: &out) { _ in }
    case .product, .inventory:
      number.removeAll(keepingCapacity: true)
      appendDecimal(request.products[0], to: &number)
      bind(name, parameters: 1, out: &out) { $0.value(number) }
    case .checkout:
      writeItems(request)
      writeKey(request)
      bind(name, parameters: 3, out: &out) {
        $0.value(tokens[request.session])
        $0.value(items)
        $0.value(number)
      }
    }
    out.describe(portal: "")
    out.execute()
    out.sync()
  }

  private func bind(
    _ name: String, parameters: UInt16, out: inout MessageWriter, _ values: (inout MessageWriter) -> Void
  ) {
    out.message(FrontendTag.bind) { message in
      message.text("")
      message.text(name)
      message.uint16(0)
      message.uint16(parameters)
      values(&message)
      message.uint16(0)
    }
  }

  // MARK: Simple protocol

  /// One Query message.
  package mutating func query(_ request: StorefrontRequest, out: inout MessageWriter) {
    let parts = request.kind.simpleParts
    if request.kind == .checkout {
      writeItems(request)
      writeKey(request)
    }
    out.message(FrontendTag.query) { message in
      message.raw(parts.0)
      switch request.kind {
      case .productList: break
      case .product, .inventory: appendDecimal(request.products[0], to: &message.bytes)
      case .checkout:
        appendLiteral(tokens[request.session], to: &message.bytes)
        message.raw(Self.comma)
        appendLiteral(items, to: &message.bytes)
        message.raw(Self.comma)
        appendLiteral(number, to: &message.bytes)
      }
      message.raw(parts.1)
      message.byte(0)
    }
  }

  package func begin(out: inout MessageWriter) { out.query("BEGIN") }
  package func commit(out: inout MessageWriter) { out.query("COMMIT") }
  package func rollBack(out: inout MessageWriter) { out.query("ROLLBACK") }

  // MARK: Values

  private static let comma = Array(", ".utf8)
  private static let itemStart = Array(#"{"product_id":"#.utf8)
  private static let itemEnd = Array(#","quantity":1}"#.utf8)

  /// The items as JSON; one piece of each, so that a day's stock lasts for a day.
  private mutating func writeItems(_ request: StorefrontRequest) {
    items.removeAll(keepingCapacity: true)
    items.append(UInt8(ascii: "["))
    for line in 0..<request.lineCount {
      if line > 0 { items.append(UInt8(ascii: ",")) }
      items.append(contentsOf: Self.itemStart)
      appendDecimal(request.products[line], to: &items)
      items.append(contentsOf: Self.itemEnd)
    }
    items.append(UInt8(ascii: "]"))
  }

  private mutating func writeKey(_ request: StorefrontRequest) {
    number.removeAll(keepingCapacity: true)
    number.append(contentsOf: run)
    number.append(UInt8(ascii: "-"))
    appendDecimal(request.client, to: &number)
    number.append(UInt8(ascii: "-"))
    appendDecimal(request.number, to: &number)
  }
}

/// A number's decimal digits.
private func appendDecimal(_ value: Int, to bytes: inout [UInt8]) {
  if value < 0 { bytes.append(UInt8(ascii: "-")) }
  let start = bytes.count
  var rest = value.magnitude
  repeat {
    bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
    rest /= 10
  } while rest > 0
  bytes[start...].reverse()
}

/// An SQL string literal. Source: PostgreSQL manual, "String Constants" (standard_conforming_strings is on).
private func appendLiteral(_ value: [UInt8], to bytes: inout [UInt8]) {
  let quote = UInt8(ascii: "'")
  bytes.append(quote)
  for byte in value {
    if byte == quote { bytes.append(quote) }
    bytes.append(byte)
  }
  bytes.append(quote)
}
