/// How long a client lets itself wait for a backend: `dbtool.borrow_timeout`, as a startup option or by SET. The server
/// keeps it as any custom setting.
package enum BorrowLimit {
  package static let setting = "dbtool.borrow_timeout"

  /// A number and `ms`, `s`, `m`, `h` or `d`; a bare number is seconds, 0 no limit. `nil` when it is none of these.
  package static func milliseconds(_ value: [UInt8]) -> UInt64? {
    let digits = value.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard !digits.isEmpty, digits.count <= 12 else { return nil }
    let number = digits.reduce(UInt64(0)) { $0 * 10 + UInt64($1 - UInt8(ascii: "0")) }
    switch String(decoding: value[digits.endIndex...], as: UTF8.self) {
    case "ms": return number
    case "", "s": return number * 1_000
    case "m": return number * 60_000
    case "h": return number * 3_600_000
    case "d": return number * 86_400_000
    default: return nil  // whatever the client has put there
    }
  }
}

extension Sessions {
  /// What the client has set for itself, in milliseconds; `nil` when it has not, or nothing that can be read.
  package func borrowLimit(of client: ClientID) -> UInt64? {
    guard Int(client.index) < clients.count, clients[Int(client.index)].image != .empty else { return nil }
    return images.borrowLimit(clients[Int(client.index)].image)
  }
}
