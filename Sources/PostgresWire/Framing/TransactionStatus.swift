/// The transaction status that ReadyForQuery carries.
///
/// Source: PostgreSQL manual, "Message Formats", ReadyForQuery.
@usableFromInline
package enum TransactionStatus: UInt8, Equatable, Sendable {
  /// "I": not in a transaction block.
  case idle = 73

  /// "T": in a transaction block.
  case inTransaction = 84

  /// "E": in a failed transaction block; everything is refused until it ends.
  case failed = 69

  /// The status that `byte` stands for, or nil for any other byte.
  @inlinable
  package init?(byte: UInt8) {
    switch byte {
    case 73: self = .idle
    case 84: self = .inTransaction
    case 69: self = .failed
    default: return nil  // a byte from outside
    }
  }

  /// The status in the ReadyForQuery frame at `offset`, or nil when the frame is malformed.
  @inlinable
  package static func read(in bytes: Span<UInt8>, at offset: Int, length: Int) -> TransactionStatus? {
    guard length == FrameHeader.size + 1, frameEnd(in: bytes, at: offset, length: length) != nil else {
      return nil
    }
    return TransactionStatus(byte: bytes[offset + FrameHeader.size])
  }
}
