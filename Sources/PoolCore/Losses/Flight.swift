import PostgresWire

/// What a client has sent to its backend since that owed nothing: should the backend be lost, this tells where the
/// client's transaction stands, and it may be sent again if it is certain that nothing of it was carried out.
@usableFromInline
package struct Flight: Sendable {
  /// Bytes that are kept at most.
  @inlinable package static var longest: Int { 16_384 }

  @usableFromInline package var bytes: [UInt8] = []
  /// All of it is in ``bytes``.
  @usableFromInline package var isWhole = true
  /// The client has been sent something for it.
  @usableFromInline package var isAnswered = false
  /// Where its last batch begins in ``bytes``, while nothing of that is answered and it may be sent again by itself; below
  /// 0: it may not. See ``Sessions/keeps(on:from:)``.
  @usableFromInline package internal(set) var batchStart = -1

  package init() {}

  /// Nothing is owed: what comes next begins a flight.
  @inlinable
  package mutating func begin() {
    if !bytes.isEmpty { bytes.removeAll(keepingCapacity: true) }
    isWhole = true
    isAnswered = false
    batchStart = -1
  }

  /// Whether so many bytes more are to be added to ``bytes``.
  @inlinable
  package mutating func takes(_ count: Int) -> Bool {
    guard isWhole else { return false }
    if bytes.count + count <= Self.longest { return true }
    isCut()
    return false
  }

  /// A message of it was sent in parts.
  @inlinable
  package mutating func isCut() {
    isWhole = false
    batchStart = -1
    bytes.removeAll(keepingCapacity: true)
  }

  /// Where its units (a Query, a FunctionCall, a batch up to its Sync) begin and end, the open batch at its end last;
  /// `nil` when that cannot be told.
  package var units: (closed: [Range<Int>], open: Range<Int>)? {
    guard isWhole else { return nil }
    var closed: [Range<Int>] = []
    var start = 0
    var offset = 0
    while case .frame(let header) = FrameHeader.read(in: bytes.span, at: offset) {
      guard offset + header.length <= bytes.count else { return nil }
      offset += header.length
      switch header.tag {
      case FrontendTag.query, FrontendTag.functionCall, FrontendTag.sync:
        closed.append(start..<offset)
        start = offset
      default: break  // part of a batch
      }
    }
    return offset == bytes.count ? (closed, start..<offset) : nil
  }
}
