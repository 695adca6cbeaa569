/// What the startup parameter `replication` makes of a connection.
///
/// Source: PostgreSQL manual, "Streaming Replication Protocol"; `ProcessStartupPacket` and `parse_bool`.
package enum ReplicationMode: Equatable, Sendable {
  /// A connection as any other.
  case off

  /// A walsender without a database: replication commands only.
  case physical

  /// A walsender in a database: replication commands and simple queries.
  case logical

  /// `nil` for a value that PostgreSQL refuses.
  package init?(_ value: [UInt8]) {
    if value == Array("database".utf8) {
      self = .logical
      return
    }
    guard let isOn = Self.truth(of: value) else { return nil }
    self = isOn ? .physical : .off
  }

  /// `nil` when the value is none of these, nor the beginning of one that no other begins with.
  private static func truth(of value: [UInt8]) -> Bool? {
    let word = value.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    guard !word.isEmpty else { return nil }
    if word == [UInt8(ascii: "1")] { return true }
    if word == [UInt8(ascii: "0")] { return false }
    if Array("true".utf8).starts(with: word) || Array("yes".utf8).starts(with: word) { return true }
    if Array("false".utf8).starts(with: word) || Array("no".utf8).starts(with: word) { return false }
    guard word.count > 1 else { return nil }
    if Array("on".utf8).starts(with: word) { return true }
    return Array("off".utf8).starts(with: word) ? false : nil
  }
}

extension StartupRequest {
  /// Whether the client replicates; `nil` when its `replication` is no value that PostgreSQL takes.
  package var replication: ReplicationMode? {
    guard let value = value(of: "replication") else { return .off }
    return ReplicationMode(value)
  }
}
