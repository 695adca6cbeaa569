/// The tags of messages that a client sends, under the manual's names.
///
/// Source: PostgreSQL manual, "Message Formats".
@usableFromInline
package enum FrontendTag {
  @inlinable package static var bind: UInt8 { UInt8(ascii: "B") }
  @inlinable package static var close: UInt8 { UInt8(ascii: "C") }
  @inlinable package static var copyData: UInt8 { UInt8(ascii: "d") }
  @inlinable package static var copyDone: UInt8 { UInt8(ascii: "c") }
  @inlinable package static var copyFail: UInt8 { UInt8(ascii: "f") }
  @inlinable package static var describe: UInt8 { UInt8(ascii: "D") }
  @inlinable package static var execute: UInt8 { UInt8(ascii: "E") }
  @inlinable package static var flush: UInt8 { UInt8(ascii: "H") }
  @inlinable package static var functionCall: UInt8 { UInt8(ascii: "F") }
  @inlinable package static var parse: UInt8 { UInt8(ascii: "P") }
  /// PasswordMessage, SASLInitialResponse, SASLResponse and GSSResponse share this tag.
  @inlinable package static var password: UInt8 { UInt8(ascii: "p") }
  @inlinable package static var query: UInt8 { UInt8(ascii: "Q") }
  @inlinable package static var sync: UInt8 { UInt8(ascii: "S") }
  @inlinable package static var terminate: UInt8 { UInt8(ascii: "X") }

  /// The largest length word that PostgreSQL accepts for a message of this tag, or nil when no client
  /// message has it: a server ends the session then ("invalid frontend message type").
  ///
  /// Source: PostgreSQL 14 and later, `SocketBackend` and `PG_MAX_AUTH_TOKEN_LENGTH`: small messages up to
  /// 10,000 bytes, tokens of the authentication up to 65,535, the others up to the largest allocation.
  @inlinable
  package static func maximumWireLength(of tag: UInt8) -> Int? {
    switch tag {
    case query, parse, bind, functionCall, copyData: Int(FrameHeader.maximumWireLength)
    case close, copyDone, copyFail, describe, execute, flush, sync, terminate: 10_000 + 4
    case password: 65_535 + 4
    default: nil  // tags are an open set: a byte from outside
    }
  }
}
